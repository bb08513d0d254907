"""Judging: the most specific verdict that the packets of an attempt prove.

Rules are tried from the end of an attempt to its beginning: a stream that is up outweighs whatever went wrong on the
way, and a stated error outweighs silence. Each rule either proves its verdict with packets or passes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from capture.flows.attempt import Exchange
from capture.flows.endpoints import host_of
from capture.flows.facts import Facts, StreamFacts
from capture.flows.relaying import RelayLink
from capture.model import Outcome, Path, VerdictCode
from protocol.constants import ErrorCode, Firewall, Mode

RETRY_NS: Final = 1_000_000_000
"""Time between two sends of an unanswered request."""
SENDS: Final = 4
"""How often the reference sends a request before it gives up."""
PUNCHING_NS: Final = 1_500_000_000
"""A side that is still punching sends at least this often."""
CONSISTENT_NS: Final = 9_500_000_000
"""Two consistent sides punch for about ten seconds (10 punches, 1 s apart)."""
RANDOM_NS: Final = 34_000_000_000
"""With a random side they punch for about 35 seconds (1750 punches, 20 ms apart)."""
SILENCE_NS: Final = 250_000_000
"""A client goes on within milliseconds of an answer that lets it go on."""

Proof = tuple[int, str]
"""A row and what it says."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """A verdict before it is put into words."""

    code: VerdictCode
    outcome: Outcome
    path: Path | None
    proofs: tuple[Proof, ...]
    inferred: bool = False
    detail: str = ""
    """What the packets show beyond the code, as a clause."""
    stream: StreamFacts | None = None
    fast_open: bool = False
    extra: dict[str, str] = field(default_factory=dict)


def judge(facts: Facts, links: list[RelayLink]) -> Judgement:
    """Judge an attempt that has at least one handshake or holepunch leg."""
    for rule in _RULES:
        judgement = rule(facts, links)
        if judgement is not None:
            return judgement
    return _incomplete(facts, "nothing in this capture says how it ended")


# --- connected ---------------------------------------------------------------------------------------------------


def _upgraded(facts: Facts, links: list[RelayLink]) -> Judgement | None:
    if not links:
        return None
    link = links[0]
    direct = _live_stream(facts)
    if direct is None:
        proofs = tuple((link.relayed_row, _link_text(link)) for link in links)
        return Judgement(VerdictCode.RELAYED, Outcome.CONNECTED, Path.RELAYED, proofs)
    if direct.first_ns < link.relayed_ns:
        return None
    proofs = ((link.relayed_row, _link_text(link)), (direct.first.first_row, "first stream packet on the direct path"))
    return Judgement(VerdictCode.UPGRADED, Outcome.CONNECTED, Path.UPGRADED, proofs, stream=direct)


def _link_text(link: RelayLink) -> str:
    return f"a second stream begins on the {'client' if link.by_client else 'server'}'s connection to the blind relay"


def _connected(facts: Facts, _links: list[RelayLink]) -> Judgement | None:
    stream = _live_stream(facts)
    if stream is None:
        return None
    first = stream.first
    proof = (first.first_row, "first stream packet, answered from the other side")
    if facts.same_nat and _between_insides(facts, stream):
        return Judgement(VerdictCode.LAN, Outcome.CONNECTED, Path.LAN, (proof,), stream=stream)
    if facts.rounds:
        hit = _first_hit(facts, stream)
        proofs = (proof,) if hit is None else ((hit, "punch that opened the path"), proof)
        fast = not any(
            exchange.opened is not None and exchange.opened.punching and exchange.started_ns < stream.first_ns
            for exchange in facts.rounds
        )
        return Judgement(
            VerdictCode.PUNCHED,
            Outcome.CONNECTED,
            Path.PUNCHED,
            proofs,
            stream=stream,
            fast_open=fast and facts.readable,
        )
    noise1, noise2 = facts.attempt.noise1_payload, facts.attempt.noise2_payload
    if noise2 is not None and noise2.firewall == Firewall.OPEN:
        server_open = True
    elif noise1 is not None and noise1.firewall == Firewall.OPEN:
        server_open = False
    else:
        server_open = facts.sides.direct or first in stream.up
    code = VerdictCode.OPEN_SERVER if server_open else VerdictCode.OPEN_CLIENT
    return Judgement(code, Outcome.CONNECTED, Path.OPEN, (proof,), stream=stream)


def _live_stream(facts: Facts) -> StreamFacts | None:
    return next((stream for stream in facts.streams if stream.both_ways), None)


def _between_insides(facts: Facts, stream: StreamFacts) -> bool:
    if stream.server_side in facts.sides.local:
        return True
    outside = facts.sides.client.outside_hosts
    return host_of(stream.client_side) not in outside and host_of(stream.server_side) not in outside


def _first_hit(facts: Facts, stream: StreamFacts) -> int | None:
    """The first punch on the stream's own path, preferably one that was seen to arrive."""
    ends = {stream.client_side, stream.server_side}
    packets = [*facts.client_punches.normal, *facts.server_punches.normal]
    on_path = [packet for packet in packets if packet.time_ns <= stream.first_ns and {packet.src, packet.dst} & ends]
    exact = [packet for packet in on_path if {packet.src, packet.dst} == ends]
    chosen = exact or on_path
    return min((packet.row for packet in chosen), default=None)


