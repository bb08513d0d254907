"""A blind relay: finds two peers that know the same token, and passes their packets on.

It owns no socket and no secret stream. For each secret stream the owner calls `accept`, gives the session what the
client sends, and sends what the session has to say: `take_ready` names sessions that have something, since what one
client asks may answer another. Datagrams whose stream id is of nobody else go to `receive_datagram`, and
`poll_datagram` gives what to send.

The reference bounds neither tokens nor pairs nor time; `RelayLimits` does.

Source: npm blind-relay 1.6.1 (index.js: BlindRelayServer, BlindRelaySession).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from protocol.blind_relay.events import (
    LinkClosed,
    LinkOpened,
    PairExpired,
    PairRefused,
    PairWaits,
    Refusal,
    ServerEvent,
    SessionClosed,
    SessionOpened,
)
from protocol.blind_relay.limits import RelayLimits
from protocol.blind_relay.link import Leg, Link, LinkEnd, Relayed, is_destroy, stream_id_of
from protocol.blind_relay.messages import Pair
from protocol.blind_relay.session import RelaySession
from protocol.blind_relay.states import RelayEnd
from protocol.errors import DecodeError
from protocol.messages import Address


class _Half(NamedTuple):
    """A client that waits for its partner."""

    session: RelaySession
    is_initiator: bool
    remote_id: int
    since: float


@dataclass(slots=True)
class RelayCounters:
    """What a relay has done; names as in the reference's `server.stats`, and what was refused."""

    sessions_accepted: int = 0
    sessions_refused: int = 0
    pairings_requested: int = 0
    pairings_matched: int = 0
    pairings_cancelled: int = 0
    pairings_expired: int = 0
    pairings_refused: int = 0
    links_closed: int = 0
    packets_relayed: int = 0
    bytes_relayed: int = 0
    packets_unsent: int = 0
    """That did not fit into the queue, came too early, or said a strange place first."""


