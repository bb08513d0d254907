"""The secret stream that hyperdht gives its applications: Noise keys on a UDX stream.

Both sides start with a frame ``id 32 || header 24``: who they are in this handshake, and the start of their cipher.
Every further frame is one message, sealed; an empty one only says that its sender is there. The end of the stream is
the end of the UDX stream below. Frames, ciphers and ids are described in `protocol.stream.frames` and
`protocol.stream.sealing`.

The machine owns a connected `UdxStream` and has its interface: datagrams and time go in, datagrams and events come
out. A frame that the keys don't open ends it with `CloseReason.FORGED`, and `failure` says which bytes.

Source: npm @hyperswarm/secret-stream 6.9.2 (index.js), as hyperdht 6.34.0 starts it: with the keys of a finished
handshake.
"""

from __future__ import annotations

from collections import deque
from math import inf
from typing import Final, NamedTuple

from protocol.errors import DecodeError
from protocol.messages import Address
from protocol.stream.events import (
    CloseReason,
    DataReceived,
    MessageReceived,
    RemoteEnded,
    SecretEvent,
    SecretOpened,
    StreamClosed,
)
from protocol.stream.frames import LENGTH_SIZE, MAX_CONTENT, FrameReader, frame
from protocol.stream.packet import MAX_PAYLOAD
from protocol.stream.sealing import (
    COUNTER_SIZE,
    HEADER_SIZE,
    KEY_SIZE,
    MESSAGE_OVERHEAD,
    OVERHEAD,
    MessageCipher,
    OrderedCipher,
    stream_id,
)
from protocol.stream.states import LocalProtocolError
from protocol.stream.udx import UdxStream

ID_SIZE: Final = 32
MAX_MESSAGE: Final = MAX_CONTENT - OVERHEAD
"""Bytes of a message in order."""
MAX_UNORDERED: Final = MAX_PAYLOAD - MESSAGE_OVERHEAD
"""Bytes of an unordered message."""
RANDOM_SIZE: Final = HEADER_SIZE + COUNTER_SIZE


class SecretKeys(NamedTuple):
    """What a finished handshake leaves."""

    initiator: bool
    """Whether we began it: the client of a connection."""
    tx: bytes
    """Key of what we send; the first 32 bytes count."""
    rx: bytes
    """Key of what we receive."""
    handshake_hash: bytes
    """64 bytes."""