# --- the handshake -----------------------------------------------------------------------------------------------


def _handshake(facts: Facts, _links: list[RelayLink]) -> Judgement | None:
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
            what = f"version {noise2.version}" if noise2.version != 1 else f"error {_error_name(noise2.error)}"
            return _failed(
                VerdictCode.HANDSHAKE_REFUSED, ((answer.row, f"the server answers with {what}"),), detail=what
            )
        if not (noise2.holepunch and noise2.holepunch.relays) and noise2.firewall != Firewall.OPEN:
            proof = (answer.row, "the answer offers no relay to punch through")
            return _failed(VerdictCode.NOT_HOLEPUNCHABLE, (proof,))
    if facts.same_nat:
        proof = (answer.row, "relays see both sides at one address; no holepunch follows")
        return Judgement(VerdictCode.LAN, Outcome.CONNECTED, Path.LAN, (proof,), inferred=True)
    return None


def _unanswered_handshake(facts: Facts) -> Judgement:
    attempt = facts.attempt
    legs = [leg for exchange in attempt.handshakes for leg in exchange.legs]
    last = legs[-1]
    refusal = next((exchange.no_route for exchange in attempt.handshakes if exchange.no_route), None)
    if refusal is None and _cut_off(facts, attempt.handshakes):
        return _incomplete(facts, "the capture ends before the handshake could be answered")
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
    return _failed(VerdictCode.HANDSHAKE_UNANSWERED, tuple(proofs), detail=detail, inferred=facts.one_relay_only)


def _cut_off(facts: Facts, exchanges: list[Exchange]) -> bool:
    """Whether the capture ends while a client would still be trying."""
    legs = [leg for exchange in exchanges for leg in exchange.legs]
    last = max(leg.time_ns for leg in legs)
    sends = max(sum(1 for leg in exchange.legs if leg.mode == exchange.legs[0].mode) for exchange in exchanges)
    return sends < SENDS and facts.capture_end_ns - last < RETRY_NS


# --- the rounds --------------------------------------------------------------------------------------------------


def _try_later(facts: Facts, _links: list[RelayLink]) -> Judgement | None:
    for exchange in reversed(facts.rounds):
        if exchange.reply is not None and exchange.reply.error == ErrorCode.TRY_LATER:
            return _failed(VerdictCode.TRY_LATER, ((_answer_row(exchange), "the server answers TRY_LATER"),))
    return None


