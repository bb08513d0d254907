"""Attempts that connected, and on which path."""

from __future__ import annotations

from capture.flows.endpoints import host_of
from capture.flows.facts import Facts, StreamFacts
from capture.flows.relaying import RelayLink
from capture.flows.verdicts.judgement import RETRY_NS, SENDS, Judgement, failed, incomplete
from capture.model import Outcome, Path, VerdictCode
from protocol.constants import Firewall


def relayed(facts: Facts, links: list[RelayLink]) -> Judgement | None:
    """A blind relay carries the stream, or did until a direct path came up."""
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


def connected(facts: Facts, _links: list[RelayLink]) -> Judgement | None:
    """The stream is up between client and server."""
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


def half_stream(facts: Facts, _links: list[RelayLink]) -> Judgement | None:
    """Stream packets of one side only, or a punch that arrived, and nothing after it."""
    if facts.streams:
        first = facts.streams[0].first
        proof = (first.first_row, "stream packets of one side, never answered")
        if facts.capture_end_ns - first.last_ns < RETRY_NS and first.count < SENDS:
            return incomplete(facts, "the capture ends as the stream begins")
        if not facts.rounds and not facts.sides.direct and first in facts.streams[0].up:
            text = "stream packets straight to the address that the relay saw, never answered"
            return failed(VerdictCode.NOT_HOLEPUNCHABLE, ((first.first_row, text),), inferred=True)
        return failed(VerdictCode.STREAM_NOT_UP, (proof,))
    return None
