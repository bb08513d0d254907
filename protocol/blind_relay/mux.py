"""Protomux, as much of it as a relay needs: channels on one secret stream, opened by both sides.

A channel is open when each side has said OPEN with the same protocol and key; each then uses its own number for it. An
OPEN that has no counterpart here is rejected at once. Messages may follow our own OPEN without waiting for the peer's.

- Numbers count from 1. One is free again when its channel is closed and the peer's answer to its OPEN came; the last
  one that got free is taken first.
- The peer's numbers may grow by one at a time, and none may be opened twice.
- A channel may have other names: the peer's OPEN with any of them is the counterpart of ours.
- What comes for a channel that is closed here is left out and counted: it may have been under way.
- Frames that came in one batch are answered in one.

Bytes of the peer give events or a DecodeError, after which the secret stream has to be destroyed.

Source: npm protomux 3.12.1 (index.js). There a peer's OPEN may wait for its counterpart while a callback runs.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Final

from protocol.blind_relay.frames import (
    CONTROL,
    ChannelFrame,
    CloseFrame,
    Frame,
    OpenFrame,
    RejectFrame,
    channel_of,
    decode_frames,
    encode_batch,
    encode_entry,
    encode_frame,
)
from protocol.blind_relay.limits import MuxLimits
from protocol.errors import DecodeError
from protocol.stream.states import LocalProtocolError

MAX_BATCH: Final = 1 << 16
"""Bytes of entries after which a batch of ours is sent and another begun."""

Name = tuple[str, bytes | None]


@dataclass(slots=True, eq=False)
class Channel:
    """One channel, ours from `Mux.open` on."""

    id: int
    protocol: str
    key: bytes | None
    remote_id: int | None = None
    """What the peer calls it; None until it opens its side."""
    closed: bool = False


@dataclass(frozen=True, slots=True)
class ChannelOpened:
    """The peer opened its side."""

    channel: Channel
    handshake: bytes


@dataclass(frozen=True, slots=True)
class ChannelMessage:
    """A message of the channel's protocol."""

    channel: Channel
    type: int
    content: bytes


@dataclass(frozen=True, slots=True)
class ChannelClosed:
    """The peer closed the channel, or never had it."""

    channel: Channel
    rejected: bool


MuxEvent = ChannelOpened | ChannelMessage | ChannelClosed


@dataclass(slots=True, eq=False)
class _Side:
    """What is known of one protocol and key."""

    names: tuple[Name, ...]
    channel: Channel | None = None
    unanswered: deque[int] = field(default_factory=deque)
    """Our numbers whose OPEN the peer has not answered, also of channels that are closed by now."""


