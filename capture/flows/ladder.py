"""The ladder: every arrow of an attempt in time order, bursts folded, what never came drawn in."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Final

from capture.flows.attempt import Exchange
from capture.flows.causal import in_causal_order
from capture.flows.datagram_steps import Datagrams
from capture.flows.endpoints import address_of, destination_endpoint, source_endpoint
from capture.flows.facts import Facts
from capture.flows.lanes import NODES, Lanes, leg_lanes
from capture.flows.legs import FROM_CLIENT, FROM_RELAY, FROM_SECOND_RELAY, FROM_SERVER, NO_VALUE, REPLY, Leg
from capture.flows.local_pings import local_pings
from capture.flows.relaying import RelayLink
from capture.flows.token_notes import token_notes
from capture.flows.tokens import TokenLives
from capture.model import Note, Sighting, Step, StepKind
from capture.table import Kind, PacketTable
from protocol.constants import Command, ErrorCode, Firewall, Mode
from protocol.nat import Classification

ANSWER_WITHIN: Final = 1.0
"""Seconds that dht-rpc waits for an answer after each send (lib/io.js)."""
MOST_SENDS: Final = 4
"""How often dht-rpc sends a request that gets no answer (lib/io.js: 3 retries)."""

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
        self._local_pings()
        self.steps += Datagrams(self._table, self._facts, self._lanes).steps(links)
        handed = [
            (side.handed.exchanges, following)
            for side, following in ((self._facts.sides.client, FROM_CLIENT), (self._facts.sides.server, FROM_SERVER))
            if side.handed is not None
        ]
        return in_causal_order(self.steps, (*self._facts.attempt.handshakes, *self._facts.rounds), handed)

    def _exchange(self, exchange: Exchange, number: int | None) -> None:
        kind = _kind(exchange)
        for leg in exchange.legs:
            self._leg(exchange, leg, kind, number)
        last_up = [leg for leg in exchange.legs if leg.mode == FROM_CLIENT]
        passed = [leg for leg in exchange.legs if leg.mode in (FROM_RELAY, FROM_SECOND_RELAY)]
        if last_up and not any(leg.mode in (REPLY, NO_VALUE) for leg in exchange.legs):
            relay = self._lanes.of_relay(exchange.relay)
            self._missing(last_up, relay, self._lanes.sender(last_up[-1], client=True), "REPLY", number)
        handed = self._facts.sides.server.handed
        if handed is not None and not handed.legs and any(exchange is one for one in handed.exchanges.values()):
            return  # The capture shows nothing that the proxy sends to relays.
        if passed and exchange.first(FROM_SERVER) is None:
            server = self._lanes.acting(exchange, client=False)
            self._missing(passed, server, self._lanes.of_relay(passed[-1].src), "FROM_SERVER", number)

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
                notes=self._notes(exchange, leg),
            )
        )

    def _notes(self, exchange: Exchange, leg: Leg) -> tuple[Note, ...]:
        """What a leg does to tokens, over the lane of whoever speaks for the side."""
        notes = token_notes(self._tokens.events, exchange, leg) if self._tokens.events else ()
        if not notes or not self._lanes.proxied:
            return notes
        lanes = {
            "client": self._lanes.acting(exchange, client=True),
            "server": self._lanes.acting(exchange, client=False),
        }
        return tuple(replace(note, lane=lanes[note.lane]) for note in notes)

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
        for client, samples, verdict in (
            (True, self._facts.client_samples, self._facts.client_class),
            (False, self._facts.server_samples, self._facts.server_class),
        ):
            by_side: dict[str, list[int]] = {}
            for sample, _ in samples:
                if self._table.kind.item(sample.row) == Kind.RESPONSE:
                    by_side.setdefault(self._lanes.of_side((sample.socket,), client=client), []).append(sample.row)
            for lane, rows in by_side.items():
                self._sampled(lane, rows, verdict)

    def _local_pings(self) -> None:
        """How a client behind the server's NAT tries it on the network that both share."""
        asked: set[int] = set()
        for ping in local_pings(self._table, self._facts):
            tid = self._table.tid.item(ping.row)
            rows = [(ping.row, "client", "server", "PING on the local network", tid in asked)]
            if ping.answer is not None and tid not in asked:
                rows.append((ping.answer, "server", "client", "PING answered", False))
            asked.add(tid)
            for row, from_lane, to_lane, label, again in rows:
                self.steps.append(
                    Step(
                        StepKind.LAN_PING,
                        self._table.time_ns.item(row) / _NS,
                        from_lane,
                        to_lane,
                        label,
                        self._sighting(row),
                        self._table.source(row),
                        self._table.destination(row),
                        dashed=row != ping.row,
                        retransmission=again,
                        ttl=self._table.ttl.item(row) or None,
                    )
                )

    def _sampled(self, lane: str, rows: list[int], verdict: Classification) -> None:
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

    def _sighting(self, row: int) -> Sighting:
        return self._facts.copies.sighting(row)


def _kind(exchange: Exchange) -> StepKind:
    if exchange.command == _PEER_HANDSHAKE:
        return StepKind.HANDSHAKE
    if exchange.opened is not None and exchange.opened.error != ErrorCode.NONE:
        return StepKind.ABORT
    if exchange.opened is not None and exchange.opened.punching:
        return StepKind.PUNCH_ROUND
    return StepKind.PROBE


def _mode_name(number: int) -> str:
    return _MODES.get(number) or f"mode {number}"


def _firewall_name(number: int) -> str:
    return _FIREWALLS.get(number) or f"firewall {number}"


def _error_name(number: int) -> str:
    return _ERRORS.get(number) or f"error {number}"
