"""Linux's ring of packet blocks (TPACKET_V3): frames that the kernel writes into memory which we read.

The ring is a run of blocks of `BLOCK_BYTES`. The kernel fills one with whole frames, as many as fit or come within
`RETIRE_MS`, and hands it over by a status word; we copy it out in one piece and hand it back. So a frame costs no
system call, and no Python object.

Block (all integers in the machine's byte order): version u32, offset of private data u32, status u32, frames u32,
offset of the first frame u32, bytes used u32, sequence u64, times of the first and last frame (seconds u32, nanoseconds
u32 each). Frame header, 48 bytes: offset of the next u32 (0: none), seconds u32, nanoseconds u32, captured length u32,
length on the wire u32, status u32, offset of the link header u16, of the network header u16, and what we do not use;
then the ``sockaddr_ll``: family u16, protocol u16 (big-endian), interface i32, hardware type u16, packet type u8
(4: outgoing), length of the address u8, address 8 bytes.

Source: Linux, include/uapi/linux/if_packet.h, Documentation/networking/packet_mmap.rst.
"""

from __future__ import annotations

import ctypes
import mmap
import os
import socket
import struct
from collections.abc import Iterator
from typing import Final

import numpy as np

from capture.bursts import Burst
from capture.cooked import HEADER_BYTES, cooked
from capture.links import direction_by_type

BLOCK_BYTES: Final = 1 << 20
BLOCKS: Final = 64
"""64 MiB: more than half a second of 500 thousand frames of 200 bytes a second."""
RETIRE_MS: Final = 4
"""How often the kernel looks at a block that is not full; the second time it is handed over."""
HANDED_OVER: Final = 3 * RETIRE_MS / 1e3
"""Seconds after which whatever has passed by now can be taken."""

_SO_TIMESTAMPNS: Final = 35
_SOL_PACKET: Final = 263
_PACKET_RX_RING: Final = 5
_PACKET_STATISTICS: Final = 6
_PACKET_VERSION: Final = 10
_PACKET_RESERVE: Final = 12
_PACKET_IGNORE_OUTGOING: Final = 23
_TPACKET_V3: Final = 2
_STATUS_USER: Final = 1
_ETH_P_ALL: Final = 3
_HEADS: Final = np.dtype(
    [
        ("next", "=u4"),
        ("seconds", "=u4"),
        ("nanoseconds", "=u4"),
        ("captured", "=u4"),
        ("wire", "=u4"),
        ("status", "=u4"),
        ("mac", "=u2"),
        ("net", "=u2"),
        ("unused", "V20"),
        ("family", "=u2"),
        ("protocol", ">u2"),
        ("interface", "=i4"),
        ("hardware", "=u2"),
        ("kind", "u1"),
        ("address_length", "u1"),
        ("address", "V8"),
    ]
)
_STATUS_AT: Final = 8
_BLOCK = struct.Struct("=IIII")
"""Status, frames, offset of the first, bytes used; from `_STATUS_AT` on."""
_NEXT = struct.Struct("=I")


