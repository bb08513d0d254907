"""Attempts that ended in a PEER_HOLEPUNCH round: refused, aborted, unanswered, or left in silence."""

from __future__ import annotations

from typing import Final

from capture.flows.altered import leg_to
from capture.flows.attempt import Exchange
from capture.flows.endpoints import host_of
from capture.flows.facts import Facts
from capture.flows.legs import Leg
from capture.flows.relaying import RelayLink
from capture.flows.tokens import token_lives
from capture.flows.verdicts.classes import class_of, stays_unknown
from capture.flows.verdicts.judgement import (
    RETRY_NS,
    Judgement,
    Proof,
    answer_row,
    cut_off,
    error_name,
    failed,
    incomplete,
)
from capture.model import Outcome, Path, TokenState, VerdictCode
from capture.table import host_text
from protocol.constants import ErrorCode, Firewall, Mode
from protocol.messages import HolepunchPayload

SILENCE_NS: Final = 250_000_000
"""A client goes on within milliseconds of an answer that lets it go on."""


def try_later(facts: Facts, _links: list[RelayLink]) -> Judgement | None:
    """The server answered TRY_LATER."""
    for exchange in reversed(facts.rounds):
        if exchange.reply is not None and exchange.reply.error == ErrorCode.TRY_LATER:
            return failed(VerdictCode.TRY_LATER, ((answer_row(exchange), "the server answers TRY_LATER"),))
    return None


def server_abort(facts: Facts, _links: list[RelayLink]) -> Judgement | None:
    """The server called the punch off, or refused it for an unverified address."""
    for exchange in facts.rounds:
        reply, request = exchange.reply, exchange.opened
        if reply is None or reply.error == ErrorCode.NONE:
            continue
        if request is not None and request.error != ErrorCode.NONE:
            return None  # The server only confirms the client's abort.
        proof = (answer_row(exchange), f"the server answers {error_name(reply.error)}")
        unverified = _unverified_client(facts, exchange)
        if unverified is not None:
            return failed(VerdictCode.UNVERIFIED_ADDRESS, (*unverified, proof), inferred=True, detail=unverified[0][1])
        return failed(VerdictCode.ABORTED_BY_SERVER, (proof,))
    return None


def _unverified_client(facts: Facts, exchange: Exchange) -> tuple[Proof, ...] | None:
    """Why the server could not have verified the client's address in this round, where a random NAT needs it."""
    said, request = exchange.opened, exchange.heard or exchange.opened
    if request is None or not request.punching or Firewall.RANDOM not in (facts.firewall(True), facts.firewall(False)):
        return None
    row = exchange.legs[0].row
    if said is not None and said.remote_token is not None and request.remote_token != said.remote_token:
        done = "takes the server's token out" if request.remote_token is None else "puts another token in"
        return ((leg_to(exchange, server=True).row, f"a relay {done} on its way to the server"),)
    if request.remote_token is None:
        return ((row, "the client could not echo a token of the server"),)
    issued = {earlier.reply.token for earlier in facts.rounds if earlier.reply is not None and earlier.reply.token}
    if request.remote_token not in issued:
        return ((row, "the token that the client echoes was never issued"),)
    # A client probes through its own relay whenever the server offers that one; another relay means it does not.
    if exchange.relay not in facts.sides.probe_relays:
        return ((row, "this round goes through a relay that the server does not offer: it accepts no token there"),)
    for event in token_lives(facts).events:
        if event.server and event.exchange is exchange and event.state not in (TokenState.VERIFIED, TokenState.ISSUED):
            return ((row, event.text),)
    return None


