"""What goes from side to side without a relay, as arrows: punches, streams, and what a side and its proxy exchange."""

from __future__ import annotations

from typing import Final

from capture.flows.endpoints import address_of
from capture.flows.facts import Facts, Passed, SidePunches
from capture.flows.handoffs import START, HandoffPacket
from capture.flows.lanes import CLIENT_PROXY, SERVER_PROXY, Lanes
from capture.flows.relaying import RelayLink
from capture.flows.traffic import PunchPacket
from capture.model import Sighting, Step, StepKind
from capture.table import PacketTable

FOLD_FROM: Final = 3
"""Punches in a row that become one arrow."""
FOLD_GAP_NS: Final = 1_500_000_000
"""A longer pause ends a burst: consistent sides punch once a second."""

_NS: Final = 1e9


class Datagrams:
    """Collects those steps of one attempt."""

    def __init__(self, table: PacketTable, facts: Facts, lanes: Lanes) -> None:
        self._table = table
        self._facts = facts
        self._lanes = lanes
        self._steps: list[Step] = []

    def steps(self, links: list[RelayLink]) -> list[Step]:
        """All of them; `links` are the sides' connections to blind relays."""
        self._punches(self._facts.client_punches, client=True)
        self._punches(self._facts.server_punches, client=False)
        self._streams()
        self._handoffs()
        for link in links:
            self._link(link)
        for client, passed in ((True, self._facts.client_passed), (False, self._facts.server_passed)):
            if passed is not None:
                self._pass(passed, client=client)
        return self._steps

    def _handoffs(self) -> None:
        """A START and the ROUND that comes with it are one arrow."""
        numbers = {id(exchange): number for number, exchange in enumerate(self._facts.rounds)}
        for side, lane in ((self._facts.sides.client, CLIENT_PROXY), (self._facts.sides.server, SERVER_PROXY)):
            if side.handed is None:
                continue
            by_round: dict[int | None, list[HandoffPacket]] = {}
            for packet in side.handed.packets:
                exchange = side.handed.exchanges.get(packet.row)
                by_round.setdefault(None if exchange is None else numbers.get(id(exchange)), []).append(packet)
            from_lane = "client" if side is self._facts.sides.client else "server"
            for number, packets in by_round.items():
                said = ["START" if packet.command == START else "ROUND" for packet in packets]
                self._handoff([packet.row for packet in packets], from_lane, lane, said, number)

    def _handoff(self, rows: list[int], from_lane: str, to_lane: str, said: list[str], number: int | None) -> None:
        times = [self._table.time_ns.item(row) for row in rows]
        self._steps.append(
            Step(
                StepKind.HANDOFF,
                times[0] / _NS,
                from_lane,
                to_lane,
                f"hand-off: {'+'.join(dict.fromkeys(said))}",
                self._sighting(rows[0]),
                self._table.source(rows[0]),
                self._table.destination(rows[0]),
                round=number,
                count=len(rows),
                span=(max(times) - min(times)) / _NS,
                ttl=int(self._table.ttl[rows[0]]) or None,
                members=tuple(self._sighting(row) for row in rows),
            )
        )

    def _punches(self, punches: SidePunches, *, client: bool) -> None:
        arrived = {packet.row for packet in punches.arrived}
        for packets in (punches.low, punches.normal):
            by_ends: dict[tuple[str, str], list[PunchPacket]] = {}
            for packet in packets:
                by_ends.setdefault(self._lanes.ends(packet.row, packet.src, packet.dst, client=client), []).append(
                    packet
                )
            for (from_lane, to_lane), sent in by_ends.items():
                for burst in _bursts(sent):
                    for each in [burst] if len(burst) >= FOLD_FROM else [[packet] for packet in burst]:
                        self._burst(from_lane, to_lane, each, arrived)

    def _burst(self, from_lane: str, to_lane: str, burst: list[PunchPacket], arrived: set[int]) -> None:
        first, last = burst[0], burst[-1]
        low = first.is_low
        hits = [packet.row for packet in burst if packet.row in arrived]
        ports = max(len({packet.src for packet in burst}), len({packet.dst for packet in burst}))
        what = "open session" if low else "punch"
        label = what if len(burst) == 1 else f"{what} ×{len(burst)}"
        if ports > 1:
            label += f" · {ports} ports"
        self._steps.append(
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
            for streams, client in ((path.up, True), (path.down, False)):
                if not streams:
                    continue
                first = min(streams, key=lambda stream: stream.first_ns)
                from_lane, to_lane = self._lanes.ends(first.first_row, first.src, first.dst, client=client)
                count = sum(stream.count for stream in streams)
                beats = sum(stream.heartbeats for stream in streams)
                last_ns = max(stream.last_ns for stream in streams)
                self._stream(first.first_row, from_lane, to_lane, "stream", count, last_ns, beats)

    def _pass(self, passed: Passed, *, client: bool) -> None:
        """The stream between a side and its proxy."""
        side, proxy = ("client", CLIENT_PROXY) if client else ("server", SERVER_PROXY)
        for streams, ends in ((passed.to_proxy, (side, proxy)), (passed.from_proxy, (proxy, side))):
            if streams:
                first = min(streams, key=lambda stream: stream.first_ns)
                count, last = sum(one.count for one in streams), max(one.last_ns for one in streams)
                what = "stream, passed on" if ends[0] == proxy else "stream, to be passed on"
                self._stream(first.first_row, *ends, what, count, last, kind=StepKind.RELAY_LINK)

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
        self._steps.append(
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


def _bursts(packets: list[PunchPacket]) -> list[list[PunchPacket]]:
    bursts: list[list[PunchPacket]] = []
    for packet in packets:
        if bursts and packet.time_ns - bursts[-1][-1].time_ns <= FOLD_GAP_NS:
            bursts[-1].append(packet)
        else:
            bursts.append([packet])
    return bursts
