"""The program that opens a packet socket as root, gives up every privilege, and streams pcapng.

    python -I opener.py INTERFACE LINKTYPE UID GID PROMISCUOUS FILTER

LINKTYPE is that of the pcapng, UID and GID are whom to become, PROMISCUOUS is 0 or 1, FILTER the compiled capture
filter in hex, `-` for none. It writes to standard output until that, or standard input, is closed. Exit status 0; 1
with a sentence on standard error.

It is one file and loads nothing but the standard library, so that all that ever runs as root can be read in one go: no
key, no packet and no file of the user's is looked at before the privileges are gone. The ring of packet blocks that it
reads is explained in `capture.packet_ring`.

Source: Linux, include/uapi/linux/{if_packet,filter,prctl,capability}.h; draft-ietf-opsawg-pcapng.
"""

from __future__ import annotations

import ctypes
import fcntl
import mmap
import os
import select
import socket
import struct
import sys
import time
from typing import BinaryIO

SOL_PACKET = 263
PACKET_ADD_MEMBERSHIP = 1
PACKET_RX_RING = 5
PACKET_STATISTICS = 6
PACKET_VERSION = 10
PACKET_IGNORE_OUTGOING = 23
PACKET_MR_PROMISC = 1
TPACKET_V3 = 2
PACKET_OUTGOING = 4
ETH_P_ALL = 3
ALL = "any"
"""All interfaces at once, as "Linux cooked v2" (`capture.cooked`)."""
ARPHRD_LOOPBACK = 772
SIOCGIFHWADDR = 0x8927
SO_ATTACH_FILTER = 26
SO_TIMESTAMPNS = 35
SO_LOCK_FILTER = 44
PR_SET_DUMPABLE = 4
PR_CAPBSET_DROP = 24
PR_SET_NO_NEW_PRIVS = 38
LAST_CAPABILITY = 63
CAPABILITY_VERSION = 0x20080522
INSTRUCTION_BYTES = 8
MOST_INSTRUCTIONS = 4096

BLOCK_BYTES = 1 << 20
BLOCKS = 64
RETIRE_MS = 4
HANDED_OVER = 3 * RETIRE_MS / 1e3
"""Seconds after which whatever has passed by now can be read: the kernel looks at a block twice before it closes it."""
STATISTICS_EVERY = 1.0
"""Seconds between two words on what the kernel had no room for."""

BLOCK = struct.Struct("=III")
FRAME = struct.Struct("=IIIIIIH")
ADDRESS_AT = 48
ADDRESS = struct.Struct("=2x2siHBB8s")
"""The address behind a frame's header: protocol as on the wire, interface, hardware, packet type, length, address."""
COOKED = struct.Struct(">2s2xIHBB8s")
PACKET_BLOCK = struct.Struct("=IIIIIII")
SIZE = struct.Struct("=I")
PACKET_TYPE_AT = 58
"""Of a frame's header in the ring: Linux's packet type in the address behind it, u8."""
FLAGS = tuple(struct.pack("=HHII", 2, 4, bits, 0) for bits in (5, 13, 9, 17, 2))
"""By packet type the option that says which way the packet passed, and the end of the options; `capture.direction`."""
PADDING = (b"", bytes(3), bytes(2), bytes(1))


class RefusedError(Exception):
    """Something can't be done, in words for the user."""


def open_socket(interface: str, promiscuous: bool, instructions: bytes) -> socket.socket:
    """A packet socket with its filter; it takes nothing until it is bound. All that takes a privilege is done here.

    Args:
        interface: its name, or `ALL`: packets then begin with their IP header.
        promiscuous: whether the interface is to take frames for other hosts.
        instructions: of the compiled filter, 8 bytes each; none: no filter.
    """
    opened = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM if interface == ALL else socket.SOCK_RAW, 0)
    if instructions:
        memory = ctypes.create_string_buffer(instructions, len(instructions))
        program = struct.pack("HL", len(instructions) // INSTRUCTION_BYTES, ctypes.addressof(memory))
        opened.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, program)
        opened.setsockopt(socket.SOL_SOCKET, SO_LOCK_FILTER, 1)  # nobody takes it off again
    if promiscuous:
        request = struct.pack("iHH8s", socket.if_nametoindex(interface), PACKET_MR_PROMISC, 0, b"")
        opened.setsockopt(SOL_PACKET, PACKET_ADD_MEMBERSHIP, request)
    return opened


