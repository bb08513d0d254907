"""Requests and responses: the way in and out of messages, transaction ids, tokens.

A response is matched by its tid, as the reference does, and by the host that was asked, which the reference does not
check: a guess of 16 bits would otherwise do. The port is not compared, since a peer may answer a relayed request from
another of its sockets.

A persistent node puts its id into what it sends from its server socket. An id that is not the hash of the address it
came from is ignored.

Source: npm dht-rpc 6.27.0 (lib/io.js).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Final

from protocol.constants import REQUEST_TYPE, RESPONSE_TYPE, ResponseError
from protocol.dht.congestion import DRAIN_INTERVAL, MAX_WINDOW
from protocol.dht.contact import (
    Ask,
    Contact,
    Failure,
    Incoming,
    NodeSocket,
    OnFailure,
    OnReply,
    Outgoing,
    Reply,
    id_at,
    is_reachable,
)
from protocol.dht.flight_table import RETRIES, InFlight
from protocol.dht.limits import Guard
from protocol.dht.refusals import Refusal, Refusals
from protocol.dht.replies import Replies
from protocol.dht.send_queue import RequestCounts, SendQueue
from protocol.dht.tokens import ROTATION_INTERVAL, TokenIssuer
from protocol.envelope import decode_request, decode_response, encode_request
from protocol.errors import DecodeError
from protocol.messages import Address, Request, Response

if TYPE_CHECKING:
    from random import Random

_ROTATION_DRAINS: Final = round(ROTATION_INTERVAL / DRAIN_INTERVAL)


class Requests:
    """The table of requests in flight, and the way in and out of messages.

    Args:
        random: source of tids and secrets.
        now: seconds.
        guard: who is served.
        closest: gives the closest nodes to a target that replies offer.
        on_request: called with each request to serve.
        on_proved: called with the response by which a host has proved its address.
        on_reply: called with each reply, before the one who asked.
        on_timeout: called when a request has timed out for good, after the one who asked.
        adaptive_timeout: wait as long as the round trips seen suggest, not always 1 s.
    """

    def __init__(
        self,
        random: Random,
        now: float,
        guard: Guard,
        *,
        closest: Callable[[bytes], tuple[Address, ...]],
        on_request: Callable[[Incoming, float], None],
        on_reply: Callable[[Reply, float], None],
        on_proved: Callable[[Contact, Address, float], None],
        on_timeout: Callable[[Contact, float], None],
        max_window: int = MAX_WINDOW,
        adaptive_timeout: bool = False,
    ) -> None:
        self.id: bytes | None = None
        """The node's id when it is persistent."""
        self.firewalled = True
        self.refused: Refusals = Refusals()
        self.outbox: deque[Outgoing] = deque()
        self.sockets: set[int] = set(NodeSocket)
        """Sockets that may be sent from; whoever opens others adds them, and takes them out when they close."""
        self._guard = guard
        self._on_request = on_request
        self._on_reply = on_reply
        self._on_proved = on_proved
        self._tokens = TokenIssuer(random)
        self._drains = 0
        self._queue = SendQueue(
            random,
            now,
            self._post,
            on_drain=self._drained,
            on_timeout=on_timeout,
            max_window=max_window,
            adaptive_timeout=adaptive_timeout,
        )
        self.replies = Replies(
            random,
            guard,
            self._tokens,
            self.refused,
            closest=closest,
            post=self._post,
            id_on=self._id_on,
            is_in_flight=lambda tid: self._queue.flights.get(tid) is not None,
        )
        """What is answered, and who proves its address first."""
        self._ended: Failure | None = None

    @property
    def counts(self) -> RequestCounts:
        """How many requests came to which end."""
        return self._queue.counts

    @property
    def in_flight(self) -> int:
        """Requests without a reply yet."""
        return len(self._queue.flights)

    @property
    def flights(self) -> Iterator[InFlight]:
        """Requests without a reply yet, as they are now."""
        return iter(self._queue.flights)

    @property
    def main_socket(self) -> NodeSocket:
        """The socket that requests are sent from."""
        return NodeSocket.CLIENT if self.firewalled else NodeSocket.SERVER

    def request(
        self,
        ask: Ask,
        to: Contact,
        now: float,
        on_reply: OnReply,
        on_failure: OnFailure,
        *,
        force: bool = False,
        retries: int = RETRIES,
        timeout: float | None = None,
        on_late: Callable[[InFlight, float], None] | None = None,
        socket: int | None = None,
    ) -> InFlight | None:
        """Send a request.

        Args:
            ask: what is asked.
            to: the node that is asked.
            now: seconds.
            on_reply: called with the reply.
            on_failure: called where none came; at once, and None is returned, on a closed or suspended node or a full
                table.
            force: send even where the congestion window is full.
            retries: sends after the first.
            timeout: seconds to wait after each send, where not the usual.
            on_late: called each time a send has not been answered in time.
            socket: where it is sent from, if not from the node's main socket.

        Raises:
            ValueError: `to` is no IPv4 address, or `ask` does not fit a request.
        """
        tid = None if self._ended is not None else self._queue.flights.free_tid()
        if tid is None:
            on_failure(self._ended or Failure.NO_ROOM, now)
            return None
        socket = self.main_socket if socket is None else socket
        message = Request(
            tid, to.address, ask.command, ask.internal, self._id_on(socket), ask.token, ask.target, ask.value
        )
        flight = InFlight(ask, to, tid, socket, encode_request(message), on_reply, on_failure)
        flight.retries, flight.timeout, flight.on_late = retries, timeout, on_late
        self.replies.asked.set(to.address.host, True, now)
        self._queue.begin(flight, now, force=force)
        return flight

    def cancel(self, flight: InFlight) -> None:
        """Forget a request; nobody is told."""
        if not flight.done:
            self._queue.finish(flight)

    def receive(self, data: bytes, sender: Address, now: float, socket: int) -> None:
        """Take in a datagram: hand over a request, or match a response and hand over its reply."""
        kind = data[0] if len(data) > 1 else None
        if kind not in (REQUEST_TYPE, RESPONSE_TYPE):
            self.refused[Refusal.FOREIGN] += 1
        elif not is_reachable(sender):
            self.refused[Refusal.UNREACHABLE_SENDER] += 1
        elif kind == REQUEST_TYPE and not self._guard.admits_request(sender.host, now):
            self.refused[Refusal.TOO_MANY_REQUESTS] += 1
        else:
            try:
                if kind == REQUEST_TYPE:
                    self._receive_request(decode_request(data), sender, now, socket, len(data))
                else:
                    self._receive_response(decode_response(data), sender, now, socket)
            except DecodeError:
                self.refused[Refusal.MALFORMED] += 1

    def send(self, data: bytes, to: Address, socket: int, ttl: int | None = None) -> None:
        """Send a datagram that is no message, such as a punch, unless the node is closed or suspended."""
        if self._ended is None:
            self._post(Outgoing(data, to, socket, ttl))

    def next_timeout(self) -> float | None:
        """When `handle_timeout` is due; None when closed or suspended."""
        if self._ended is not None:
            return None
        queue, proofs = self._queue.next_timeout(), self.replies.proofs.next_timeout()
        return queue if proofs is None else min(queue, proofs)

    def handle_timeout(self, now: float) -> None:
        """Send again or give up what is due, and begin the next interval of the window."""
        if self._ended is None:
            self._queue.handle_timeout(now)
            self.replies.proofs.handle_timeout(now)

    def socket_failed(self, socket: int, now: float) -> None:
        """Fail what was to be sent from a socket that can't be opened."""
        for flight in self._queue.flights:
            if flight.socket == socket:
                self.fail(flight, Failure.NO_SOCKET, now)

    def fail(self, flight: InFlight, failure: Failure, now: float) -> None:
        """Give a request up and tell who asked."""
        if not flight.done:
            self._queue.finish(flight)
            flight.on_failure(failure, now)

    def suspend(self, now: float) -> None:
        """Fail everything in flight; no request can be sent before `resume`."""
        if self._ended is None:
            self._end(Failure.SUSPENDED, now)

    def resume(self, now: float) -> None:
        """Send requests again."""
        if self._ended is Failure.SUSPENDED:
            self._ended, self.replies.is_open = None, True
            self._queue.restart(now)

    def close(self, now: float) -> None:
        """Fail everything in flight; no request can be sent any more."""
        self._end(Failure.CLOSED, now)

    def _end(self, failure: Failure, now: float) -> None:
        self._ended, self.replies.is_open = failure, False
        self.replies.proofs.clear()
        for flight in self._queue.flights:
            self.fail(flight, failure, now)

    def _post(self, outgoing: Outgoing) -> None:
        if outgoing.socket in self.sockets:
            self.outbox.append(outgoing)
        else:
            self.refused[Refusal.CLOSED_SOCKET] += 1

    def _id_on(self, socket: int) -> bytes | None:
        return self.id if socket == NodeSocket.SERVER else None

    def _drained(self) -> None:
        self._drains += 1
        if self._drains % _ROTATION_DRAINS == 0:
            self._tokens.rotate()

    def _contact(self, sender: Address, id: bytes | None) -> Contact:
        return Contact(sender, id if id == id_at(sender) else None)

    def _receive_request(self, message: Request, sender: Address, now: float, socket: int, size: int) -> None:
        contact = self._contact(sender, message.id)
        request = Incoming(contact, message, socket, socket != self.main_socket, size)
        if message.token is not None:
            if not self._tokens.accepts(message.token, sender.host):
                self.refused[Refusal.INVALID_TOKEN] += 1
                self.replies.reply(request, now, error=ResponseError.INVALID_TOKEN)
                return
            self._guard.verify(sender.host, now)
        self._on_request(request, now)

    def _receive_response(self, message: Response, sender: Address, now: float, socket: int) -> None:
        flight = self._queue.flights.get(message.tid)
        if flight is None or not flight.sent or flight.to.address.host != sender.host:
            if self.replies.proofs.answered(message.tid, sender, now):
                self._on_proved(self._contact(sender, message.id), message.to, now)
                self.replies.proofs.release(sender.host, now)
                return
            self.replies.proofs.wrong(sender.host, now)
            unknown = flight is None or not flight.sent
            self.refused[Refusal.UNMATCHED_RESPONSE if unknown else Refusal.OTHER_HOST] += 1
            return
        reply = Reply(
            sender=self._contact(sender, message.id),
            to=message.to,
            rtt=now - flight.first_sent,
            socket=socket,
            external=socket != self.main_socket,
            ask=flight.ask,
            token=message.token,
            closer_nodes=message.closer_nodes or (),
            error=message.error,
            value=message.value,
        )
        self._queue.answered(flight, reply.rtt, now)
        self._guard.verify(sender.host, now)
        self._on_reply(reply, now)
        flight.on_reply(reply, now)