class RelayServer:
    """The relay.

    Attributes:
        sessions: clients that are there, by number.
        counters: what it has done.
    """

    def __init__(self, new_stream_id: Callable[[], int], limits: RelayLimits | None = None) -> None:
        """Make a relay without clients.

        Args:
            new_stream_id: gives a random 32-bit id that no stream of the owner has; unguessable, for whoever knows
                one can inject packets.
            limits: what it gives.
        """
        self.sessions: dict[int, RelaySession] = {}
        self.counters = RelayCounters()
        self._limits = limits or RelayLimits()
        self._new_stream_id = new_stream_id
        self._number = 0
        self._waiting: dict[bytes, _Half] = {}
        self._legs: dict[int, tuple[Link, Leg]] = {}
        self._out: deque[Relayed] = deque()
        self._events: deque[ServerEvent] = deque()
        self._ready: dict[RelaySession, None] = {}
        self._look_at: float | None = None

    @property
    def waiting(self) -> int:
        """Tokens that wait for their second half."""
        return len(self._waiting)

    @property
    def links(self) -> int:
        """Pairs that are relayed."""
        return len(self._legs) // 2

    # The owner's acts.

    def accept(self, key: bytes, address: Address) -> RelaySession | None:
        """Open the channel on a secret stream that a client has opened; None when there are too many.

        Args:
            key: the client's public key.
            address: where the secret stream comes from; the client's relayed packets have to come from that host.
        """
        if len(self.sessions) >= self._limits.max_sessions:
            self.counters.sessions_refused += 1
            return None
        self._number += 1
        self.counters.sessions_accepted += 1
        session = RelaySession(self, self._number, key, address, self._limits.mux)
        self.sessions[session.number] = session
        return session

    def end(self) -> None:
        """Take no new pairs; each session closes when none of its pairs waits."""
        for session in list(self.sessions.values()):
            session.end()

    def destroy(self) -> None:
        """Close all sessions now."""
        for session in list(self.sessions.values()):
            session.destroy()

    # Packets and time.

    def receive_datagram(self, data: bytes, source: Address, socket: int, now: float) -> bool:
        """Pass a packet on.

        Returns:
            Whether its id is one of ours; if not, nothing was done.
        """
        stream_id = stream_id_of(data)
        found = None if stream_id is None else self._legs.get(stream_id)
        if found is None:
            return False
        link, leg = found
        most = self._limits.max_link_bytes
        if most is not None and link.bytes_received + len(data) > most:
            self._close_link(link, LinkEnd.BYTES)
            return True
        lost = link.strangers + link.dropped
        known = leg.remote is not None
        for packet in link.relay(leg, data, source, socket, now, self._limits.held_packets):
            self._send(packet)
        self.counters.packets_unsent += link.strangers + link.dropped - lost
        if is_destroy(data) and (known or leg.remote is not None):
            self._close_link(link, LinkEnd.DESTROYED)
        return True

    def next_timeout(self) -> float | None:
        """When to call `handle_timeout`, or None."""
        return self._look_at

    def handle_timeout(self, now: float) -> None:
        """Give up what is too old; calling it early or for nothing does no harm."""
        if self._look_at is None or now < self._look_at:
            return
        for token, half in list(self._waiting.items()):
            if half.since + self._limits.waiting_lifetime <= now:
                self._drop_half(token)
                self.counters.pairings_expired += 1
                self._events.append(PairExpired(half.session, token))
                half.session.settle()
        for link in self._all_links():
            lifetime = self._limits.link_lifetime
            if lifetime is not None and link.opened_at + lifetime <= now:
                self._close_link(link, LinkEnd.LIFETIME)
            elif link.last_at + self._limits.idle_timeout <= now:
                self._close_link(link, LinkEnd.IDLE)
        self._look_at = min(self._deadlines(), default=None)

    # What comes out.

    def poll_datagram(self) -> Relayed | None:
        """The next packet to send, or None."""
        return self._out.popleft() if self._out else None

    def poll_event(self) -> ServerEvent | None:
        """The next event, or None."""
        return self._events.popleft() if self._events else None

    def take_ready(self) -> list[RelaySession]:
        """Sessions with something to say, closed ones too, until it is taken out or their stream is over."""
        self._ready = {session: None for session in self._ready if session.backlog}
        return list(self._ready)

    # What sessions say.

    def on_opened(self, session: RelaySession) -> None:
        """The client opened its side."""
        self._events.append(SessionOpened(session))

    def on_output(self, session: RelaySession) -> None:
        """A session has something for its client."""
        self._ready[session] = None

    def on_pair(self, session: RelaySession, pair: Pair, now: float) -> None:
        """One half of a pair: it waits, or its partner has waited."""
        half = self._waiting.get(pair.token)
        if half is not None and half.is_initiator == pair.is_initiator:
            self._refuse(session, pair.token, Refusal.TAKEN)
            return
        self.counters.pairings_requested += 1
        parties = (session,) if half is None else (session, half.session)
        full = any(len(party.links) >= self._limits.max_links_per_session for party in parties)
        if full or self.links >= self._limits.max_links:
            self._refuse(session, pair.token, Refusal.LINKS)
            return
        if half is not None:
            self._drop_half(pair.token)
            self._match(half, _Half(session, pair.is_initiator, pair.id, now), pair.token, now)
            return
        if (
            len(session.waiting) >= self._limits.max_waiting_per_session
            or len(self._waiting) >= self._limits.max_waiting
        ):
            self._refuse(session, pair.token, Refusal.WAITING)
            return
        self._waiting[pair.token] = _Half(session, pair.is_initiator, pair.id, now)
        session.waiting.add(pair.token)
        self._look_by(now + self._limits.waiting_lifetime)
        self._events.append(PairWaits(session, pair.token, pair.is_initiator))

    def on_unpair(self, session: RelaySession, token: bytes, now: float) -> None:  # noqa: ARG002 - time may matter
        """Whoever knows the token may take a waiting half back; a link only the two that it joins."""
        half = self._drop_half(token)
        if half is not None:
            self.counters.pairings_cancelled += 1
            half.session.settle()
            return
        for link in [link for link in session.links if link.token == token]:
            self.counters.pairings_cancelled += 1
            self._close_link(link, LinkEnd.UNPAIRED)

    def on_closed(self, session: RelaySession, end: RelayEnd, failure: DecodeError | None) -> None:
        """A session is over, and with it all that it waited for and had."""
        for token in list(session.waiting):
            self._drop_half(token)
            self.counters.pairings_cancelled += 1
        for link in list(session.links):
            self._close_link(link, LinkEnd.SESSION_CLOSED)
        del self.sessions[session.number]
        self._events.append(SessionClosed(session, end, failure))

    def _match(self, first: _Half, second: _Half, token: bytes, now: float) -> None:
        halves = (second, first) if first.is_initiator else (first, second)
        ids = self._unused_ids()
        legs = tuple(Leg(own, half.remote_id, half.session) for own, half in zip(ids, halves, strict=True))
        link = Link(token, (legs[0], legs[1]), now)
        self.counters.pairings_matched += 1
        for half, leg in zip(halves, legs, strict=True):
            self._legs[leg.stream_id] = link, leg
            if link not in half.session.links:
                half.session.links.append(link)
        self._look_by(now + min(self._limits.idle_timeout, self._limits.link_lifetime or self._limits.idle_timeout))
        self._events.append(LinkOpened(link))
        for half, leg in zip(halves, legs, strict=True):
            half.session.answer(Pair(half.is_initiator, token, leg.stream_id))
        for half in halves:
            half.session.settle()

    def _unused_ids(self) -> list[int]:
        found: list[int] = []
        while len(found) < 2:
            stream_id = self._new_stream_id()
            if stream_id not in self._legs and stream_id not in found:
                found.append(stream_id)
        return found

    def _refuse(self, session: RelaySession, token: bytes, reason: Refusal) -> None:
        self.counters.pairings_refused += 1
        self._events.append(PairRefused(session, token, reason))
        if reason is not Refusal.TAKEN and not session.links and not session.waiting:
            session.destroy()

    def _drop_half(self, token: bytes) -> _Half | None:
        half = self._waiting.pop(token, None)
        if half is not None:
            half.session.waiting.discard(token)
        return half

    def _close_link(self, link: Link, end: LinkEnd) -> None:
        for leg in link.legs:
            if self._legs.pop(leg.stream_id, None) is None:
                return
            if link in leg.session.links:
                leg.session.links.remove(link)
            leg.held.clear()
        self.counters.links_closed += 1
        self._events.append(LinkClosed(link, end))

    def _send(self, packet: Relayed) -> None:
        if len(self._out) >= self._limits.max_queue:
            self.counters.packets_unsent += 1
            return
        self.counters.packets_relayed += 1
        self.counters.bytes_relayed += len(packet.data)
        self._out.append(packet)

    def _all_links(self) -> list[Link]:
        return [link for link, leg in self._legs.values() if leg is link.legs[0]]

    def _look_by(self, at: float) -> None:
        self._look_at = at if self._look_at is None else min(self._look_at, at)

    def _deadlines(self) -> list[float]:
        found = [half.since + self._limits.waiting_lifetime for half in self._waiting.values()]
        lifetime = self._limits.link_lifetime
        for link in self._all_links():
            found.append(link.last_at + self._limits.idle_timeout)
            if lifetime is not None:
                found.append(link.opened_at + lifetime)
        return found