def give_up_privileges(uid: int, gid: int) -> None:
    """Become this user, without a capability and without a way back.

    Raises:
        RefusedError: it did not work; nothing may go on then.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    for number in range(LAST_CAPABILITY + 1):
        # Refused for numbers beyond the kernel's, and to who has some capabilities without this one: what forbids
        # to gain any does for them.
        libc.prctl(PR_CAPBSET_DROP, number, 0, 0, 0)
    if os.geteuid() == 0:
        os.setgroups([])
        os.setresgid(gid, gid, gid)
        os.setresuid(uid, uid, uid)
    # For a program that has capabilities without being root, as `setcap` gives them.
    nothing = struct.pack("6I", *(0,) * 6)
    if libc.capset(struct.pack("Ii", CAPABILITY_VERSION, 0), nothing) or libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0):
        raise RefusedError(f"privileges can't be given up: {os.strerror(ctypes.get_errno())}")
    # The same user's other programs may not look into this one, nor take its socket, which they might bind elsewhere.
    libc.prctl(PR_SET_DUMPABLE, 0, 0, 0, 0)
    if 0 in (*os.getresuid(), *os.getresgid()) or may_open_another():
        raise RefusedError("privileges were not given up")


def may_open_another() -> bool:
    """Whether this process could still do what it was started for."""
    try:
        socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0).close()
    except PermissionError:
        return False
    return True


def make_ring(opened: socket.socket, interface: str) -> mmap.mmap:
    """Have the kernel write the frames of an interface into memory."""
    # Frames are then stamped once, where the kernel receives or sends them, not where each socket gets them.
    opened.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
    opened.setsockopt(SOL_PACKET, PACKET_VERSION, TPACKET_V3)
    ring = (BLOCK_BYTES, BLOCKS, 1 << 11, (BLOCK_BYTES >> 11) * BLOCKS, RETIRE_MS, 0, 0)
    opened.setsockopt(SOL_PACKET, PACKET_RX_RING, struct.pack("=7I", *ring))
    memory = mmap.mmap(opened.fileno(), BLOCK_BYTES * BLOCKS)
    if interface == ALL:
        bind_to_all(opened)
        return memory
    if is_loopback(opened, interface):
        opened.setsockopt(SOL_PACKET, PACKET_IGNORE_OUTGOING, 1)  # each packet passes a loopback twice
    opened.bind((interface, ETH_P_ALL))
    return memory


def bind_to_all(opened: socket.socket) -> None:
    """Begin to take packets of all interfaces. The socket module can't say that: it looks every name up."""
    address = struct.pack("=HHi12x", socket.AF_PACKET, socket.htons(ETH_P_ALL), 0)
    if ctypes.CDLL(None, use_errno=True).bind(opened.fileno(), address, len(address)):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def is_loopback(opened: socket.socket, interface: str) -> bool:
    """Whether an interface is one, where each packet passes twice."""
    told = fcntl.ioctl(opened.fileno(), SIOCGIFHWADDR, struct.pack("256s", interface.encode()[:15]))
    return bool(struct.unpack_from("=H", told, 16)[0] == ARPHRD_LOOPBACK)


def stream(opened: socket.socket, memory: mmap.mmap, interface: str, linktype: int, out: BinaryIO) -> None:
    """Write what passes until standard output or standard input is closed.

    Raises:
        BrokenPipeError: standard output is.
        OSError: the interface went down, or is gone.
    """
    out.write(head_of(interface, linktype))
    out.flush()
    loopbacks = (
        {index for index, name in socket.if_nameindex() if is_loopback(opened, name)} if interface == ALL else None
    )
    place, said, dropped, total = 0, time.monotonic(), 0, 0
    over = False
    while True:
        ready, _, _ = select.select([opened] if over else [opened, sys.stdin], [], [], STATISTICS_EVERY)
        if sys.stdin in ready:
            over = True
            time.sleep(HANDED_OVER)
        for _ in range(BLOCKS):
            start = place * BLOCK_BYTES
            status, frames, first = BLOCK.unpack_from(memory, start + 8)
            if not status & 1:
                break
            out.write(b"".join(blocks_of(memory, start + first, frames, loopbacks)))
            SIZE.pack_into(memory, start + 8, 0)
            place = (place + 1) % BLOCKS
        now = time.monotonic()
        if over or now - said >= STATISTICS_EVERY:
            said = now
            dropped += int(struct.unpack("=III", opened.getsockopt(SOL_PACKET, PACKET_STATISTICS, 12))[1])
            if over or dropped > total:
                total = dropped
                out.write(statistics_of(dropped))
        out.flush()
        if over:
            return
        number = opened.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if number:
            raise OSError(number, os.strerror(number))


