"""A UDX stream: the machine that turns datagrams into ordered bytes and back, compatible with libudx.

The owner calls, in any order, `receive_datagram` for each packet that names this stream's id, `handle_timeout` when
`next_timeout` has come, and its own acts (`send`, `end`, ...). After each of these it takes out what there is:
`poll_event` until None, then `poll_datagram` until None, for taking data out may make an ack due. Nothing happens
between calls; `now` is any clock that does not run backwards, in seconds.

- Sequence numbers count packets. DATA and END packets take one each; the peer acknowledges each number, and answers
  HEARTBEAT at once. MESSAGE takes none and is never repeated; DESTROY only for a peer that goes on.
- Packets are taken from whatever address they come, as in libudx: the id is what names a stream. Only
  `change_remote` moves what is sent.
- `framed`, an option of hyperdht's raw streams, changes nothing on the wire: it lets udx-native hand the data of
  one frame to JavaScript at once.

Source: libudx as in npm udx-native 1.21.3 (src/udx.c); what differs is said in docs/streams.md.
"""

from __future__ import annotations

from math import inf
from typing import Final

from protocol.messages import Address
from protocol.stream.counters import StreamCounters
from protocol.stream.events import CloseReason, RemoteChanged, RemoteEnded, SendBufferDrained, StreamClosed, StreamEvent
from protocol.stream.incoming import RECEIVE_WINDOW
from protocol.stream.outgoing import Path
from protocol.stream.packet import (
    DATA_OR_END,
    DESTROY,
    END,
    HEARTBEAT,
    MAX_PAYLOAD,
    MESSAGE,
    Packet,
    build,
    parse,
    parse_bare,
    unwrap,
)
from protocol.stream.receiver import Receiver
from protocol.stream.sender import Sender
from protocol.stream.states import ACTIVE, TABLE, Act, LocalProtocolError, State, step

LINGER: Final = 14.0
"""Seconds that a finished stream answers late packets: a peer that hears nothing gives up within 13 (`recovery`)."""


