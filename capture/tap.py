"""Datagrams of a program's own sockets as rows of a packet table, like those of a capture.

Sockets give payloads without headers, so the headers are made up: raw IPv4 frames with UDP, correct lengths and
checksums, the addresses and the TTL that the socket knew. So all that works on captures works on them: messages with
their bytes, flows, filters, and files that other programs read.

| IPv4 field | value |
|---|---|
| identification | counts the datagrams of an interface from 1, so that equal ones are never taken for copies |
| flags | don't fragment; datagrams of any size are one frame |
| TTL | as sent, or what was left of it on arrival; 0, which no datagram has on its way, where the system did not tell |
| source, destination | local and remote address; a local address that is not bound to one host is the one routed from |
"""

from __future__ import annotations

import socket
import struct
from collections.abc import Callable
from functools import lru_cache
from typing import Final

from capture.arrivals import MAX_WAITING_BYTES, Arrivals
from capture.bursts import Arrival
from capture.capture_file import CaptureFile
from capture.direction import Passage
from capture.errors import LiveError
from capture.frames import Interface
from capture.links import RAW_IP
from capture.table import PacketTable
from capture.ways_of_capture import Way
from protocol.messages import Address

UNKNOWN_TTL: Final = 0
MAX_PAYLOAD: Final = 65507
"""Bytes of the largest UDP payload that IPv4 carries."""
COMMENT: Final = (
    "Datagrams of a node's own sockets: payloads, ports, times and TTLs (0: not known) are real, "
    "the rest of the IP and UDP headers is made up."
)
FORMAT: Final = "node"

_HEADERS: Final = struct.Struct(">BBHHHBBH4s4sHHHH")
_IPV4: Final = 0x45
_DONT_FRAGMENT: Final = 0x4000
_UDP: Final = 17
_ANY: Final = "0.0.0.0"
_DISCARD_PORT: Final = 9


Seen = tuple[int, bool, Address, Address, int | None, bytes, int]
"""What a shell tells its tap of a datagram: epoch nanoseconds, whether it was sent (or received), the socket's own
IPv4 address, that of the other end, TTL (None where the system did not tell), UDP payload, and the number
of the socket.
"""


class Tap:
    """A live source that is fed by a shell. Feeding and collecting may run in different threads.

    Args:
        name: of the source and of its first interface.
        table: where rows go; a new one by default.
        room: bytes of frames that may wait for `collect`; what comes beyond is lost and counted.
    """

    error: LiveError | None = None
    """Never: sockets of our own do not go away."""
    way: str = Way.OWN
    promiscuous: bool | None = False

    def __init__(self, name: str = "node", table: PacketTable | None = None, *, room: int = MAX_WAITING_BYTES) -> None:
        self.table = PacketTable() if table is None else table
        self.file = CaptureFile(name, FORMAT, [_described(name)])
        self._arrivals = Arrivals(self.file, self.table, room)
        self._unframed = 0
        self._taken = 0
        self.take = self._taker(0)
        """Takes a datagram of the first interface."""

    def add_interface(self, name: str) -> Callable[[Seen], int | None]:
        """Add one more host, with an interface of its own; gives what takes its datagrams."""
        self.file.interfaces.append(_described(name))
        return self._taker(len(self.file.interfaces) - 1)

    def add_secrets(self, lines: str) -> None:
        """Take in lines of a key log; they open what is in the table, and are in no file unless asked for."""
        self.file.secrets.append(lines.encode("ascii"))

    def move(self, table: PacketTable) -> None:
        """Go on in another table, which has some of the rows."""
        self.table = table
        self._arrivals.move(table)

    def wait(self, timeout: float) -> bool:
        """Wait until datagrams have come that were not collected, at most `timeout` seconds; whether there are some."""
        return self._arrivals.wait(timeout)

    def collect(self) -> range:
        """Move the datagrams that came into the table; the numbers of the new rows."""
        rows = self._arrivals.collect()
        self.file.dropped = self._arrivals.overflowed + self._unframed
        return rows

    def stop(self) -> None:
        """Collect what is left."""
        self.collect()

    def _taker(self, interface: int) -> Callable[[Seen], int | None]:
        number = 0

        def take(seen: Seen) -> int | None:
            """The number of its frame in the source; None if there was no room, or it can't be framed."""
            nonlocal number
            number += 1
            try:
                way = Passage.OUTBOUND if seen[1] else Passage.INBOUND
                arrival = Arrival(_frame(seen, number & 0xFFFF), seen[0], interface, way)
            except (OSError, ValueError, struct.error):  # an address that is no IPv4 address, too long a payload
                self._unframed += 1
                return None
            if not self._arrivals.put((arrival,)):
                return None
            self._taken += 1
            return self._taken

        return take


def ipv4_frame(source: Address, destination: Address, ttl: int, number: int, payload: bytes) -> bytes:
    """A raw IPv4 frame with one UDP datagram.

    Args:
        source: where it is from.
        destination: where it goes.
        ttl: 0 to 255.
        number: the IPv4 identification, 0 to 65535.
        payload: at most `MAX_PAYLOAD` bytes.

    Raises:
        ValueError: the payload is too long for one datagram.
        OSError: a host is no dotted IPv4 address.
        struct.error: a number does not fit its field.
    """
    if len(payload) > MAX_PAYLOAD:
        raise ValueError(f"{len(payload)} bytes do not fit a UDP datagram")
    ends = socket.inet_aton(source.host), socket.inet_aton(destination.host)
    size = 8 + len(payload)
    ports = source.port, destination.port
    pseudo = struct.pack(">4s4sBBHHHHH", *ends, 0, _UDP, size, *ports, size, 0)
    # A sum of zero is sent as its other form: 0 means that there is no checksum.
    udp_sum = _checksum(pseudo + payload) or 0xFFFF
    before = _IPV4, 0, 20 + size, number, _DONT_FRAGMENT, ttl, _UDP
    ip_sum = _checksum(struct.pack(">BBHHHBBH4s4s", *before, 0, *ends))
    return _HEADERS.pack(*before, ip_sum, *ends, *ports, size, udp_sum) + payload


def _described(name: str) -> Interface:
    return Interface(RAW_IP[-1], name, resolution=9, comment=COMMENT)


def _frame(seen: Seen, number: int) -> bytes:
    _, outgoing, local, remote, ttl, payload, _ = seen
    if local.host == _ANY:
        socket.inet_aton(remote.host)  # no name is ever looked up for this
        local = Address(_routed_from(remote.host), local.port)
    ends = (local, remote) if outgoing else (remote, local)
    return ipv4_frame(*ends, UNKNOWN_TTL if ttl is None else ttl, number, payload)


@lru_cache(maxsize=4096)
def _routed_from(host: str) -> str:
    """The address that this machine has towards a host; nothing is sent to find out."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        try:
            sock.connect((host, _DISCARD_PORT))
        except OSError:  # no route: the datagram did not leave either
            return _ANY
        found: str = sock.getsockname()[0]
        return found


def _checksum(data: bytes) -> int:
    """The internet checksum of RFC 1071, with a zero byte after an odd number of bytes."""
    if len(data) % 2:
        data += b"\0"
    # Big-endian words of 16 bits in ones' complement: 2^16 is 1 modulo 65535, so the sum is the remainder.
    total = int.from_bytes(data, "big")
    rest = total % 0xFFFF
    return 0xFFFF - rest if rest or not total else 0
