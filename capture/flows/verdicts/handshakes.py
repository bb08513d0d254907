"""Attempts that ended at the handshake."""

from __future__ import annotations

from capture.flows.facts import Facts
from capture.flows.relaying import RelayLink
from capture.flows.verdicts.judgement import Judgement, Proof, cut_off, error_name, failed, incomplete
from capture.model import Outcome, Path, VerdictCode
from protocol.constants import ErrorCode, Firewall, Mode


def handshake(facts: Facts, _links: list[RelayLink]) -> Judgement | None:
    """No round followed the handshake, and the handshake says why."""
    attempt = facts.attempt
    if facts.rounds:
        return None
    if attempt.handshake_answered is None:
        return _unanswered_handshake(facts)
    noise2 = attempt.noise2_payload
    answer = attempt.handshake_answered.answered
    assert answer is not None
    if noise2 is not None:
        if noise2.version != 1 or noise2.error != ErrorCode.NONE:
            what = f"version {noise2.version}" if noise2.version != 1 else f"error {error_name(noise2.error)}"
            return failed(
                VerdictCode.HANDSHAKE_REFUSED, ((answer.row, f"the server answers with {what}"),), detail=what
            )
        if noise2.udx is None:
            proof = (answer.row, "the server's answer offers no stream")
            return failed(VerdictCode.HANDSHAKE_REFUSED, (proof,), detail="no stream in the answer")
        if not (noise2.holepunch and noise2.holepunch.relays) and noise2.firewall != Firewall.OPEN:
            proof = (answer.row, "the answer offers no relay to punch through")
            return failed(VerdictCode.NOT_HOLEPUNCHABLE, (proof,))
    if facts.same_nat:
        proof = (answer.row, "relays see both sides at one address; no holepunch follows")
        return Judgement(VerdictCode.LAN, Outcome.CONNECTED, Path.LAN, (proof,), inferred=True)
    return None


def _unanswered_handshake(facts: Facts) -> Judgement:
    attempt = facts.attempt
    legs = [leg for exchange in attempt.handshakes for leg in exchange.legs]
    last = legs[-1]
    refusal = next((exchange.no_route for exchange in attempt.handshakes if exchange.no_route), None)
    if refusal is None and cut_off(facts, attempt.handshakes):
        return incomplete(facts, "the capture ends before the handshake could be answered")
    reached = [leg for leg in legs if leg.mode in (Mode.FROM_RELAY, Mode.FROM_SECOND_RELAY)]
    sent = [leg for leg in legs if leg.mode == Mode.FROM_CLIENT]
    proofs: list[Proof] = []
    if sent:
        proofs.append((sent[0].row, "the client's handshake request"))
    if refusal is not None:
        proofs.append((refusal.row, "the relay knows no route to the server"))
        detail = "a relay answers that it knows no route to the server: its record is stale"
    elif reached:
        proofs.append((reached[0].row, "the relay passes it on to the server; nothing comes back"))
        detail = (
            f"the relays passed it on {len(reached)} times and the server stayed silent: its firewall function "
            "rejects, it is offline, or the relays' route to it is stale"
        )
    else:
        detail = (
            "no answer came back, and this capture does not show whether the relays passed it on: the server's "
            "firewall function rejects, it is offline, or the relays' route to it is stale"
        )
    if last.row not in [row for row, _ in proofs]:
        proofs.append((last.row, "the last try"))
    return failed(VerdictCode.HANDSHAKE_UNANSWERED, tuple(proofs), detail=detail, inferred=facts.one_relay_only)
