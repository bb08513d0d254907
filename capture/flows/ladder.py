"""The ladder: every arrow of an attempt in time order, bursts folded, what never came drawn in."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Final

from capture.flows.attempt import Exchange
from capture.flows.causal import in_causal_order
from capture.flows.endpoints import address_of, destination_endpoint, source_endpoint
from capture.flows.facts import Facts, SidePunches
from capture.flows.lanes import NODES, Lanes
from capture.flows.legs import FROM_CLIENT, FROM_RELAY, FROM_SECOND_RELAY, FROM_SERVER, NO_VALUE, REPLY, Leg
from capture.flows.relaying import RelayLink
from capture.flows.token_notes import token_notes
from capture.flows.tokens import TokenLives
from capture.flows.traffic import PunchPacket
from capture.model import Sighting, Step, StepKind
from capture.table import Kind, PacketTable
from protocol.constants import Command, ErrorCode, Firewall, Mode

FOLD_FROM: Final = 3
"""Punches in a row that become one arrow."""
ANSWER_WITHIN: Final = 1.0
"""Seconds that dht-rpc waits for an answer after each send (lib/io.js)."""
MOST_SENDS: Final = 4
"""How often dht-rpc sends a request that gets no answer (lib/io.js: 3 retries)."""
FOLD_GAP_NS: Final = 1_500_000_000
"""A longer pause ends a burst: consistent sides punch once a second."""

_NS: Final = 1e9
_PEER_HANDSHAKE: Final = int(Command.PEER_HANDSHAKE)
_MODES: Final = {int(mode): mode.name for mode in Mode}
_FIREWALLS: Final = {int(firewall): firewall.name for firewall in Firewall}
_ERRORS: Final = {int(error): error.name for error in ErrorCode}


class Ladder:
    """Collects the steps of one attempt."""

    def __init__(self, table: PacketTable, facts: Facts, lanes: Lanes, tokens: TokenLives) -> None:
        self._table = table
        self._facts = facts
        self._lanes = lanes
        self._tokens = tokens
        self.steps: list[Step] = []
        self.message_of: dict[int, int] = {}
        """Index into the flow's messages, by row."""

    def build(self, links: list[RelayLink]) -> tuple[Step, ...]:
        """All steps, in order of time and of cause."""
        for exchange in self._facts.attempt.handshakes:
            self._exchange(exchange, None)
        for number, exchange in enumerate(self._facts.rounds):
            self._exchange(exchange, number)
        self._searches()
        self._samples()
        self._punches("client", "server", self._facts.client_punches)
        self._punches("server", "client", self._facts.server_punches)
        self._streams()
        for link in links:
            self._link(link)
        return in_causal_order(self.steps, (*self._facts.attempt.handshakes, *self._facts.rounds))

    def _exchange(self, exchange: Exchange, number: int | None) -> None:
        kind = _kind(exchange)
        for leg in exchange.legs:
            self._leg(exchange, leg, kind, number)
        last_up = [leg for leg in exchange.legs if leg.mode == FROM_CLIENT]
        passed = [leg for leg in exchange.legs if leg.mode in (FROM_RELAY, FROM_SECOND_RELAY)]
        if last_up and not any(leg.mode in (REPLY, NO_VALUE) for leg in exchange.legs):
            relay = self._lanes.of_relay(exchange.relay)
            self._missing(last_up, relay, "client", "REPLY", number)
        if passed and exchange.first(FROM_SERVER) is None:
            self._missing(passed, "server", self._lanes.of_relay(passed[-1].src), "FROM_SERVER", number)

    def _missing(self, sends: list[Leg], from_lane: str, to_lane: str, mode: str, number: int | None) -> None:
        last = sends[-1].time_ns / _NS
        self.steps.append(
            Step(
                StepKind.MISSING,
                last + ANSWER_WITHIN,
                from_lane,
                to_lane,
                f"{mode} expected here, none seen",
                None,
                dashed=True,
                round=number,
                due=last + ANSWER_WITHIN * max(1, MOST_SENDS + 1 - len(sends)),
            )
        )

    def _leg(self, exchange: Exchange, leg: Leg, kind: StepKind, number: int | None) -> None:
        from_lane, to_lane = leg_lanes(leg, self._lanes)
        self.steps.append(
            Step(
                kind,
                leg.time_ns / _NS,
                from_lane,
                to_lane,
                self._label(exchange, leg),
                self._sighting(leg.row),
                address_of(self._table, leg.src),
                address_of(self._table, leg.dst),
                message=self.message_of.get(leg.row),
                dashed=leg.response,
                retransmission=leg.retransmission,
                round=number,
                ttl=self._table.ttl.item(leg.row) or None,
                notes=token_notes(self._tokens.events, exchange, leg) if self._tokens.events else (),
            )
        )

    def _label(self, exchange: Exchange, leg: Leg) -> str:
        if leg.mode == NO_VALUE:
            return "no route to the server"
        mode = _mode_name(leg.mode)
        if leg.command == _PEER_HANDSHAKE:
            return f"HANDSHAKE {mode}"
        payload = exchange.opened if leg.mode in (FROM_CLIENT, FROM_RELAY) else exchange.reply
        if payload is None:
            return f"HOLEPUNCH {mode}"
        words = [_error_name(payload.error)] if payload.error else [_firewall_name(payload.firewall)]
        words += ["punching"] * payload.punching
        words += ["token"] * (payload.token is not None) + ["remoteToken"] * (payload.remote_token is not None)
        return f"HOLEPUNCH {mode} {' '.join(words)}"

    def _searches(self) -> None:
        attempt = self._facts.attempt
        found = set(attempt.found_rows)
        asked = [row for row in attempt.search_rows if row not in found]
        requests = [row for row in asked if self._table.command.item(row) == Command.FIND_PEER]
        for lane, rows in self._by_lane(requests, partial(destination_endpoint, self._table)).items():
            self._fold(StepKind.FIND_PEER, rows, "client", lane, f"FIND_PEER to {len(rows)} nodes")
        for row in attempt.found_rows:
            self._fold(
                StepKind.FIND_PEER,
                [row],
                self._lanes.of_relay(source_endpoint(self._table, row)),
                "client",
                "record found",
                dashed=True,
            )

    def _samples(self) -> None:
        for lane, samples, verdict in (
            ("client", self._facts.client_samples, self._facts.client_class),
            ("server", self._facts.server_samples, self._facts.server_class),
        ):
            rows = [sample.row for sample, _ in samples if self._table.kind.item(sample.row) == Kind.RESPONSE]
            for nodes, told in self._by_lane(rows, partial(source_endpoint, self._table)).items():
                text = f"{len(told)} NAT sample{'s' if len(told) > 1 else ''}: {verdict.firewall.name}"
                self._fold(StepKind.SAMPLE, told, nodes, lane, text, dashed=True)

    def _by_lane(self, rows: list[int], end: Callable[[int], int]) -> dict[str, list[int]]:
        """Rows by the lane at their far end; all are the DHT nodes' where any of those is a node and nothing else."""
        found: dict[str, list[int]] = {}
        for row in rows:
            found.setdefault(self._lanes.of_relay(end(row)), []).append(row)
        return {NODES: rows} if NODES in found else found

    def _fold(
        self, kind: StepKind, rows: list[int], from_lane: str, to_lane: str, label: str, *, dashed: bool = False
    ) -> None:
        times = [self._table.time_ns.item(row) for row in rows]
        self.steps.append(
            Step(
                kind,
                times[0] / _NS,
                from_lane,
                to_lane,
                label,
                self._sighting(rows[0]),
                self._table.source(rows[0]),
                self._table.destination(rows[0]),
                message=self.message_of.get(rows[0]),
                dashed=dashed,
                count=len(rows),
                span=(max(times) - min(times)) / _NS,
                members=tuple(self._sighting(row) for row in rows),
            )
        )

    def _punches(self, from_lane: str, to_lane: str, punches: SidePunches) -> None:
        arrived = {packet.row for packet in punches.arrived}
        for packets in (punches.low, punches.normal):
            for burst in _bursts(packets):
                if len(burst) >= FOLD_FROM:
                    self._burst(from_lane, to_lane, burst, arrived)
                else:
                    for packet in burst:
                        self._burst(from_lane, to_lane, [packet], arrived)

    def _burst(self, from_lane: str, to_lane: str, burst: list[PunchPacket], arrived: set[int]) -> None:
        first, last = burst[0], burst[-1]
        low = first.is_low
        hits = [packet.row for packet in burst if packet.row in arrived]
        ports = max(len({packet.src for packet in burst}), len({packet.dst for packet in burst}))
        what = "open session" if low else "punch"
        label = what if len(burst) == 1 else f"{what} ×{len(burst)}"
        if ports > 1:
            label += f" · {ports} ports"
        self.steps.append(
            Step(
                StepKind.OPENER if low else StepKind.PUNCH,
                first.time_ns / _NS,
                from_lane,
                to_lane,
                label,
                self._sighting(first.row),
                address_of(self._table, first.src),
                address_of(self._table, first.dst),
                count=len(burst),
                span=abs(last.time_ns - first.time_ns) / _NS,
                ports=ports,
                ttl=first.ttl or None,
                lost=low and not hits,
                first_hit=self._sighting(hits[0]) if hits else None,
                members=tuple(self._sighting(packet.row) for packet in burst),
            )
        )

    def _streams(self) -> None:
        for path in self._facts.streams:
            for streams, from_lane, to_lane in ((path.up, "client", "server"), (path.down, "server", "client")):
                if not streams:
                    continue
                first = min(streams, key=lambda stream: stream.first_ns)
                count = sum(stream.count for stream in streams)
                beats = sum(stream.heartbeats for stream in streams)
                last_ns = max(stream.last_ns for stream in streams)
                self._stream(first.first_row, from_lane, to_lane, "stream", count, last_ns, beats)

    def _link(self, link: RelayLink) -> None:
        side = "client" if link.by_client else "server"
        row = link.relayed_row
        outward = self._table.source(row) != address_of(self._table, link.path.server_side)
        ends = (side, "blind") if outward else ("blind", side)
        self._stream(row, *ends, "relayed stream", 1, int(self._table.time_ns[row]), kind=StepKind.RELAY_LINK)

    def _stream(
        self,
        row: int,
        from_lane: str,
        to_lane: str,
        what: str,
        count: int,
        last_ns: int,
        beats: int = 0,
        kind: StepKind = StepKind.STREAM,
    ) -> None:
        heartbeats = f" ({beats} heartbeat{'s' if beats > 1 else ''})" if beats else ""
        first_ns = int(self._table.time_ns[row])
        self.steps.append(
            Step(
                kind,
                first_ns / _NS,
                from_lane,
                to_lane,
                f"UDX {what}" + (f" ×{count}{heartbeats}" if count > 1 else ""),
                self._sighting(row),
                self._table.source(row),
                self._table.destination(row),
                count=count,
                span=max(0, last_ns - first_ns) / _NS,
                ttl=int(self._table.ttl[row]) or None,
            )
        )

    def _sighting(self, row: int) -> Sighting:
        return self._facts.copies.sighting(row)


