"""The packet ring as a socket of scapy's: what `peephole watch` captures with where the kernel has such a ring.

For scapy's own users too: ``sniff(opened_socket=RingSocket("eth0", "udp"))`` loses nothing at rates at which its other
sockets lose most packets; dissecting them in Python still takes its time.
"""

from __future__ import annotations

import select
from collections import deque
from collections.abc import Iterator
from socket import SOL_SOCKET
from typing import Any, Final, NoReturn

from scapy.arch.common import compile_filter, free_filter
from scapy.arch.linux import SO_ATTACH_FILTER, L2ListenSocket, attach_filter, set_promisc, sock_fprog
from scapy.config import conf
from scapy.data import MTU
from scapy.error import Scapy_Exception
from scapy.supersocket import SuperSocket

from capture.bursts import Burst
from capture.links import SLL2
from capture.packet_ring import PacketRing
from capture.packet_socket import ALL, listen

_DLT_RAW: Final = 12


class RingSocket(L2ListenSocket):
    """Frames of one interface out of a TPACKET_V3 ring (`capture.packet_ring`)."""

    desc = "read frames of an interface out of a ring of packet blocks (TPACKET_V3)"

    def __init__(self, iface: str, filter: str | None = None, promisc: bool = False) -> None:
        """Open it.

        Args:
            iface: name of the interface; ``any`` for all of them, as "Linux cooked v2".
            filter: capture filter in pcap-filter(7) syntax, compiled by libpcap and run by the kernel.
            promisc: whether to take frames for other hosts too.

        Raises:
            PermissionError: capturing takes CAP_NET_RAW.
            OSError: the kernel has no such ring, or no memory for it, or the interface is gone.
            LiveError: frames of this kind of interface can't be read.
            Scapy_Exception: the filter does not compile, or libpcap is missing.
        """
        self.closed = True  # until there is something to close
        self.iface = iface
        self.promisc = promisc
        self.ring = PacketRing(of_all=iface == ALL)
        self.closed = False
        self.ins = self.ring.socket
        self.outs = None
        self._waiting: deque[tuple[bytes, float]] = deque()
        try:
            if filter:
                try:
                    self._attach(filter)
                except ImportError as error:
                    raise Scapy_Exception(f"Cannot set filter: {error}") from error
            self.linktype = listen(self.ring, iface)
            if promisc and iface != ALL:
                set_promisc(self.ins, iface)
        except BaseException:
            self.close()
            raise
        layers = conf.l2types.num2layer
        self.LL = layers.get(SLL2) if iface == ALL else layers.get(self.ins.getsockname()[3], conf.default_l2)

    def _attach(self, filter: str) -> None:
        """Have the kernel run a filter. On all interfaces it sees packets from their IP header on."""
        if self.iface != ALL:
            attach_filter(self.ins, filter, self.iface)
            return
        program = compile_filter(filter, linktype=_DLT_RAW)
        self.ins.setsockopt(SOL_SOCKET, SO_ATTACH_FILTER, sock_fprog(program.bf_len, program.bf_insns))
        free_filter(program)

    def fileno(self) -> int:
        """For select: readable when a block is ready."""
        return self.ring.fileno()

    def take(self, most: int = 16) -> Iterator[Burst]:
        """Blocks that are ready, see `PacketRing.take`."""
        return self.ring.take(most)

    def recv_raw(self, x: int = MTU) -> tuple[Any, bytes | None, float | None]:
        """The next frame as scapy takes it: layer, bytes, time; three times None if none is ready."""
        if not self._waiting:
            for burst in self.ring.take(1):
                ends = zip(burst.at.tolist(), burst.length.tolist(), burst.time_ns.tolist(), strict=True)
                self._waiting += [(burst.content[at : at + length][:x], ns / 1e9) for at, length, ns in ends]
        if not self._waiting:
            return None, None, None
        frame, time = self._waiting.popleft()
        return self.LL, frame, time

    @staticmethod
    def select(sockets: list[SuperSocket], remain: float | None = None) -> list[SuperSocket]:
        """Those that have a frame; a block that was begun counts too."""
        begun = [one for one in sockets if isinstance(one, RingSocket) and one._waiting]
        ready, _, _ = select.select(sockets, [], [], 0 if begun else remain)
        return list(dict.fromkeys((*begun, *ready)))

    def send(self, x: object) -> NoReturn:
        """Refuse `x`: it only reads.

        Raises:
            Scapy_Exception: always.
        """
        raise Scapy_Exception(f"Can't send {x!r} with a RingSocket")

    def close(self) -> None:
        """Give the memory back; the kernel leaves promiscuous mode with the socket."""
        if not self.closed:
            self.closed = True
            self.ring.close()