def _both_random(facts: Facts, _links: list[RelayLink]) -> Judgement | None:
    client, inferred_client = _class_of(facts, client=True)
    server, inferred_server = _class_of(facts, client=False)
    if client != Firewall.RANDOM or server != Firewall.RANDOM:
        return None
    proofs = (*_class_proofs(facts, client=True), *_class_proofs(facts, client=False))
    return _failed(VerdictCode.BOTH_NATS_RANDOM, proofs, inferred=inferred_client or inferred_server)


def _class_of(facts: Facts, *, client: bool) -> tuple[Firewall | None, bool]:
    """The class of one side: as stated on the wire, else as its samples say, else as its two handshake relays show.

    Returns:
        The class, and whether it is only likely.
    """
    stated = facts.firewall(client)
    if stated not in (None, Firewall.UNKNOWN):
        return stated, False
    sampled = (facts.client_class if client else facts.server_class).firewall
    if sampled != Firewall.UNKNOWN:
        return sampled, False
    if client and len(_handshake_ports(facts)) > 1:
        return Firewall.RANDOM, True
    return (Firewall.UNKNOWN if _stays_unknown(facts, client=client) else None), False


def _stays_unknown(facts: Facts, *, client: bool) -> bool:
    """Whether the packets prove that a side never got beyond UNKNOWN.

    A client's first request says UNKNOWN because it is sent before the samples are in; a server answers only after it
    has analysed its samples.
    """
    if facts.firewall(client) != Firewall.UNKNOWN:
        return False
    if (facts.client_class if client else facts.server_class).firewall != Firewall.UNKNOWN:
        return False
    if not client:
        return True
    stated = [one.opened for one in facts.rounds if one.opened is not None and one.opened.error == ErrorCode.NONE]
    return len(stated) > 1 or bool(facts.sides.client.inside_hosts)


def _handshake_ports(facts: Facts) -> dict[int, int]:
    """Outside endpoints of the client's one DHT socket, as its handshake relays saw it, with a row for each."""
    ports: dict[int, int] = {}
    for exchange in facts.attempt.handshakes:
        for leg in exchange.legs:
            if leg.mode in (Mode.FROM_RELAY, Mode.FROM_SECOND_RELAY, Mode.FROM_SERVER) and leg.peer is not None:
                ports.setdefault(leg.peer, leg.row)
            elif leg.mode == Mode.REPLY:
                ports.setdefault(leg.to, leg.row)
    return ports


def _class_proofs(facts: Facts, *, client: bool) -> tuple[Proof, ...]:
    who = "client" if client else "server"
    for exchange in reversed(facts.rounds):
        payload = exchange.opened if client else exchange.reply
        if payload is not None and payload.firewall == Firewall.RANDOM:
            row = exchange.legs[0].row if client else _answer_row(exchange)
            return ((row, f"the {who} says RANDOM"),)
    samples = facts.client_samples if client else facts.server_samples
    sampled = facts.client_class if client else facts.server_class
    ports = {seen: sample.row for sample, seen in reversed(samples)} if sampled.firewall == Firewall.RANDOM else {}
    named = ports or (_handshake_ports(facts) if client else {})
    proofs = [(row, f"a node sees the {who} at port {endpoint & 0xFFFF}") for endpoint, row in named.items()]
    return tuple(sorted(proofs)[:3])


def _server_abort(facts: Facts, _links: list[RelayLink]) -> Judgement | None:
    for exchange in facts.rounds:
        reply, request = exchange.reply, exchange.opened
        if reply is None or reply.error == ErrorCode.NONE:
            continue
        if request is not None and request.error != ErrorCode.NONE:
            return None  # The server only confirms the client's abort.
        proof = (_answer_row(exchange), f"the server answers {_error_name(reply.error)}")
        unverified = _unverified_client(facts, exchange)
        if unverified is not None:
            return _failed(VerdictCode.UNVERIFIED_ADDRESS, (*unverified, proof), inferred=True, detail=unverified[0][1])
        return _failed(VerdictCode.ABORTED_BY_SERVER, (proof,))
    return None