def leg_lanes(leg: Leg, lanes: Lanes) -> tuple[str, str]:
    """From which lane to which a leg goes."""
    if leg.mode == FROM_CLIENT:
        return "client", lanes.of_relay(leg.dst)
    if leg.mode in (REPLY, NO_VALUE):
        return lanes.of_relay(leg.src), "client"
    if leg.mode == FROM_SERVER:
        return "server", lanes.of_relay(leg.dst)
    return lanes.of_relay(leg.src), lanes.second_relay(leg.dst) or "server"


def _kind(exchange: Exchange) -> StepKind:
    if exchange.command == _PEER_HANDSHAKE:
        return StepKind.HANDSHAKE
    if exchange.opened is not None and exchange.opened.error != ErrorCode.NONE:
        return StepKind.ABORT
    if exchange.opened is not None and exchange.opened.punching:
        return StepKind.PUNCH_ROUND
    return StepKind.PROBE


def _bursts(packets: list[PunchPacket]) -> list[list[PunchPacket]]:
    bursts: list[list[PunchPacket]] = []
    for packet in packets:
        if bursts and packet.time_ns - bursts[-1][-1].time_ns <= FOLD_GAP_NS:
            bursts[-1].append(packet)
        else:
            bursts.append([packet])
    return bursts


def _mode_name(number: int) -> str:
    return _MODES.get(number) or f"mode {number}"


def _firewall_name(number: int) -> str:
    return _FIREWALLS.get(number) or f"firewall {number}"


def _error_name(number: int) -> str:
    return _ERRORS.get(number) or f"error {number}"