def head_of(interface: str, linktype: int) -> bytes:
    """Section header, and description of the one interface, whose times are nanoseconds."""
    section = struct.pack("=IIIHHqI", 0x0A0D0D0A, 28, 0x1A2B3C4D, 1, 0, -1, 28)
    name = interface.encode()
    options = struct.pack("=HH", 2, len(name)) + name + PADDING[len(name) & 3] + struct.pack("=HHB3xI", 9, 1, 9, 0)
    size = 20 + len(options)
    return section + struct.pack("=IIHHI", 1, size, linktype, 0, 0) + options + SIZE.pack(size)


def blocks_of(memory: mmap.mmap, at: int, frames: int, loopbacks: set[int] | None = None) -> list[bytes]:
    """Enhanced packet blocks of the frames that begin at `at`.

    Args:
        memory: the ring.
        at: offset of the first.
        frames: how many.
        loopbacks: of all interfaces at once those whose outgoing packets are left out, as they come in again.
    """
    made: list[bytes] = []
    unpack, pack, end, padding = FRAME.unpack_from, PACKET_BLOCK.pack, SIZE.pack, PADDING
    head = b""
    for _ in range(frames):
        following, seconds, nanoseconds, length, wire, _, mac = unpack(memory, at)
        time_ns = seconds * 1_000_000_000 + nanoseconds
        kind = memory[at + PACKET_TYPE_AT]
        if loopbacks is not None:
            protocol, index, *rest = ADDRESS.unpack_from(memory, at + ADDRESS_AT)
            if kind == PACKET_OUTGOING and index in loopbacks:
                at += following
                continue
            head = COOKED.pack(protocol, index, *rest)
        flags = FLAGS[kind] if kind < len(FLAGS) else b""
        whole = length + len(head)
        size = 32 + (whole + 3 & ~3) + len(flags)
        made += (
            pack(6, size, 0, time_ns >> 32, time_ns & 0xFFFFFFFF, whole, wire + len(head)),
            head,
            memory[at + mac : at + mac + length],
            padding[whole & 3],
            flags,
            end(size),
        )
        at += following
    return made


def statistics_of(dropped: int) -> bytes:
    """An interface statistics block: how many frames the kernel had no room for, from the start."""
    now = time.time_ns()
    options = struct.pack("=HHQI", 5, 8, dropped, 0)
    size = 24 + len(options)
    return struct.pack("=IIIII", 5, size, 0, now >> 32, now & 0xFFFFFFFF) + options + SIZE.pack(size)


def main(arguments: list[str]) -> int:
    """Do all of it; the exit status."""
    interface, linktype, uid, gid, promiscuous, filter_hex = arguments
    try:
        instructions = b"" if filter_hex == "-" else bytes.fromhex(filter_hex)
        if len(instructions) % INSTRUCTION_BYTES or len(instructions) > MOST_INSTRUCTIONS * INSTRUCTION_BYTES:
            raise RefusedError("the capture filter is no program")
        if int(uid) == 0 or int(gid) == 0:
            raise RefusedError("there is no user to become")
        opened = open_socket(interface, promiscuous == "1", instructions)
        give_up_privileges(int(uid), int(gid))
        stream(opened, make_ring(opened, interface), interface, int(linktype), sys.stdout.buffer)
    except BrokenPipeError:
        return 0  # nobody listens any more
    except (OSError, ValueError, RefusedError) as error:
        words = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        sys.stderr.write(f"{words.lower()}\n")
        return 1
    return 0


if __name__ == "__main__":
    status = main(sys.argv[1:])
    sys.stderr.flush()
    os._exit(status)  # without writing once more to where nobody listens