def _unverified_client(facts: Facts, exchange: Exchange) -> tuple[Proof, ...] | None:
    """Why the server could not have verified the client's address in this round, where a random NAT needs it."""
    request = exchange.opened
    if request is None or not request.punching or Firewall.RANDOM not in (facts.firewall(True), facts.firewall(False)):
        return None
    row = exchange.legs[0].row
    if request.remote_token is None:
        return ((row, "the client could not echo a token of the server"),)
    issued = {earlier.reply.token for earlier in facts.rounds if earlier.reply is not None and earlier.reply.token}
    if request.remote_token not in issued:
        return ((row, "the token that the client echoes was never issued"),)
    # A client probes through its own relay whenever the server offers that one; another relay means it does not.
    if exchange.relay not in facts.sides.probe_relays:
        return ((row, "this round goes through a relay that the server does not offer: it accepts no token there"),)
    return None


def _client_abort(facts: Facts, _links: list[RelayLink]) -> Judgement | None:
    for exchange in facts.rounds:
        request = exchange.opened
        if request is None or request.error == ErrorCode.NONE:
            continue
        proof = (exchange.legs[0].row, f"the client sends {_error_name(request.error)}")
        for client in (True, False):
            if _stays_unknown(facts, client=client):
                detail = f"the {'client' if client else 'server'}'s NAT stayed UNKNOWN"
                return _failed(VerdictCode.NAT_UNKNOWN, (proof,), detail=detail)
        if facts.firewall(True) == Firewall.UNKNOWN and _waited(facts, exchange) >= RETRY_NS:
            # A veto comes at once; samples that never came back hold the client up for a time-out at least.
            detail = "the client said UNKNOWN and waited long for samples before it gave up"
            return _failed(VerdictCode.NAT_UNKNOWN, (proof,), detail=detail, inferred=True)
        return _failed(VerdictCode.ABORTED_BY_CLIENT, (proof,), inferred=_class_of(facts, client=True)[0] is None)
    return None


def _waited(facts: Facts, exchange: Exchange) -> int:
    """Nanoseconds from the last answer before a round to the round."""
    answers = [
        earlier.answered.time_ns
        for earlier in facts.rounds
        if earlier.answered is not None and earlier.started_ns < exchange.started_ns
    ]
    return exchange.started_ns - max(answers) if answers else 0


def _unanswered_round(facts: Facts, _links: list[RelayLink]) -> Judgement | None:
    last = facts.rounds[-1] if facts.rounds else None
    if last is None or last.answered is not None:
        return None
    if last.opened is not None and last.opened.error != ErrorCode.NONE:
        return None
    if _cut_off(facts, [last]):
        return _incomplete(facts, "the capture ends before the last PEER_HOLEPUNCH could be answered")
    if last.opened is not None:
        punching = last.opened.punching
    else:
        punching = any(exchange.answered is not None for exchange in facts.rounds[:-1])
    leg = last.legs[-1]
    passed_on = last.first(Mode.FROM_RELAY)
    detail = (
        "the relay passed it on and the server stayed silent"
        if passed_on is not None
        else "the relay that it went to sent nothing back"
    )
    proofs: list[Proof] = [(last.legs[0].row, f"the {'punch' if punching else 'probe'} round's request")]
    if leg.row != last.legs[0].row:
        proofs.append((leg.row, "the last leg that was seen of it"))
    code = VerdictCode.PUNCH_UNANSWERED if punching else VerdictCode.PROBE_UNANSWERED
    inferred = last.opened is None or facts.one_relay_only
    return _failed(code, tuple(proofs), detail=detail, inferred=inferred)