class Mux:
    """The channels of one secret stream.

    Attributes:
        rejected: the peer's OPENs that had no counterpart.
        ignored: frames for channels that are not there, and control frames of unknown types.
    """

    def __init__(self, limits: MuxLimits | None = None) -> None:
        self.rejected = 0
        self.ignored = 0
        self._out_size = 0
        self._limits = limits or MuxLimits()
        self._sides: dict[Name, _Side] = {}
        self._local: dict[int, Channel | None] = {}
        self._free: list[int] = []
        self._remote: dict[int, Channel] = {}
        self._highest_remote = 0
        self._corked = 0
        self._answering = False
        self._batch: list[tuple[int, bytes]] = []
        self._batch_size = 0
        self._out: deque[bytes] = deque()
        self._events: deque[MuxEvent] = deque()

    # The owner's acts.

    def open(
        self, protocol: str, key: bytes | None = None, handshake: bytes = b"", *, aliases: tuple[str, ...] = ()
    ) -> Channel:
        """Say OPEN for a channel; messages may be sent on it at once.

        Raises:
            LocalProtocolError: there is such a channel, or there are too many.
        """
        names = tuple((name, key or None) for name in (protocol, *aliases))
        side = next((self._sides[name] for name in names if name in self._sides), None)
        if side is not None and (side.channel is not None or side.names != names):
            raise LocalProtocolError(f"a second channel for {protocol!r}")
        if len(self._local) - len(self._free) >= self._limits.max_channels:
            raise LocalProtocolError(f"more than {self._limits.max_channels} channels")
        if side is None:
            side = _Side(names)
            self._sides |= dict.fromkeys(names, side)
        number = self._free.pop() if self._free else len(self._local) + 1
        channel = self._local[number] = side.channel = Channel(number, protocol, key or None)
        side.unanswered.append(number)
        self._put(OpenFrame(number, protocol, key or None, handshake))
        return channel

    def send(self, channel: Channel, kind: int, content: bytes) -> None:
        """Send a message of type `kind`.

        Raises:
            LocalProtocolError: the channel is closed.
        """
        if channel.closed:
            raise LocalProtocolError("send on a closed channel")
        self._put(ChannelFrame(channel.id, kind, content))

    def close(self, channel: Channel) -> None:
        """Say CLOSE; nothing comes from the channel any more. Allowed when it is closed."""
        if not channel.closed:
            self._forget(channel)
            self._put(CloseFrame(channel.id))

    def cork(self) -> None:
        """Collect what is sent from now on in one batch; calls may be nested."""
        self._corked += 1

    def uncork(self) -> None:
        """Send what was collected since the matching `cork`."""
        self._corked -= 1
        if not self._corked:
            self._flush()

    @property
    def backlog(self) -> int:
        """Bytes that wait for `poll_message`."""
        return self._out_size + self._batch_size

    # What goes in and comes out.

    def receive(self, message: bytes) -> None:
        """Take in one message of the secret stream.

        Raises:
            DecodeError: no frame, over the limits, or against the protocol. The stream is of no use any more.
        """
        frames = decode_frames(message, self._limits)
        if len(frames) > 1 and not self._answering:
            self._answering = True
            self.cork()
        for frame in frames:
            self._receive(frame)

    def poll_event(self) -> MuxEvent | None:
        """The next event, or None."""
        if self._events:
            return self._events.popleft()
        self._answered()
        return None

    def poll_message(self) -> bytes | None:
        """The next message for the secret stream, or None. Take out the events first."""
        self._answered()
        if not self._out:
            return None
        message = self._out.popleft()
        self._out_size -= len(message)
        return message

    def discard(self) -> None:
        """Forget what waits: the secret stream takes nothing any more."""
        self._out.clear()
        self._batch = []
        self._out_size = self._batch_size = 0

    def _answered(self) -> None:
        if self._answering:
            self._answering = False
            self.uncork()

    def _receive(self, frame: Frame) -> None:
        match frame:
            case OpenFrame():
                self._on_open(frame)
            case RejectFrame():
                self._on_reject(frame.id)
            case CloseFrame():
                closing = self._remote.get(frame.id)
                if closing is None:
                    self.ignored += 1
                else:
                    self._forget(closing)
                    self._events.append(ChannelClosed(closing, rejected=False))
            case ChannelFrame():
                channel = self._remote.get(frame.id)
                if channel is None:
                    self.ignored += 1
                else:
                    self._events.append(ChannelMessage(channel, frame.type, frame.content))

    def _on_open(self, frame: OpenFrame) -> None:
        number = frame.id
        if not CONTROL < number <= self._highest_remote + 1 or number in self._remote:
            raise DecodeError("mux.open.id", 0, f"{number} is not free, or skips numbers")
        if number > self._limits.max_channels:
            raise DecodeError("mux.open.id", 0, f"{number} is above {self._limits.max_channels}")
        self._highest_remote = max(self._highest_remote, number)
        side = self._sides.get((frame.protocol, frame.key))
        if side is None or not side.unanswered:
            self.rejected += 1
            self._put(RejectFrame(number))
            return
        ours = side.unanswered.popleft()
        channel = self._local[ours]
        if channel is None:
            # Our CLOSE is under way, and closes the peer's side as well.
            self._free.append(ours)
            self._tidy(side)
            return
        channel.remote_id = number
        self._remote[number] = channel
        self._events.append(ChannelOpened(channel, frame.handshake))

    def _on_reject(self, number: int) -> None:
        side = next((side for side in self._sides.values() if number in side.unanswered), None)
        if side is None:
            raise DecodeError("mux.reject.id", 0, f"nothing was asked with {number}")
        side.unanswered.remove(number)
        channel = self._local[number]
        self._free.append(number)
        if channel is not None:
            channel.closed = True
            self._local[number] = side.channel = None
            self._events.append(ChannelClosed(channel, rejected=True))
        self._tidy(side)

    def _forget(self, channel: Channel) -> None:
        channel.closed = True
        self._local[channel.id] = None
        if channel.remote_id is not None:
            del self._remote[channel.remote_id]
            self._free.append(channel.id)
        side = self._sides[channel.protocol, channel.key]
        side.channel = None
        self._tidy(side)

    def _tidy(self, side: _Side) -> None:
        if side.channel is None and not side.unanswered:
            for name in side.names:
                del self._sides[name]

    def _put(self, frame: Frame) -> None:
        if not self._corked:
            self._write(encode_frame(frame))
            return
        entry = encode_entry(frame)
        self._batch.append((channel_of(frame), entry))
        self._batch_size += len(entry)
        if self._batch_size >= MAX_BATCH:
            self._flush()

    def _flush(self) -> None:
        if self._batch:
            self._write(encode_batch(self._batch))
            self._batch = []
            self._batch_size = 0

    def _write(self, message: bytes) -> None:
        self._out.append(message)
        self._out_size += len(message)
