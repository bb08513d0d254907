"""Writing pcapng files: packets with comments, one interface per source, secrets only when asked for.

Blocks and options are laid out in `capture.pcapng_blocks` and `capture.pcapng`. Times are nanoseconds. The decryption
secrets block comes before the packets, as readers need it; its type is this project's own, its data a key log.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterable, Mapping, Sequence
from typing import BinaryIO, Final

from capture.frame_rows import Target, frames_of, opened
from capture.frames import MAX_FRAME
from capture.keylog import SECRETS_TYPE
from capture.pcapng_blocks import (
    BYTE_ORDER_MAGIC,
    DECRYPTION_SECRETS,
    ENHANCED_PACKET,
    EPB_FLAGS,
    IF_NAME,
    IF_TSRESOL,
    INTERFACE_DESCRIPTION,
    INTERFACE_STATISTICS,
    ISB_OSDROP,
    OPTION_COMMENT,
    SECTION_HEADER,
)
from capture.table import PacketTable
from capture.touches import Touch, comment_of, touches_of

_USER_APPLICATION: Final = 4
_IF_DESCRIPTION: Final = 3
_NANOSECONDS: Final = 9
_MAX_OPTION: Final = 0xFFFF

Comments = str | Sequence[str] | None
"""One comment, or several: each is an option of its own."""


class PcapngWriter:
    """Writes one section, block by block."""

    def __init__(self, stream: BinaryIO, comment: Comments = None) -> None:
        """Write the section header.

        Args:
            stream: where to.
            comment: on the capture as a whole.
        """
        self._stream = stream
        self._interfaces = 0
        body = struct.pack("<IHHq", BYTE_ORDER_MAGIC, 1, 0, -1)
        self._block(SECTION_HEADER, body, _options({OPTION_COMMENT: comment, _USER_APPLICATION: "peephole"}))

    def add_secrets(self, data: bytes) -> None:
        """Write a decryption secrets block; packets it opens have to come after it."""
        self._block(DECRYPTION_SECRETS, struct.pack("<II", SECRETS_TYPE, len(data)) + data, b"")

    def add_interface(
        self, linktype: int, name: str = "", description: str = "", snaplen: int = MAX_FRAME, comment: str = ""
    ) -> int:
        """Write an interface description; its number is what `add_packet` wants."""
        texts = {OPTION_COMMENT: comment or None, IF_NAME: name or None, _IF_DESCRIPTION: description or None}
        options = _options(texts, struct.pack("<HHB3x", IF_TSRESOL, 1, _NANOSECONDS))
        self._block(INTERFACE_DESCRIPTION, struct.pack("<HHI", linktype, 0, snaplen), options)
        self._interfaces += 1
        return self._interfaces - 1

    def add_packet(
        self,
        interface: int,
        time_ns: int,
        frame: bytes,
        wire_length: int,
        comment: Comments = None,
        direction: int = 0,
    ) -> None:
        """Write one frame.

        Args:
            interface: its number.
            time_ns: epoch nanoseconds.
            frame: its bytes, from the link header on.
            wire_length: how many they were on the wire.
            comment: on it; one or several.
            direction: which way it passed, as `capture.direction.Passage`; 0: not known.

        Raises:
            ValueError: the time is before 1970, or the interface was not added.
        """
        if time_ns < 0 or not 0 <= interface < self._interfaces:
            raise ValueError(f"no packet of interface {interface} at {time_ns} ns can be written")
        head = struct.pack("<IIIII", interface, time_ns >> 32, time_ns & 0xFFFFFFFF, len(frame), wire_length)
        flags = struct.pack("<HHI", EPB_FLAGS, 4, direction) if direction else b""
        self._block(ENHANCED_PACKET, head + frame, _options({OPTION_COMMENT: comment}, flags))

    def add_statistics(self, interface: int, time_ns: int, dropped: int) -> None:
        """Write how many packets are missing so far, of this section and interface, by the end of `time_ns`."""
        head = struct.pack("<III", interface, time_ns >> 32, time_ns & 0xFFFFFFFF)
        self._block(INTERFACE_STATISTICS, head, struct.pack("<HHQI", ISB_OSDROP, 8, dropped, 0))

    def _block(self, kind: int, body: bytes, options: bytes) -> None:
        padding = bytes(-len(body) % 4)
        size = 12 + len(body) + len(padding) + len(options)
        self._stream.write(struct.pack("<II", kind, size) + body + padding + options + struct.pack("<I", size))


def _options(texts: Mapping[int, Comments], more: bytes = b"") -> bytes:
    out = b""
    for code, several in texts.items():
        for text in (several,) if isinstance(several, str) else several or ():
            # A text too long for its option is cut between characters.
            value = text.encode("utf-8", "replace")[:_MAX_OPTION].decode("utf-8", "ignore").encode()
            out += struct.pack("<HH", code, len(value)) + value + bytes(-len(value) % 4)
    out += more
    return out + bytes(4) if out else b""


def write_pcapng(
    target: Target,
    table: PacketTable,
    rows: Iterable[int],
    *,
    comment: Comments = None,
    comments: Mapping[int, Comments] | None = None,
    secrets: bytes | None = None,
) -> int:
    """Write the original frames of some rows, in order of time, with what a node of ours did to them.

    Args:
        target: path, or a binary stream.
        table: where the rows are.
        rows: their numbers.
        comment: on the section; one or several.
        comments: on packets, by row; one or several each.
        secrets: key log for a decryption secrets block; the file is then readable by its owner only.

    Returns:
        How many frames were written.

    Raises:
        OSError: the file can't be written.
    """
    frames = frames_of(table, rows)
    said: Mapping[int, Comments] = comments or {}
    numbers: dict[tuple[int, int], int] = {}
    with opened(target, private=secrets is not None) as stream:
        writer = PcapngWriter(stream, comment)
        if secrets is not None:
            writer.add_secrets(secrets)
        for frame in frames:
            source = frame.file, frame.interface
            if source not in numbers:
                file = table.files[frame.file]
                interface = file.interfaces[frame.interface]
                name = interface.name or os.path.basename(file.path)
                description = file.path if interface.name else ""
                numbers[source] = writer.add_interface(
                    interface.linktype, name, description, interface.snaplen, interface.comment
                )
            comment_on = _and_touches(said.get(frame.row), touches_of(table, frame.row))
            writer.add_packet(
                numbers[source], frame.time_ns, frame.data, frame.wire_length, comment_on, frame.direction
            )
    return len(frames)


def _and_touches(comments: Comments, touches: Sequence[Touch]) -> Comments:
    if not touches:
        return comments
    before = (comments,) if isinstance(comments, str) else comments or ()
    return (*before, *map(comment_of, touches))