def _after_punching(facts: Facts, _links: list[RelayLink]) -> Judgement | None:
    """Both sides agreed to punch and no stream came up."""
    agreed = next(
        (
            exchange
            for exchange in reversed(facts.rounds)
            if exchange.opened
            and exchange.reply
            and exchange.opened.punching
            and exchange.reply.error == ErrorCode.NONE
        ),
        None,
    )
    if agreed is None or agreed.reply is None or agreed.opened is None:
        return None
    answer = (_answer_row(agreed), "the server agrees to punch")
    refused = _refused_by_client(facts, agreed)
    if refused is not None:
        return refused
    arrived = [*facts.client_punches.arrived, *facts.server_punches.arrived]
    if arrived:
        half = facts.streams[0] if facts.streams else None
        proofs: tuple[Proof, ...] = ((arrived[0].row, "a punch arrives"),)
        if half is not None:
            proofs += ((half.first.first_row, "stream packets of one side only"),)
        return _failed(VerdictCode.STREAM_NOT_UP, proofs)
    if _still_punching(facts, agreed):
        return _incomplete(facts, "the capture ends while the sides are still punching")
    moved = _remapped(facts, agreed)
    if moved is not None:
        return _failed(VerdictCode.NAT_REMAPPED, (moved, answer), detail=moved[1])
    if not facts.client_punches.packets and not facts.server_punches.packets:
        return None
    proofs = (answer,)
    for who, punches in (("client", facts.client_punches), ("server", facts.server_punches)):
        if punches.normal:
            proofs += ((punches.normal[0].row, f"first of {len(punches.normal)} punches of the {who}"),)
    return _failed(VerdictCode.PROBES_LOST, proofs)


def _refused_by_client(facts: Facts, agreed: Exchange) -> Judgement | None:
    """The client does not punch against a random NAT whose address it could not verify."""
    if facts.client_punches.normal or agreed.opened is None or agreed.reply is None:
        return None
    classes = (facts.firewall(True), facts.firewall(False))
    if Firewall.RANDOM not in classes or agreed.reply.remote_token == agreed.opened.token is not None:
        return None
    proof = (_answer_row(agreed), "the server's answer does not echo the client's token")
    return _failed(VerdictCode.UNVERIFIED_ADDRESS, (proof,), inferred=True, detail=proof[1])


def _still_punching(facts: Facts, agreed: Exchange) -> bool:
    """Whether the capture ends before the sides would give up, and while they still send."""
    packets = [*facts.client_punches.packets, *facts.server_punches.packets]
    if not packets:
        return False
    patience = RANDOM_NS if Firewall.RANDOM in (facts.firewall(True), facts.firewall(False)) else CONSISTENT_NS
    last = max(packet.time_ns for packet in packets)
    return facts.capture_end_ns - last < PUNCHING_NS and last - agreed.legs[-1].time_ns < patience - PUNCHING_NS


def _remapped(facts: Facts, agreed: Exchange) -> Proof | None:
    """A side's punches, or its later legs, come from another port than a consistent side announced."""
    sides = facts.sides
    for client, punches, side in (
        (True, facts.client_punches, sides.client),
        (False, facts.server_punches, sides.server),
    ):
        if facts.firewall(client) != Firewall.CONSISTENT:
            continue
        who = "client" if client else "server"
        announced = {endpoint for endpoint in side.announced if endpoint & 0xFFFF}
        hosts = {host_of(endpoint) for endpoint in announced}
        for packet in punches.packets:
            for source in facts.copies.sources(packet.row, packet.src):
                if host_of(source) in hosts and source not in announced:
                    return (
                        packet.row,
                        f"the {who} announced port {_ports(announced)} and punches from {source & 0xFFFF}",
                    )
        for row, endpoint in _later_names(agreed, client=client):
            if announced and host_of(endpoint) in hosts and endpoint not in announced:
                return row, f"the {who} announced port {_ports(announced)} and a relay sees it at {endpoint & 0xFFFF}"
    return None


