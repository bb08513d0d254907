"""A listening socket on one interface, with the kernel running the compiled capture filter.

It is our ring of packet blocks where the kernel has one (`capture.ring_socket`), and scapy's own socket elsewhere: that
takes a system call and a Python object for each frame.

scapy is imported only when a live capture is opened: the import takes longer than reading a file of a million packets.
"""

from __future__ import annotations

import errno
import logging
import socket
import struct
import time
from typing import TYPE_CHECKING, Any, Final

from capture.bursts import Arrival, Burst
from capture.direction import BY_PACKET_TYPE
from capture.errors import BadFilterError, LiveError, NoSuchInterfaceError, NotPermittedError
from capture.frames import MAX_FRAME
from capture.packet_ring import HANDED_OVER
from capture.packet_socket import ALL, ARPHRD_LOOPBACK, LINKTYPES, check
from capture.privileged.command import filter_reason
from capture.ways_of_capture import Way

if TYPE_CHECKING:
    from capture.ring_socket import RingSocket

FRAMES_AT_ONCE: Final = 4096
"""Frames taken off scapy's socket before they are handed on."""
RECEIVE_BUFFER: Final = 16 << 20
"""Bytes of frames that the kernel may hold for us."""

_SO_RCVBUFFORCE: Final = 33
_SOL_PACKET: Final = 263
_PACKET_STATISTICS: Final = 6
_PACKET_IGNORE_OUTGOING: Final = 23
_NO_RING: Final = (errno.ENOPROTOOPT, errno.EINVAL, errno.ENOMEM, errno.ENODEV, errno.EOPNOTSUPP)
"""What a kernel says that has no such ring, or no memory for it."""


class LiveSocket:
    """Frames of one interface as they pass."""

    def __init__(self, interface: str, bpf: str = "", *, promiscuous: bool = False) -> None:
        """Open the socket.

        Args:
            interface: its name; ``any`` for all of them.
            bpf: capture filter in pcap-filter(7) syntax; empty for all frames.
            promiscuous: whether to take frames for other hosts too. It changes the interface for everybody while it
                lasts, and the kernel's log tells.

        Raises:
            NoSuchInterfaceError: there is none of that name.
            NotPermittedError: capturing takes CAP_NET_RAW.
            BadFilterError: the filter does not compile.
            LiveError: anything else that the system refuses.
        """
        if interface != ALL:
            try:
                socket.if_nametoindex(interface)
            except OSError:
                known = ", ".join((*(name for _, name in socket.if_nameindex()), ALL))
                raise NoSuchInterfaceError(interface, f"no such interface; there are {known}") from None
        self._interface = interface
        self._ring: RingSocket | None = None
        self._socket = self._open(bpf, promiscuous)
        self._inner: socket.socket = self._socket.ins
        self._dropped = 0
        if self._ring is not None:
            self.linktype: int = self._ring.linktype
            return
        hardware = self._inner.getsockname()[3]
        if hardware not in LINKTYPES:
            self._socket.close()
            raise LiveError(interface, f"frames of hardware type {hardware} can't be read")
        self.linktype = LINKTYPES[hardware]
        if hardware == ARPHRD_LOOPBACK:
            # Each packet passes a loopback twice, out and in again.
            self._inner.setsockopt(_SOL_PACKET, _PACKET_IGNORE_OUTGOING, 1)
        self._grow_buffer()
        self._inner.setblocking(False)
        self._read_drops()  # what overflowed the small first buffer came before we listened

    @property
    def way(self) -> str:
        """How frames come here, in a word or two."""
        return Way.SCAPY if self._ring is None else Way.RING

    def _open(self, bpf: str, promiscuous: bool) -> Any:
        logging.getLogger("scapy").setLevel(logging.CRITICAL)  # what it has to say would land on the screen
        from scapy.arch.linux import L2ListenSocket
        from scapy.error import Scapy_Exception

        from capture.ring_socket import RingSocket

        try:
            try:
                self._ring = RingSocket(self._interface, bpf or None, promiscuous)
            except PermissionError:
                raise
            except OSError as error:
                if error.errno not in _NO_RING:
                    raise
                if self._interface == ALL:
                    reason = "takes a ring of packet blocks, which this kernel has not; name each interface"
                    raise LiveError(ALL, reason) from None
                return L2ListenSocket(iface=self._interface, filter=bpf or None, promisc=promiscuous)
            return self._ring
        except LiveError:
            raise
        except PermissionError:
            raise NotPermittedError(
                self._interface,
                "you are not permitted to capture, which takes CAP_NET_RAW",
            ) from None
        except Scapy_Exception as error:
            reason = str(error)
            if "libpcap is not available" in reason:
                raise LiveError(self._interface, "capture filters need libpcap, which is not installed") from None
            raise BadFilterError(self._interface, f"bad capture filter {bpf!r}: {filter_reason(reason)}") from None
        except OSError as error:
            raise LiveError(self._interface, (error.strerror or str(error)).lower()) from error

    def _grow_buffer(self) -> None:
        try:
            self._inner.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, RECEIVE_BUFFER)
        except PermissionError:  # takes CAP_NET_ADMIN: what the system allows to all has to do
            self._inner.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)

    def fileno(self) -> int:
        """For select."""
        return self._inner.fileno()

    def take(self) -> Burst | None:
        """Frames that have come, with their times by the kernel; None if none waits.

        Times off scapy's socket are exact to a quarter of a microsecond.

        Raises:
            LiveError: the interface went away or down.
        """
        try:
            if self._ring is not None:
                bursts = list(self._ring.take())
                if not bursts:
                    check(self._inner)
                return Burst.joined(bursts) if bursts else None
            arrivals: list[Arrival] = []
            while len(arrivals) < FRAMES_AT_ONCE and (arrival := self._receive()) is not None:
                arrivals.append(arrival)
        except OSError as error:
            raise LiveError(self._interface, (error.strerror or str(error)).lower()) from error
        return Burst.of(arrivals) if arrivals else None

    def settle(self) -> None:
        """Wait until what has passed so far can be taken: the ring hands a block over a moment after it was begun."""
        if self._ring is not None:
            time.sleep(HANDED_OVER)

    def _receive(self) -> Arrival | None:
        try:
            # What scapy makes a frame of, with the address that it leaves out: that tells which way it passed.
            frame, address, time_s = self._socket._recv_raw(self._inner, MAX_FRAME)
        except BlockingIOError:
            return None
        if time_s is None:  # a kernel that sends none along
            time_s = time.time()
        direction = BY_PACKET_TYPE[address[2]] if address[2] < len(BY_PACKET_TYPE) else 0
        return Arrival(bytes(frame), round(time_s * 10**9), direction=direction)

    def count_dropped(self) -> int:
        """Frames so far that the kernel had no room for."""
        if self._ring is not None:
            return self._ring.ring.count_dropped()
        self._dropped += self._read_drops()
        return self._dropped

    def _read_drops(self) -> int:
        """Frames dropped since the last call: reading the kernel's count sets it back."""
        found = self._inner.getsockopt(_SOL_PACKET, _PACKET_STATISTICS, 8)
        return int(struct.unpack("II", found)[1])

    def close(self) -> None:
        """Close the socket, and leave promiscuous mode if it was asked for."""
        self._socket.close()