class SecretStream:
    """One secret stream over `raw`.

    Attributes:
        raw: the UDX stream below; its remote may be changed while this runs.
        keys: of the handshake.
        failure: what was wrong with the bytes that ended the stream; None unless it ended so.
        forged_messages: unordered messages that the keys did not open; they are left out.
        keepalives: empty messages that came in.
    """

    __slots__ = (
        "_cipher", "_events", "_frames", "_keepalive", "_keepalive_at", "_messages", "_opened", "_wrote",
        "failure", "forged_messages", "keepalives", "keys", "raw",
    )  # fmt: skip

    def __init__(self, raw: UdxStream, keys: SecretKeys, randomness: bytes, *, keepalive: float | None = None) -> None:
        """Start: our id and header are queued as the first data of `raw`.

        Args:
            raw: connected, and nothing sent on it.
            keys: of the handshake.
            randomness: `RANDOM_SIZE` bytes, used for nothing else.
            keepalive: seconds without a message of ours after which an empty one goes out; hyperdht's default is 5.

        Raises:
            ValueError: keys or randomness of another size.
            LocalProtocolError: `raw` is not connected.
        """
        if len(randomness) != RANDOM_SIZE or len(keys.tx) < KEY_SIZE or len(keys.rx) < KEY_SIZE:
            raise ValueError(f"keys have {KEY_SIZE} bytes or more, randomness has {RANDOM_SIZE}")
        self.raw = raw
        self.failure: DecodeError | None = None
        self.forged_messages = 0
        self.keepalives = 0
        self.keys = keys
        header, counter = randomness[:HEADER_SIZE], randomness[HEADER_SIZE:]
        self._cipher = OrderedCipher(keys.tx[:KEY_SIZE], header)
        self._opened: OrderedCipher | None = None
        self._messages = MessageCipher(keys.handshake_hash, keys.initiator, counter)
        self._frames = FrameReader()
        self._events: deque[SecretEvent] = deque()
        self._keepalive = keepalive
        self._keepalive_at = inf
        self._wrote = True
        raw.send(frame(stream_id(keys.handshake_hash, keys.initiator) + header))

    # The owner's acts.

    def send(self, message: bytes) -> bool:
        """Send one message; it arrives as one.

        Returns:
            False when the buffer is full now: wait for `SendBufferDrained` before the next call.

        Raises:
            LocalProtocolError: ended, the buffer was full before, or more than `MAX_MESSAGE` bytes.
        """
        if len(message) > MAX_MESSAGE:
            raise LocalProtocolError(f"message of {len(message)} bytes, at most {MAX_MESSAGE}")
        self.raw.check_send()
        self._wrote = True
        return self.raw.send(frame(self._cipher.seal(message)))

    def send_message(self, data: bytes) -> bool:
        """Send an unordered message, once, without any promise; False when too many wait already.

        Raises:
            LocalProtocolError: not connected, or more than `MAX_UNORDERED` bytes.
        """
        if len(data) > MAX_UNORDERED:
            raise LocalProtocolError(f"message of {len(data)} bytes, at most {MAX_UNORDERED}")
        return self.raw.send_message(self._messages.seal(data))

    def end(self) -> None:
        """Send nothing more. The peer may go on sending."""
        self.raw.end()
        self._keepalive = None
        self._keepalive_at = inf

    def destroy(self) -> None:
        """Tell the peer once that the stream is over, and forget what is queued. Allowed in every state."""
        self.raw.destroy()

    # What goes in.

    def receive_datagram(self, datagram: bytes, addr: Address, now: float) -> None:
        """Take in a UDP payload that carries the id of `raw`."""
        self.raw.receive_datagram(datagram, addr, now)

    def handle_timeout(self, now: float) -> None:
        """Do what is due at `now`; calling it early or for nothing does no harm."""
        self.raw.handle_timeout(now)
        if now >= self._keepalive_at:
            self._keepalive_at = inf
            self._wrote = True
            if self.raw.may_send:
                self.raw.send(frame(self._cipher.seal(b"")))

    # What comes out.

    def next_timeout(self) -> float | None:
        """When to call `handle_timeout`, or None when only a datagram or the owner can change anything."""
        at = self.raw.next_timeout()
        if self._keepalive_at == inf:
            return at
        return self._keepalive_at if at is None else min(at, self._keepalive_at)

    def poll_datagram(self, now: float) -> tuple[bytes, Address] | None:
        """The next packet to send and where to, or None for now. It counts as sent at `now`."""
        if self._wrote:
            self._wrote = False
            if self._keepalive is not None:
                self._keepalive_at = now + self._keepalive
        return self.raw.poll_datagram(now)

    def poll_event(self) -> SecretEvent | None:
        """The next event, or None. Taking data out makes room in the receive window."""
        while not self._events:
            event = self.raw.poll_event()
            if event is None:
                return None
            if isinstance(event, DataReceived):
                if self.failure is None:
                    self._frames.feed(event.data)
                    self._read_frames()
            elif isinstance(event, MessageReceived):
                self._read_message(event.data)
            elif isinstance(event, StreamClosed):
                self._keepalive_at = inf
                self._events.append(event if self.failure is None else StreamClosed(CloseReason.FORGED))
            elif isinstance(event, RemoteEnded) and self._frames.pending:
                missing = f"the stream ends {self._frames.pending} bytes into a frame"
                self._fail("frame", missing, truncated=True)
            elif self.failure is None:
                self._events.append(event)
        return self._events.popleft()

    def _read_frames(self) -> None:
        while self.failure is None:
            offset = self._frames.offset
            claimed = self._frames.claimed
            if self._opened is None and claimed not in (None, ID_SIZE + HEADER_SIZE):
                # Nothing is kept for a peer that has not shown its id.
                self._fail("header", f"{claimed} bytes, a header has {ID_SIZE + HEADER_SIZE}", offset)
                return
            content = self._frames.next()
            if content is None:
                return
            if self._opened is None:
                self._open(content, offset)
                continue
            plain = self._opened.open(content)
            if plain is None:
                self._fail("frame", f"{len(content)} bytes that the key does not open", offset)
            elif plain:
                self._events.append(DataReceived(plain))
            else:
                self.keepalives += 1

    def _open(self, content: bytes, offset: int) -> None:
        """The peer's first frame."""
        if content[:ID_SIZE] != stream_id(self.keys.handshake_hash, not self.keys.initiator):
            self._fail("id", "the id of another handshake", offset + LENGTH_SIZE)
        else:
            self._opened = OrderedCipher(self.keys.rx[:KEY_SIZE], content[ID_SIZE:])
            self._events.append(SecretOpened())

    def _read_message(self, sealed: bytes) -> None:
        plain = self._messages.open(sealed)
        if plain is None:
            self.forged_messages += 1
        elif self.failure is None:
            self._events.append(MessageReceived(plain))

    def _fail(self, field: str, reason: str, offset: int | None = None, *, truncated: bool = False) -> None:
        at = self._frames.offset if offset is None else offset
        self.failure = DecodeError(f"secret_stream.{field}", at, reason, truncated=truncated)
        self._frames.clear()
        self.raw.destroy()