class UdxStream:
    """One stream, one direction each way.

    Attributes:
        id: our id, in the header of every packet to us.
        state: where the stream is.
        counters: what it has done.
        sender: the sending half; its round-trip estimate and congestion window are worth showing.
        receiver: the receiving half.
    """

    __slots__ = (
        "_changed_at_seq", "_destroy_due", "_heartbeat_due", "_keepalive", "_keepalive_at", "_linger_at", "_path",
        "counters", "id", "receiver", "sender", "state",
    )  # fmt: skip

    def __init__(
        self,
        stream_id: int,
        *,
        seq: int = 0,
        ack: int = 0,
        receive_window: int = RECEIVE_WINDOW,
        keepalive: float | None = None,
    ) -> None:
        """Make a stream that waits for its remote.

        Args:
            stream_id: our id, unlike that of any other stream of the owner; 32 random bits in hyperdht.
            seq: number of our first packet; hyperdht's handshake says 0.
            ack: number of the peer's first packet.
            receive_window: bytes that may wait for the owner.
            keepalive: seconds without any packet of ours after which a HEARTBEAT goes out.
        """
        self.id = stream_id
        self.state = State.IDLE
        self.counters = StreamCounters()
        self.sender = Sender(seq, ack)
        self.receiver = Receiver(ack, receive_window, self.counters)
        self._path: Path | None = None
        self._changed_at_seq: int | None = None
        self._heartbeat_due = self._destroy_due = False
        self._keepalive = keepalive
        self._keepalive_at = self._linger_at = inf

    @property
    def remote(self) -> Address | None:
        """Where packets go; None before `connect`."""
        return None if self._path is None else self._path.addr

    # The owner's acts.

    @property
    def remote_id(self) -> int | None:
        """The peer's id of the stream; None before there is a path."""
        return None if self._path is None else self._path.remote_id

    def connect(self, remote_id: int, addr: Address, now: float) -> None:
        """Give the stream its remote: the id that the peer has for it, and where the peer is."""
        self.state = step(self.state, Act.CONNECT)
        self._path = Path(addr, remote_id)
        self._touch_keepalive(now)

    def change_remote(self, remote_id: int, addr: Address) -> None:
        """Send to another address and id of the same peer; `RemoteChanged` tells when the old one is done with.

        Packets in flight that get lost are sent again where they went before, as libudx does it; but only once, and
        not after a timeout: then they take the new path, as the old one may be gone.
        """
        self.state = step(self.state, Act.CHANGE_REMOTE)
        self._path = Path(addr, remote_id)
        self._changed_at_seq = self.sender.outgoing.next_seq
        self._check_changed()

    def send(self, data: bytes) -> bool:
        """Queue bytes for the peer.

        Returns:
            False when the buffer is full now: wait for `SendBufferDrained` before the next call.

        Raises:
            LocalProtocolError: not connected, ended, or the buffer was full before.
        """
        self.check_send()
        return self.sender.write(data)

    @property
    def may_send(self) -> bool:
        """Whether `send` is allowed: connected, not ended, and room in the buffer."""
        return (self.state, Act.SEND) in TABLE and not self.sender.full

    def check_send(self) -> None:
        """Raise what `send` would raise."""
        self.state = step(self.state, Act.SEND)
        if self.sender.full:
            raise LocalProtocolError("send while the buffer is full")

    def send_message(self, data: bytes) -> bool:
        """Send a datagram outside the order, once, without any promise; False when too many wait already.

        Raises:
            LocalProtocolError: not connected, or more than `MAX_PAYLOAD` bytes.
        """
        self.state = step(self.state, Act.SEND_MESSAGE)
        if len(data) > MAX_PAYLOAD:
            raise LocalProtocolError(f"message of {len(data)} bytes, at most {MAX_PAYLOAD}")
        queued = self.sender.queue_message(data)
        self.counters.messages_unsent += not queued
        return queued

    def end(self) -> None:
        """Send nothing more: after what is queued comes END. The peer may go on sending."""
        self.state = step(self.state, Act.END)
        self.sender.outgoing.end()

    def destroy(self) -> None:
        """Tell the peer once that the stream is over, and forget what is queued. Allowed in every state."""
        if self.state in ACTIVE:
            self._destroy_due = True
            self._close(Act.DESTROY, CloseReason.DESTROYED)
        elif self.state is State.IDLE:
            self._close(Act.DESTROY, CloseReason.DESTROYED)

    # What goes in.

    def receive_datagram(self, datagram: bytes, addr: Address, now: float) -> None:  # noqa: ARG002 - see module
        """Take in a UDP payload that carries this stream's id; `addr` does not matter, the id does."""
        bare = parse_bare(datagram)
        if bare is not None and bare[0] == self.id and self.state in ACTIVE:
            self.counters.packets_received += 1
            _, window, wire_seq, wire_ack = bare
            seq = unwrap(wire_seq, self.receiver.incoming.next_seq)
            ack = unwrap(wire_ack, self.sender.outgoing.acked)
            if ack > self.sender.outgoing.next_seq:
                self.counters.unsound += 1
            else:
                self._acked(seq, ack, [], window, now)
            return
        packet = parse(datagram)
        if packet is None or packet.remote_id != self.id:
            self.counters.unsound += 1
            return
        self.counters.packets_received += 1
        if self.state not in ACTIVE:
            self._receive_late(packet.flags)
        elif packet.flags & HEARTBEAT:
            self.receiver.ack_due = True
        else:
            self._receive(packet, now)

    def handle_timeout(self, now: float) -> None:
        """Do what is due at `now`; calling it early or for nothing does no harm."""
        if now >= self._linger_at:
            self._linger_at = inf
            self.state = step(self.state, Act.LINGER_OVER)
        if self.state not in ACTIVE or self._path is None:
            return
        sender = self.sender
        if now >= sender.next_at and not sender.handle_timeout(self._path, now):
            # A peer that is done forgets the stream, and with it our END; all that it had to get it has.
            done = self.state is State.CLOSING and sender.only_end_missing
            self._destroy_due = True
            self._close(Act.GIVE_UP, CloseReason.ENDED if done else CloseReason.TIMED_OUT)
        elif now >= self._keepalive_at:
            self._heartbeat_due = True
            self._touch_keepalive(now)

    # What comes out.

    def next_timeout(self) -> float | None:
        """When to call `handle_timeout`, or None when only a datagram or the owner can change anything."""
        at = min(self.sender.next_at, self._keepalive_at, self._linger_at)
        return None if at == inf else at

    def poll_event(self) -> StreamEvent | None:
        """The next event, or None. Taking data out makes room in the receive window."""
        return self.receiver.next_event()

    def poll_datagram(self, now: float) -> tuple[bytes, Address] | None:
        """The next packet to send and where to, or None for now. It counts as sent at `now`."""
        path = self._path
        if path is None:
            return None
        if self._destroy_due:
            self._destroy_due = False
            if self._linger_at == inf:
                self._linger_at = now + LINGER
            return self._bare(path, DESTROY, now)
        if self.state not in ACTIVE:
            return self._acknowledge(path, now) if self.receiver.ack_due else None
        if self._heartbeat_due or self.sender.heartbeat_due:
            self._heartbeat_due = self.sender.heartbeat_due = False
            return self._bare(path, HEARTBEAT, now)
        if self.sender.messages:
            return self._bare(path, MESSAGE, now, self.sender.messages.popleft())
        if self.receiver.ack_due and self.receiver.incoming.gaps:
            return self._acknowledge(path, now)
        packet = self.sender.next_packet(path, now)
        if packet is not None:
            return self._put(packet.path, packet.flags, packet.seq, packet.data, now)
        return self._acknowledge(path, now) if self.receiver.ack_due else None

    def _receive(self, packet: Packet, now: float) -> None:
        sender = self.sender
        seq = unwrap(packet.seq, self.receiver.incoming.next_seq)
        ack = unwrap(packet.ack, sender.outgoing.acked)
        if ack > sender.outgoing.next_seq:
            self.counters.unsound += 1
            return
        if packet.flags & DESTROY:
            if seq >= self.receiver.incoming.next_seq:
                self._close(Act.REMOTE_DESTROY, CloseReason.RESET)
            else:
                self.counters.unexpected += 1
            return
        if packet.flags & DATA_OR_END:
            self.receiver.receive_data(seq, packet.data, bool(packet.flags & END))
        if packet.flags & MESSAGE:
            self.receiver.receive_message(packet.data)
        sacks = [(unwrap(first, ack), unwrap(end, ack)) for first, end in packet.sacks]
        self._acked(seq, ack, sacks, packet.recv_window, now)

    def _acked(self, seq: int, ack: int, sacks: list[tuple[int, int]], window: int, now: float) -> None:
        sender = self.sender
        sender.on_ack(seq, ack, sacks, window, now)
        if sender.drained() and self.state in (State.OPEN, State.HALF_OPEN):
            self.receiver.events.append(SendBufferDrained())
        self._check_changed()
        self._settle(now)

    def _receive_late(self, flags: int) -> None:
        """A packet for a stream that is not connected yet, or over."""
        if self.state in (State.LINGERING, State.RESETTING) and flags & DESTROY:
            self.state = step(self.state, Act.REMOTE_DESTROY)
            self.receiver.ack_due = self._destroy_due = False
            self._linger_at = inf
        elif self.state is State.LINGERING:
            self.receiver.ack_due = self.receiver.ack_due or bool(flags & (DATA_OR_END | HEARTBEAT))
        elif self.state is State.RESETTING:
            self._destroy_due = True
        else:
            self.counters.unexpected += 1

    def _settle(self, now: float) -> None:
        """Follow up on ends: the peer's when all of it is here, ours when all of it is acknowledged."""
        if self.receiver.incoming.ended and self.state in (State.OPEN, State.FINISHING, State.FINISHED):
            self.state = step(self.state, Act.REMOTE_END)
            self.receiver.events.append(RemoteEnded())
        if self.sender.ended and self.state in (State.FINISHING, State.CLOSING):
            self.state = step(self.state, Act.END_ACKED)
        if self.state is State.LINGERING:
            self._linger_at = now + LINGER
            self._finish(CloseReason.ENDED)

    def _close(self, act: Act, reason: CloseReason) -> None:
        self.state = step(self.state, act)
        self.receiver.ack_due = False
        self.receiver.incoming.clear()
        self._finish(reason)

    def _finish(self, reason: CloseReason) -> None:
        """The last event; nothing is sent from now on but answers to late packets."""
        self.receiver.events.append(StreamClosed(reason))
        self.sender.stop()
        self._heartbeat_due = False
        self._keepalive_at = inf
        self._changed_at_seq = None

    def _check_changed(self) -> None:
        if self._changed_at_seq is not None and self._path and self.sender.outgoing.acked >= self._changed_at_seq:
            self._changed_at_seq = None
            self.receiver.events.append(RemoteChanged(self._path.addr))

    def _touch_keepalive(self, now: float) -> None:
        if self._keepalive is not None:
            self._keepalive_at = now + self._keepalive

    def _acknowledge(self, path: Path, now: float) -> tuple[bytes, Address]:
        flags, content = self.receiver.ack_content()
        return self._bare(path, flags, now, content)

    def _bare(self, path: Path, flags: int, now: float, data: bytes = b"") -> tuple[bytes, Address]:
        """A packet without a number of its own; it says the next one."""
        return self._put(path, flags, self.sender.outgoing.next_seq, data, now)

    def _put(self, path: Path, flags: int, seq: int, data: bytes, now: float) -> tuple[bytes, Address]:
        if not flags & (HEARTBEAT | MESSAGE | DESTROY):
            self.receiver.ack_due = False
        self.counters.packets_sent += 1
        if self._keepalive_at < inf:
            self._touch_keepalive(now)
        receiver = self.receiver
        return build(flags, path.remote_id, receiver.window(), seq, receiver.incoming.next_seq, data), path.addr
