"""One connection: a stream that waits for its path, and carries data once it has one.

The machines of client and server find the path and call `open_path`. Until then packets that name the stream are kept,
a few of them, and tell the machine where the peer is (`on_path`); afterwards they go to the stream.

| stage | send, end | destroy |
|---|---|---|
| before a path | refused | the attempt is given up; the peer hears nothing |
| with a path | yes | the peer gets a DESTROY |
| closed | refused | nothing |

Source: npm hyperdht 6.34.0 (lib/connect.js: onsocket, firewall), @hyperswarm/secret-stream 6.9.2.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from protocol.dht.contact import Outgoing
from protocol.messages import Address
from protocol.noise_handshake import HandshakeResult
from protocol.peer.events import ConnectionClosed, ConnectionEvent, ConnectionOpened, Stage
from protocol.peer.failures import CLOSINGS, Cause, Closing
from protocol.peer.refusals import StreamRefusal
from protocol.stream.events import (
    CloseReason,
    DataReceived,
    MessageReceived,
    RemoteEnded,
    SecretOpened,
    SendBufferDrained,
    StreamClosed,
)
from protocol.stream.secret import RANDOM_SIZE, SecretKeys, SecretStream
from protocol.stream.states import ACTIVE, LocalProtocolError, State
from protocol.stream.udx import UdxStream

if TYPE_CHECKING:
    from protocol.peer.owner import ConnectionOwner

PROOF_WAIT: Final = 15.0
"""Seconds in which an address that somebody named has to acknowledge something; a stream gives up within 13."""

_PAUSE: Final = 0.25
"""Seconds between two looks at a stream whose packets are held back."""

OnPath = Callable[[int, Address, float], None]
"""Called with the socket, the sender and the time of a packet that came on another path than the one in use."""


class Connection:
    """One connection.

    Attributes:
        stream_id: our id of the UDX stream.
        initiator: whether we are the client.
        public_key: ours.
        remote_public_key: the peer's; of a server, proved by the handshake.
        stage: how far it has come.
        socket: the socket that its packets leave from; None before a path.
        raw: the UDX stream.
        secret: the secret stream on it; None before a path.
        opened: the peer has shown that it has the keys.
        closing: why it is over; None while it is not.
        attempt: 8 bytes that name the attempt in a key log and in a capture; empty before message 1.
    """

    def __init__(
        self, owner: ConnectionOwner, stream_id: int, *, initiator: bool, public_key: bytes, remote_public_key: bytes
    ) -> None:
        self.stream_id = stream_id
        self.initiator = initiator
        self.public_key = public_key
        self.remote_public_key = remote_public_key
        self.stage = Stage.FINDING if initiator else Stage.HANDSHAKING
        self.socket: int | None = None
        self.raw = UdxStream(stream_id)
        self.secret: SecretStream | None = None
        self.opened = False
        self.closing: Closing | None = None
        self.attempt = b""
        self.on_path: OnPath | None = None
        """Of the machine that looks for a path."""
        self.on_packet: OnPath | None = None
        """Of a relayed path that was replaced: told of every packet."""
        self.on_over: Callable[[float], None] | None = None
        """Of the machine: the connection is over, stop."""
        self.reader: Callable[[float], None] | None = None
        """Takes out events in the place of the application, of a connection that the peer uses itself."""
        self._owner = owner
        self._early: list[tuple[bytes, Address]] = []
        self._credit: int | None = None
        self._kept: Outgoing | None = None
        self._look_at = self._prove_by = 0.0
        self._events: deque[ConnectionEvent] = deque()

    @property
    def remote(self) -> Address | None:
        """Where packets go; None before a path."""
        return self.raw.remote

    @property
    def has_path(self) -> bool:
        """Whether a path was found."""
        return self.secret is not None

    @property
    def keys(self) -> SecretKeys:
        """What the handshake agreed on.

        Raises:
            LocalProtocolError: no path yet.
        """
        if self.secret is None:
            raise LocalProtocolError(f"the connection has no path: {self.stage.value}")
        return self.secret.keys

    # The application's acts.

    @property
    def may_send(self) -> bool:
        """Whether `send` is allowed now."""
        return self.secret is not None and self.closing is None and self.raw.may_send

    def send(self, data: bytes) -> bool:
        """Send one message; it arrives as one.

        Returns:
            False when the buffer is full now: wait for `SendBufferDrained` before the next call.

        Raises:
            LocalProtocolError: no path yet, ended, closed, the buffer was full before, or too much for one message.
        """
        more = self._stream().send(data)
        self._owner.touch(self)
        return more

    def send_message(self, data: bytes) -> bool:
        """Send one unordered message, once; False when too many wait already.

        Raises:
            LocalProtocolError: no path yet, closed, or too much for one packet.
        """
        queued = self._stream().send_message(data)
        self._owner.touch(self)
        return queued

    def end(self) -> None:
        """Send nothing more; the peer may go on.

        Raises:
            LocalProtocolError: no path yet, or ended before.
        """
        self._stream().end()
        self._owner.touch(self)

    def destroy(self, now: float) -> None:
        """Give it up at once. Allowed at any time."""
        self.close(CLOSED_HERE, now)

    # What its owner calls.

    def poll_event(self) -> ConnectionEvent | None:
        """The next event. Taking data out makes room in the receive window, so let the owner send afterwards."""
        while not self._events:
            event = None if self.secret is None else self.secret.poll_event()
            if event is None:
                return None
            self._owner.touch(self)
            if isinstance(event, SecretOpened):
                self.opened = True
                self._events.append(ConnectionOpened())
            elif isinstance(event, StreamClosed):
                self._end_with(CLOSINGS[event.reason])
            elif isinstance(event, DataReceived | MessageReceived | RemoteEnded | SendBufferDrained):
                self._events.append(event)
        return self._events.popleft()

    def receive(self, data: bytes, addr: Address, now: float, socket: int) -> None:
        """Take in a packet that names this stream."""
        if self.on_path is not None and (socket != self.socket or self.secret is None):
            self.on_path(socket, addr, now)
        if self.secret is not None:
            self.secret.receive_datagram(data, addr, now)
            self._credited(data, addr)
            if self.on_packet is not None:
                self.on_packet(socket, addr, now)
        elif self.closing is None and len(self._early) < self._owner.early_packets:
            self._early.append((data, addr))
        elif self.closing is None:
            self._owner.refuse(StreamRefusal.TOO_EARLY)
        self._owner.touch(self, stir=True)

    def open_path(
        self,
        socket: int,
        addr: Address,
        remote_id: int,
        result: HandshakeResult,
        now: float,
        *,
        relayed: bool = False,
        credit: int | None = None,
    ) -> None:
        """The first path: the stream starts.

        Args:
            socket: where its packets leave from.
            addr: where they go.
            remote_id: the stream id of the peer.
            result: what the handshake agreed on.
            now: seconds.
            relayed: a blind relay passes them on.
            credit: bytes that may be sent beyond those received from there, until the peer acknowledges something from
                there; None for an address that needs no proof.
        """
        self._credit, self._prove_by = credit, now + PROOF_WAIT
        self.socket = socket
        self.raw.connect(remote_id, addr, now)
        keys = SecretKeys(result.initiator, result.tx, result.rx, result.handshake_hash)
        randomness = self._owner.random_bytes(RANDOM_SIZE)
        self.secret = SecretStream(self.raw, keys, randomness, keepalive=self._owner.keepalive)
        self.set_stage(Stage.RELAYED if relayed else Stage.DIRECT)
        early, self._early = self._early, []
        for data, source in early:
            self.secret.receive_datagram(data, source, now)
            self._credited(data, source)
        self._owner.touch(self)

    def change_path(self, socket: int, addr: Address, remote_id: int) -> None:
        """A better path than the one in use."""
        self.raw.change_remote(remote_id, addr)
        self.socket = socket
        self.set_stage(Stage.DIRECT)
        self._owner.touch(self)

    def set_stage(self, stage: Stage) -> None:
        """The attempt got further."""
        if stage is not self.stage and self.closing is None:
            self.stage = stage
            self._owner.stage_changed(self)

    def close(self, closing: Closing, now: float) -> None:
        """Give it up; nothing happens where it is over already."""
        if self.closing is not None:
            return
        if self.secret is not None:
            self.secret.destroy()
        else:
            self.raw.destroy()
        self._early.clear()
        self._events.clear()
        self._end_with(closing)
        self.tell_over(now)
        self._owner.touch(self)

    def tell_over(self, now: float) -> None:
        """Tell the machine behind, once, if the connection is over."""
        if self.is_over and self.on_over is not None:
            tell, self.on_over = self.on_over, None
            tell(now)

    def handle_timeout(self, now: float) -> None:
        """Do what is due in the stream."""
        if self.secret is not None:
            self.secret.handle_timeout(now)
            self._look_at = now + _PAUSE
            if self._credit is not None and now >= self._prove_by:
                self.close(CLOSINGS[CloseReason.TIMED_OUT], now)
        self._owner.touch(self, stir=True)

    def next_timeout(self) -> float | None:
        """When `handle_timeout` is due."""
        due = None if self.secret is None else self.secret.next_timeout()
        if self._credit is None or self.closing is not None:
            return due
        if due is not None and self._kept is not None:
            # What is due in the stream can't be sent.
            due = max(due, self._look_at)
        return self._prove_by if due is None else min(due, self._prove_by)

    def poll_datagram(self, now: float) -> Outgoing | None:
        """The next packet to send; one to an address without proof waits until it has sent enough itself."""
        out = self._kept or self._next_packet(now)
        self._kept = None
        while out is not None and self._credit is not None:
            if len(out.data) <= self._credit:
                self._credit -= len(out.data)
                break
            if self.closing is None:
                self._kept = out
                return None
            # The stream is over, and has to hear that its last words are said.
            self._owner.refuse(StreamRefusal.WITHHELD)
            out = self._next_packet(now)
        return out

    def _next_packet(self, now: float) -> Outgoing | None:
        if self.secret is None or self.socket is None:
            return None
        out = self.secret.poll_datagram(now)
        return None if out is None else Outgoing(out[0], out[1], self.socket)

    def _credited(self, data: bytes, addr: Address) -> None:
        """A packet came: it pays for as many bytes, or ends the account by acknowledging something."""
        if self._credit is not None and addr == self.raw.remote:
            self._credit += len(data)
            if self.raw.sender.outgoing.acked:
                self._credit = None

    @property
    def is_over(self) -> bool:
        """Whether nothing can come or go any more, though events may still wait."""
        return self.closing is not None or (self.secret is not None and self.raw.state not in ACTIVE)

    @property
    def is_gone(self) -> bool:
        """Whether no packet for it needs an answer any more."""
        return self.raw.state is State.CLOSED

    def _stream(self) -> SecretStream:
        if self.secret is None or self.closing is not None:
            raise LocalProtocolError(f"the connection has no path: {self.stage.value}")
        return self.secret

    def _end_with(self, closing: Closing) -> None:
        if self.closing is None:
            self.closing = closing
            self.stage = Stage.CLOSED
            self._events.append(ConnectionClosed(closing))
            self._owner.stage_changed(self)


CLOSED_HERE = Closing(None, Cause.DESTROYED)