def client_abort(facts: Facts, _links: list[RelayLink]) -> Judgement | None:
    """The client called the punch off and said so."""
    for exchange in facts.rounds:
        request = exchange.opened
        if request is None or request.error == ErrorCode.NONE:
            continue
        proof = (exchange.legs[0].row, f"the client sends {error_name(request.error)}")
        for client in (True, False):
            if stays_unknown(facts, client=client):
                detail = f"the {'client' if client else 'server'}'s NAT stayed UNKNOWN"
                return failed(VerdictCode.NAT_UNKNOWN, (proof,), detail=detail)
        heard = _last_heard(facts, exchange)
        if heard is not None and heard.firewall == Firewall.UNKNOWN:
            detail = "the server says UNKNOWN in its last answer"
            return failed(VerdictCode.NAT_UNKNOWN, (proof,), detail=detail, inferred=True)
        if facts.firewall(True) == Firewall.UNKNOWN and _waited(facts, exchange) >= RETRY_NS:
            # A veto comes at once; samples that never came back hold the client up for a time-out at least.
            detail = "the client said UNKNOWN and waited long for samples before it gave up"
            return failed(VerdictCode.NAT_UNKNOWN, (proof,), detail=detail, inferred=True)
        return failed(VerdictCode.ABORTED_BY_CLIENT, (proof,), inferred=class_of(facts, client=True)[0] is None)
    return None


def _last_heard(facts: Facts, exchange: Exchange) -> HolepunchPayload | None:
    """The last good answer that the client got before a round."""
    answers = [
        one.heard_reply or one.reply
        for one in facts.rounds
        if one is not exchange and one.started_ns < exchange.started_ns and one.reply is not None
    ]
    good = [answer for answer in answers if answer is not None and answer.error == ErrorCode.NONE]
    return good[-1] if good else None


def _waited(facts: Facts, exchange: Exchange) -> int:
    """Nanoseconds from the last answer before a round to the round."""
    answers = [
        earlier.answered.time_ns
        for earlier in facts.rounds
        if earlier.answered is not None and earlier.started_ns < exchange.started_ns
    ]
    return exchange.started_ns - max(answers) if answers else 0


def unanswered_round(facts: Facts, _links: list[RelayLink]) -> Judgement | None:
    """The last round got no answer."""
    last = facts.rounds[-1] if facts.rounds else None
    if last is None:
        return None
    lost = _answer_lost(last) or _answer_lost_behind(facts, last)
    if last.answered is not None and lost is None:
        return None
    if last.opened is not None and last.opened.error != ErrorCode.NONE:
        return None
    if cut_off(facts, [last]):
        return incomplete(facts, "the capture ends before the last PEER_HOLEPUNCH could be answered")
    if last.opened is not None:
        punching = last.opened.punching
    else:
        punching = any(exchange.answered is not None for exchange in facts.rounds[:-1])
    leg = last.legs[-1]
    passed_on = last.first(Mode.FROM_RELAY)
    aside = _passed_aside(facts, last)
    detail = (
        f"the relay passed it on to {aside}, where the server is not"
        if aside
        else "the relay passed it on and the server stayed silent"
        if passed_on is not None
        else "the relay that it went to sent nothing back"
    )
    proofs: list[Proof] = [(last.legs[0].row, f"the {'punch' if punching else 'probe'} round's request")]
    if lost is not None:
        again = any(leg.mode == Mode.FROM_CLIENT and leg.time_ns > lost.time_ns for leg in last.legs)
        how = ", which asks again" if again else ": the client's own capture does not show it"
        detail = f"the server answers, and its answer never reaches the client{how}"
        proofs.append((lost.row, "the server's answer"))
    elif leg.row != last.legs[0].row:
        proofs.append((leg.row, "the last leg that was seen of it"))
    code = VerdictCode.PUNCH_UNANSWERED if punching else VerdictCode.PROBE_UNANSWERED
    inferred = last.opened is None or facts.one_relay_only
    return failed(code, tuple(proofs), detail=detail, inferred=inferred)


