"""What is known of an interface before and after a packet socket listens on it.

Source: Linux, include/uapi/linux/if_arp.h, netdevice(7).
"""

from __future__ import annotations

import os
import socket
import struct
import sys
from typing import TYPE_CHECKING, Final

from capture.errors import LiveError
from capture.links import ETHERNET, RAW_IP, SLL2

if sys.platform != "win32":
    import fcntl

if TYPE_CHECKING:
    from capture.packet_ring import PacketRing

ALL: Final = "any"
"""All interfaces at once."""
ARPHRD_LOOPBACK: Final = 772
LINKTYPES: Final = {
    1: ETHERNET,
    ARPHRD_LOOPBACK: ETHERNET,
    519: RAW_IP[-1],
    768: RAW_IP[-1],
    776: RAW_IP[-1],
    65534: RAW_IP[-1],
}
"""Link type of an interface by its ARPHRD number: Ethernet, loopback, raw IP, tunnels, and TUN devices."""
_SIOCGIFHWADDR: Final = 0x8927


def hardware_of(interface: str) -> int:
    """ARPHRD number of an interface.

    Raises:
        OSError: it is not there.
    """
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        answer: bytes = fcntl.ioctl(any_socket.fileno(), _SIOCGIFHWADDR, struct.pack("256s", interface.encode()[:15]))
    return int(struct.unpack_from("=H", answer, 16)[0])


def listen(ring: PacketRing, interface: str) -> int:
    """Have a ring take the frames of an interface; gives their link type.

    Raises:
        OSError: it is not there, or is down.
        LiveError: its frames can't be read.
    """
    if interface == ALL:
        loopbacks = (index for index, name in socket.if_nameindex() if hardware_of(name) == ARPHRD_LOOPBACK)
        ring.bind_all(next(loopbacks, 0))
        return SLL2
    # Each packet passes a loopback twice, out and in again.
    hardware = ring.bind(interface, ignore_outgoing=hardware_of(interface) == ARPHRD_LOOPBACK)
    if hardware not in LINKTYPES:
        raise LiveError(interface, f"frames of hardware type {hardware} can't be read")
    return LINKTYPES[hardware]


def check(listening: socket.socket) -> None:
    """See whether the interface is still there and up.

    Raises:
        OSError: it is not.
    """
    number = listening.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
    if number:
        raise OSError(number, os.strerror(number))
