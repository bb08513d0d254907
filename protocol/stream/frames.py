"""Frames of a secret stream: ``length u24 || content``, one after the other on the bytes of a UDX stream.

What a frame claims reserves nothing: its content is kept as it comes.

Source: npm @hyperswarm/secret-stream 6.9.2 (index.js: _onrawdata, writeUint24le).
"""

from __future__ import annotations

from typing import Final

LENGTH_SIZE: Final = 3
MAX_CONTENT: Final = 0xFFFFFF


def frame(content: bytes) -> bytes:
    """A frame around `content`, of at most `MAX_CONTENT` bytes."""
    return len(content).to_bytes(LENGTH_SIZE, "little") + content


class FrameReader:
    """Cuts a stream of bytes into the contents of frames.

    Attributes:
        offset: bytes of the stream before the frame that is not complete yet.
    """

    __slots__ = ("_buffer", "offset")

    def __init__(self) -> None:
        self.offset = 0
        self._buffer = bytearray()

    @property
    def pending(self) -> int:
        """Bytes of the frame that is not complete."""
        return len(self._buffer)

    @property
    def claimed(self) -> int | None:
        """Bytes of content that the next frame says it has; None before it says so."""
        return int.from_bytes(self._buffer[:LENGTH_SIZE], "little") if len(self._buffer) >= LENGTH_SIZE else None

    def feed(self, data: bytes) -> None:
        """Take in the next bytes."""
        self._buffer += data

    def next(self) -> bytes | None:
        """The content of the next complete frame, or None."""
        buffer = self._buffer
        claimed = self.claimed
        if claimed is None or len(buffer) < LENGTH_SIZE + claimed:
            return None
        end = LENGTH_SIZE + claimed
        content = bytes(buffer[LENGTH_SIZE:end])
        del buffer[:end]
        self.offset += end
        return content

    def clear(self) -> None:
        """Forget an incomplete frame."""
        self._buffer.clear()