def _passed_aside(facts: Facts, exchange: Exchange) -> str:
    """The host that a relay passed a request on to, where the server answered from others."""
    passed_on = exchange.first(Mode.FROM_RELAY)
    answers = [leg for one in facts.attempt.exchanges for leg in one.legs if leg.mode == Mode.FROM_SERVER]
    known = {host_of(source) for leg in answers for source in facts.copies.sources(leg.row, leg.src)}
    if passed_on is None or not known or not known.isdisjoint(_hosts_of(facts, passed_on)):
        return ""
    return host_text(host_of(passed_on.to) & 0xFFFFFFFF)


def _hosts_of(facts: Facts, leg: Leg) -> set[int]:
    return {host_of(leg.to), *(host_of(one) for one in facts.copies.destinations(leg.row, leg.dst))}


def _answer_lost(exchange: Exchange) -> Leg | None:
    """The server's answer, where the client was seen to ask again after it and to get none."""
    answer = exchange.first(Mode.FROM_SERVER)
    if answer is None or exchange.first(Mode.REPLY) is not None:
        return None
    again = any(leg.mode == Mode.FROM_CLIENT and leg.time_ns > answer.time_ns for leg in exchange.legs)
    return answer if again else None


def _answer_lost_behind(facts: Facts, exchange: Exchange) -> Leg | None:
    """The relay's answer, where another capture shows it and the client's own does not, though that goes on.

    The client's own is the one that shows its request nearest to it. It must show answers of relays, else it is one of
    what the client sends alone.
    """
    replies = exchange.legs_of(Mode.REPLY)
    request = exchange.first(Mode.FROM_CLIENT)
    if not replies or request is None:
        return None
    copies = facts.copies
    own = copies.sighting(request.row).file
    if any(own in copies.files(reply.row) for reply in replies) or not copies.goes_on(own, replies[-1].row):
        return None
    earlier = (leg for one in facts.attempt.exchanges if one is not exchange for leg in one.legs_of(Mode.REPLY))
    return replies[-1] if any(own in copies.files(leg.row) for leg in earlier) else None


def _unopened_answer(facts: Facts, last: Exchange) -> Judgement | None:
    """The client goes silent after an answer that its secret does not open; it opened the request."""
    answer = last.first(Mode.REPLY)
    if answer is None or not answer.whole or not last.answers or not facts.client_visible:
        return None
    if facts.capture_end_ns - answer.time_ns < SILENCE_NS:
        return None
    proof = (answer.row, "the server's answer does not open with the secret that opens the request")
    return failed(VerdictCode.ABORTED_BY_CLIENT, (proof,), inferred=True, detail=proof[1])


def silent_client(facts: Facts, _links: list[RelayLink]) -> Judgement | None:
    """A good probe reply, and the client does nothing more."""
    last = facts.rounds[-1] if facts.rounds else None
    if last is not None and last.opened is not None and last.reply is None:
        return _unopened_answer(facts, last)
    if last is None or last.reply is None or last.reply.error != ErrorCode.NONE:
        return None
    answer = last.answered
    if answer is None:
        return None
    silence = facts.capture_end_ns - answer.time_ns
    if facts.same_nat and not facts.streams and silence > SILENCE_NS:
        proof = (answer.row, "relays see both sides at one address; the client stops punching")
        return Judgement(VerdictCode.LAN, Outcome.CONNECTED, Path.LAN, (proof,), inferred=True)
    # With both classes known a client goes on at once; else it may wait a second for samples, and one for the server.
    known = all(class_of(facts, client=side)[0] not in (None, Firewall.UNKNOWN) for side in (True, False))
    if silence < (SILENCE_NS if known else 2 * RETRY_NS) or not facts.client_visible:
        return None
    for client in (True, False):
        if stays_unknown(facts, client=client):
            who = "client" if client else "server"
            proof = (answer.row, f"the {who}'s NAT is still UNKNOWN in the last round")
            return failed(VerdictCode.NAT_UNKNOWN, (proof,), inferred=True, detail=f"the {who}'s NAT stayed UNKNOWN")
    proof = (answer.row, "a good answer, after which the client goes silent")
    return failed(VerdictCode.ABORTED_BY_CLIENT, (proof,), inferred=True)
