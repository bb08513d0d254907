"""Protomux on the wire: what the messages of a secret stream carry when several protocols share it.

Each message of the secret stream is one frame: ``uint channel, uint type``, then what the type asks for.

| channel | type | rest |
|---|---|---|
| 0 | 0 BATCH | uint channel, then entries: uint length and that many bytes (``uint type`` and the rest of a frame on this channel); a length of 0 is followed by a uint, the channel from here on |
| 0 | 1 OPEN | uint id (of the sender), string protocol, buffer key (empty: none), then the handshake if the protocol has one |
| 0 | 2 REJECT | uint id, of the receiver: it asked for what the sender does not speak |
| 0 | 3 CLOSE | uint id, of the sender |
| n > 0 | any | a message of the protocol on the channel that the sender calls n |

The reference cuts an entry that is longer than its batch, reads batches inside batches, and has no bound on names. A
sender makes none of that; here it is a DecodeError.

Source: npm protomux 3.12.1 (index.js).
"""  # noqa: E501 - rows of a table

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from protocol.blind_relay.limits import MuxLimits
from protocol.errors import DecodeError
from protocol.wire import Reader, Writer

CONTROL: Final = 0
"""The channel that is always open."""


class Control(IntEnum):
    """Types of frames on channel 0."""

    BATCH = 0
    OPEN = 1
    REJECT = 2
    CLOSE = 3


@dataclass(frozen=True, slots=True)
class OpenFrame:
    """Asks for a channel, or answers the peer's frame that asks for the same."""

    id: int
    """What the sender calls it, from 1."""
    protocol: str
    key: bytes | None = None
    """Tells channels of one protocol apart (protomux: id); never empty."""
    handshake: bytes = b""
    """All that follows; a protocol without a handshake ignores it."""


@dataclass(frozen=True, slots=True)
class RejectFrame:
    """Refuses a channel."""

    id: int
    """What the receiver of this frame calls it."""


@dataclass(frozen=True, slots=True)
class CloseFrame:
    """Ends a channel."""

    id: int
    """What the sender calls it."""


@dataclass(frozen=True, slots=True)
class ChannelFrame:
    """A message on a channel, or (on channel 0) a type of a later protomux."""

    id: int
    """What the sender calls it."""
    type: int
    content: bytes


Frame = OpenFrame | RejectFrame | CloseFrame | ChannelFrame


def decode_frames(data: bytes, limits: MuxLimits) -> list[Frame]:
    """The frames in one message of the secret stream: one, or those of a batch; an empty message has none.

    Raises:
        DecodeError: cut, malformed, or over the limits.
    """
    if not data:
        return []
    r = Reader(data, "mux")
    if len(data) > limits.max_frame:
        raise r.malformed("frame", f"{len(data)} bytes, at most {limits.max_frame}")
    channel = r.uint("channel")
    if channel != CONTROL or data[r.pos : r.pos + 1] != b"\0":
        return [_read_frame(r, channel, limits)]
    r.uint("type")
    return _read_batch(r, limits)


def encode_frame(frame: Frame) -> bytes:
    """One frame as a message of its own."""
    w = Writer()
    w.uint(channel_of(frame))
    entry = encode_entry(frame)
    w.fixed(entry, len(entry))
    return w.finish()


def encode_batch(entries: Sequence[tuple[int, bytes]]) -> bytes:
    """One message of several entries, each a channel and what `encode_entry` gives."""
    w = Writer()
    w.uint(CONTROL)
    w.uint(Control.BATCH)
    channel = None
    for number, (each, entry) in enumerate(entries):
        if each != channel:
            if number:
                w.uint(0)
            w.uint(each)
            channel = each
        w.buffer(entry)
    return w.finish()


def channel_of(frame: Frame) -> int:
    """The channel that a frame goes on."""
    return frame.id if isinstance(frame, ChannelFrame) else CONTROL


def encode_entry(frame: Frame) -> bytes:
    """A frame from its type on: what follows the channel."""
    w = Writer()
    match frame:
        case OpenFrame():
            w.uint(Control.OPEN)
            w.uint(frame.id)
            w.string(frame.protocol)
            w.buffer(frame.key or b"")
            w.fixed(frame.handshake, len(frame.handshake))
        case RejectFrame():
            w.uint(Control.REJECT)
            w.uint(frame.id)
        case CloseFrame():
            w.uint(Control.CLOSE)
            w.uint(frame.id)
        case ChannelFrame():
            w.uint(frame.type)
            w.fixed(frame.content, len(frame.content))
    return w.finish()


def _read_batch(r: Reader, limits: MuxLimits) -> list[Frame]:
    frames: list[Frame] = []
    channel = r.uint("channel")
    while r.pos < len(r.data):
        if len(frames) >= limits.max_batch:
            raise r.malformed("batch", f"more than {limits.max_batch} frames")
        entry = r.buffer("entry")
        if not entry:
            channel = r.uint("channel")
            continue
        inner = Reader(entry, "mux", r.pos - len(entry))
        if channel == CONTROL and entry[0] == Control.BATCH:
            raise inner.malformed("type", "a batch inside a batch")
        frames.append(_read_frame(inner, channel, limits))
    return frames


def _read_frame(r: Reader, channel: int, limits: MuxLimits) -> Frame:
    kind = r.uint("type")
    if channel != CONTROL or kind > Control.CLOSE:
        return ChannelFrame(channel, kind, r.rest("content"))
    if kind == Control.REJECT:
        return RejectFrame(r.uint("reject.id"))
    if kind == Control.CLOSE:
        return CloseFrame(r.uint("close.id"))
    if kind == Control.BATCH:
        # Only a type that is written longer than it need be comes here.
        raise r.malformed("type", "a batch inside a batch")
    number = r.uint("open.id")
    name = _bounded(r, "open.protocol", limits)
    key = _bounded(r, "open.key", limits)
    return OpenFrame(number, name.decode("utf-8", "replace"), key or None, r.rest("open.handshake"))


def _bounded(r: Reader, field: str, limits: MuxLimits) -> bytes:
    at = r.pos
    found = r.buffer(field)
    if len(found) > limits.max_name:
        raise DecodeError(f"mux.{field}", r.origin + at, f"{len(found)} bytes, at most {limits.max_name}")
    return found