class PacketRing:
    """A packet socket with such a ring. It takes nothing before `bind`, so that a filter can be set first."""

    def __init__(self, *, of_all: bool = False, blocks: int = BLOCKS) -> None:
        """Make the socket and its ring.

        Args:
            of_all: whether it is for all interfaces at once: frames then have the headers of `capture.cooked`.
            blocks: how many.

        Raises:
            PermissionError: capturing takes CAP_NET_RAW.
            OSError: the kernel has no such ring, or no memory for it.
        """
        self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM if of_all else socket.SOCK_RAW, 0)
        self._of_all = of_all
        self._loopback = 0
        try:
            # Frames are then stamped once, where the kernel receives or sends them, not where each socket gets them.
            self.socket.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
            self.socket.setsockopt(_SOL_PACKET, _PACKET_VERSION, _TPACKET_V3)
            if of_all:
                self.socket.setsockopt(_SOL_PACKET, _PACKET_RESERVE, HEADER_BYTES)
            # One frame size for all has no meaning in this version, but has to be plausible.
            frame_bytes = 1 << 11
            ring = (BLOCK_BYTES, blocks, frame_bytes, BLOCK_BYTES // frame_bytes * blocks, RETIRE_MS, 0, 0)
            self.socket.setsockopt(_SOL_PACKET, _PACKET_RX_RING, struct.pack("=7I", *ring))
            self._memory = mmap.mmap(self.socket.fileno(), BLOCK_BYTES * blocks)
        except OSError:
            self.socket.close()
            raise
        self._blocks = blocks
        self._next = 0
        self._dropped = 0

    def bind_all(self, loopback: int) -> None:
        """Begin to take the packets of all interfaces, but what the loopback (its index) sends.

        Raises:
            OSError: the kernel does not want to.
        """
        self._loopback = loopback
        # The socket module can't say "no interface in particular": it looks every name up.
        address = struct.pack("=HHi12x", socket.AF_PACKET, socket.htons(_ETH_P_ALL), 0)
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.bind(self.socket.fileno(), address, len(address)):
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number))

    def bind(self, interface: str, *, ignore_outgoing: bool = False) -> int:
        """Begin to take the frames of an interface; gives its ARPHRD hardware type.

        Args:
            interface: its name.
            ignore_outgoing: leave out what this host sends, as on a loopback, where everything comes in again.

        Raises:
            OSError: it is not there, or is down.
        """
        if ignore_outgoing:
            self.socket.setsockopt(_SOL_PACKET, _PACKET_IGNORE_OUTGOING, 1)
        self.socket.bind((interface, _ETH_P_ALL))
        hardware: int = self.socket.getsockname()[3]
        return hardware

    def fileno(self) -> int:
        """For select: readable when a block is ready."""
        return self.socket.fileno()

    def take(self, most: int = BLOCKS) -> Iterator[Burst]:
        """The blocks that are ready, the oldest first; each is the kernel's again when the next is asked for.

        Args:
            most: blocks to take at most, so that others get their turn.
        """
        for _ in range(min(most, self._blocks)):
            start = self._next * BLOCK_BYTES
            # The kernel writes the status word last. Python reads it in one access; what it reads afterwards can't be
            # older on processors that keep loads in order, and copying the block takes far longer than a reordering.
            status, frames, first, used = _BLOCK.unpack_from(self._memory, start + _STATUS_AT)
            if not status & _STATUS_USER:
                return
            content = self._memory[start : start + used]
            _NEXT.pack_into(self._memory, start + _STATUS_AT, 0)
            self._next = (self._next + 1) % self._blocks
            if frames:
                yield self._read(content, frames, first)

    def count_dropped(self) -> int:
        """Frames so far that the kernel had no room for. Reading its count sets it back."""
        found = self.socket.getsockopt(_SOL_PACKET, _PACKET_STATISTICS, 12)
        self._dropped += int(struct.unpack("=III", found)[1])
        return self._dropped

    def close(self) -> None:
        """Give the memory back."""
        self._memory.close()
        self.socket.close()

    def _read(self, content: bytes, frames: int, first: int) -> Burst:
        """The frames of a block; the kernel's word is taken for where they are, as for everything it does."""
        starts = np.empty(frames, np.int64)
        at, unpack = first, _NEXT.unpack_from
        for index in range(frames):
            starts[index] = at
            at += unpack(content, at)[0]
        heads = np.ndarray((len(content) - _HEADS.itemsize + 1,), np.dtype(f"V{_HEADS.itemsize}"), content, 0, (1,))
        head = heads[starts].view(_HEADS)
        time_ns = head["seconds"].astype(np.int64) * 10**9 + head["nanoseconds"]
        if self._of_all:
            return cooked(content, starts + head["net"], head, time_ns, self._loopback)
        length, wire_length = head["captured"].astype(np.uint32), head["wire"].astype(np.uint32)
        direction = direction_by_type(head["kind"])
        return Burst(content, starts + head["mac"], length, wire_length, time_ns, direction=direction)