def _later_names(agreed: Exchange, *, client: bool) -> list[tuple[int, int]]:
    """Rows and endpoints under which relays saw a side in the round in which both agreed to punch."""
    named: list[tuple[int, int]] = []
    for leg in agreed.legs:
        if leg.mode == Mode.REPLY:
            endpoint = leg.to if client else leg.peer
        elif leg.mode in (Mode.FROM_RELAY, Mode.FROM_SERVER) and client:
            endpoint = leg.peer
        else:
            continue
        if endpoint is not None:
            named.append((leg.row, endpoint))
    return named


def _ports(endpoints: set[int]) -> str:
    return ", ".join(str(endpoint & 0xFFFF) for endpoint in sorted(endpoints))


def _silent_client(facts: Facts, _links: list[RelayLink]) -> Judgement | None:
    """A good probe reply, and the client does nothing more."""
    last = facts.rounds[-1] if facts.rounds else None
    if last is None or last.reply is None or last.reply.error != ErrorCode.NONE:
        return None
    answer = last.answered
    if answer is None:
        return None
    silence = facts.capture_end_ns - answer.time_ns
    if facts.same_nat and not facts.streams and silence > SILENCE_NS:
        proof = (answer.row, "relays see both sides at one address; the client stops punching")
        return Judgement(VerdictCode.LAN, Outcome.CONNECTED, Path.LAN, (proof,), inferred=True)
    if silence < 2 * RETRY_NS or not facts.client_visible:
        return None
    for client in (True, False):
        if _stays_unknown(facts, client=client):
            who = "client" if client else "server"
            proof = (answer.row, f"the {who}'s NAT is still UNKNOWN in the last round")
            return _failed(VerdictCode.NAT_UNKNOWN, (proof,), inferred=True, detail=f"the {who}'s NAT stayed UNKNOWN")
    proof = (answer.row, "a good answer, after which the client goes silent")
    return _failed(VerdictCode.ABORTED_BY_CLIENT, (proof,), inferred=True)


def _half_stream(facts: Facts, _links: list[RelayLink]) -> Judgement | None:
    """Stream packets of one side only, or a punch that arrived, and nothing after it."""
    if facts.streams:
        first = facts.streams[0].first
        proof = (first.first_row, "stream packets of one side, never answered")
        if facts.capture_end_ns - first.last_ns < RETRY_NS and first.count < SENDS:
            return _incomplete(facts, "the capture ends as the stream begins")
        if not facts.rounds and not facts.sides.direct and first in facts.streams[0].up:
            text = "stream packets straight to the address that the relay saw, never answered"
            return _failed(VerdictCode.NOT_HOLEPUNCHABLE, ((first.first_row, text),), inferred=True)
        return _failed(VerdictCode.STREAM_NOT_UP, (proof,))
    return None


_RULES: Final[tuple[Callable[[Facts, list[RelayLink]], Judgement | None], ...]] = (
    _upgraded,
    _connected,
    _handshake,
    _try_later,
    _both_random,
    _server_abort,
    _client_abort,
    _unanswered_round,
    _half_stream,
    _after_punching,
    _silent_client,
)


def _failed(code: VerdictCode, proofs: tuple[Proof, ...], *, inferred: bool = False, detail: str = "") -> Judgement:
    return Judgement(code, Outcome.FAILED, None, proofs, inferred=inferred, detail=detail)


def _incomplete(facts: Facts, detail: str) -> Judgement:
    attempt = facts.attempt
    rows = [leg.row for exchange in attempt.exchanges for leg in exchange.legs]
    return Judgement(VerdictCode.INCOMPLETE, Outcome.UNKNOWN, None, ((rows[-1], "the last leg seen"),), detail=detail)


def _answer_row(exchange: Exchange) -> int:
    answer = exchange.answered
    return answer.row if answer is not None else exchange.legs[-1].row


def _error_name(number: int) -> str:
    try:
        return ErrorCode(number).name
    except ValueError:
        return f"error {number}"
