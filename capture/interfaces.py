"""The interfaces of this machine: what each is, its state, addresses and link type, and how many packets it has passed.

None of it takes a permission. Linux tells it by netlink: a header of 16 bytes (length u32, type u16, flags u16,
sequence u32, port u32), for RTM_NEWLINK then family u8, padding u8, ARPHRD type u16, index i32, flags u32, change u32,
for RTM_NEWADDR family u8, prefix length u8, flags u8, scope u8, index u32; attributes follow, each length u16, type u16
and value, padded to 4 bytes. Integers are in the machine's byte order. Other systems tell names alone.

Source: Linux, include/uapi/linux/{netlink,rtnetlink,if_link,if_addr,if}.h.
"""

from __future__ import annotations

import os
import socket
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from capture.links import SLL2, linktype_name
from capture.packet_socket import ALL, ARPHRD_LOOPBACK, LINKTYPES

_NETLINK_ROUTE: Final = 0
_RTM_NEWLINK, _RTM_GETLINK, _RTM_NEWADDR, _RTM_GETADDR = 16, 18, 20, 22
_NLMSG_ERROR, _NLMSG_DONE = 2, 3
_REQUEST_DUMP: Final = 0x301
_IFLA_IFNAME, _IFLA_LINKINFO, _IFLA_STATS64, _IFLA_INFO_KIND = 3, 18, 23, 1
_IFA_ADDRESS, _IFA_LOCAL = 1, 2
_IFF_UP, _IFF_RUNNING = 0x1, 0x40
_NESTED: Final = 0x3FFF
"""The bits of an attribute's type that are its type."""
_HEADER: Final = struct.Struct("=IHHII")
_LINK: Final = struct.Struct("=BxHiII")
_ADDRESS: Final = struct.Struct("=BBBBI")
_ATTRIBUTE: Final = struct.Struct("=HH")
_TUNNELS: Final = (768, 769, 776, 778, 823, 65534)
"""ARPHRD types of tunnels: over IPv4, IPv6, in either, GRE in both, and those with no header at all."""


@dataclass(frozen=True, slots=True)
class NetworkInterface:
    """One interface, or all of them (`ALL`)."""

    number: int
    """From 1: what ``-i`` takes instead of the name."""
    name: str
    kind: str
    """``loopback``, ``ethernet``, ``wireless``, ``bridge``, ``veth``, ``tun``, ``wireguard`` and so on."""
    up: bool
    """Whether it is switched on and has a carrier."""
    addresses: tuple[str, ...] = ()
    """With prefix lengths, IPv4 first."""
    linktype: int | None = None
    """Link type of its frames; None if they can't be read."""
    packets: int | None = None
    """How many it has passed so far; None if that is not known."""

    @property
    def linktype_name(self) -> str:
        """Its link type in words."""
        return "can't be read" if self.linktype is None else linktype_name(self.linktype)


def interfaces() -> list[NetworkInterface]:
    """Those of this machine, in the order of their numbers: those that are up and have an address first."""
    found = _by_netlink() if hasattr(socket, "AF_NETLINK") else _by_name()
    found.sort(key=lambda one: (not one.up, one.kind == "loopback", not one.addresses))
    place = next((at for at, one in enumerate(found) if not one.up or one.kind == "loopback"), len(found))
    counts = [one.packets for one in found if one.packets is not None]
    all_of_them = NetworkInterface(0, ALL, "all of them", True, (), SLL2, sum(counts) if counts else None)
    if hasattr(socket, "AF_PACKET"):
        found.insert(place, all_of_them)
    return [_numbered(one, number) for number, one in enumerate(found, 1)]


def named(text: str) -> str:
    """The name of an interface that is given by its name or its number; what is neither stays as it is."""
    if not text.isdecimal() or text in (name for _, name in socket.if_nameindex()):
        return text
    return next((one.name for one in interfaces() if one.number == int(text)), text)


def _numbered(one: NetworkInterface, number: int) -> NetworkInterface:
    return NetworkInterface(number, one.name, one.kind, one.up, one.addresses, one.linktype, one.packets)


def _by_name() -> list[NetworkInterface]:
    return [NetworkInterface(0, name, "not known", True) for _, name in socket.if_nameindex()]


def _by_netlink() -> list[NetworkInterface]:
    addresses: dict[int, list[tuple[int, str]]] = {}
    for body in _dump(_RTM_GETADDR, _RTM_NEWADDR):
        family, prefix, _, _, index = _ADDRESS.unpack_from(body)
        values = dict(_attributes(body[_ADDRESS.size :]))
        # Where there is another end, the first of them is that one's.
        value = values.get(_IFA_LOCAL, values.get(_IFA_ADDRESS))
        if value is not None and len(value) in (4, 16):
            text = f"{socket.inet_ntop(family, value)}/{prefix}"
            addresses.setdefault(index, []).append((family, text))
    found = []
    for body in _dump(_RTM_GETLINK, _RTM_NEWLINK):
        _, hardware, index, flags, _ = _LINK.unpack_from(body)
        values = dict(_attributes(body[_LINK.size :]))
        name = os.fsdecode(values.get(_IFLA_IFNAME, b"").rstrip(b"\0"))
        info = dict(_attributes(values.get(_IFLA_LINKINFO, b"")))
        kind = info.get(_IFLA_INFO_KIND, b"").rstrip(b"\0").decode("ascii", "replace")
        texts = tuple(text for _, text in sorted(addresses.get(index, ()), key=lambda one: one[0]))
        up = flags & (_IFF_UP | _IFF_RUNNING) == _IFF_UP | _IFF_RUNNING
        packets = _passed(values.get(_IFLA_STATS64, b""), hardware)
        found.append(
            NetworkInterface(0, name, kind or _kind(name, hardware), up, texts, LINKTYPES.get(hardware), packets)
        )
    return found


def _kind(name: str, hardware: int) -> str:
    if hardware == ARPHRD_LOOPBACK:
        return "loopback"
    if hardware in _TUNNELS:
        return "tunnel"
    if os.path.exists(f"/sys/class/net/{name}/phy80211"):
        return "wireless"
    return "ethernet" if hardware == 1 else f"hardware type {hardware}"


def _passed(statistics: bytes, hardware: int) -> int | None:
    """Packets in and out; on a loopback each is both."""
    if len(statistics) < 16:
        return None
    received, sent = struct.unpack_from("=QQ", statistics)
    return int(received if hardware == ARPHRD_LOOPBACK else received + sent)


def _dump(request: int, answer: int) -> Iterator[bytes]:
    """The bodies of all answers of one kind.

    Raises:
        OSError: the kernel refuses.
    """
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, _NETLINK_ROUTE) as asking:
        asking.bind((0, 0))
        asking.send(_HEADER.pack(_HEADER.size + _LINK.size, request, _REQUEST_DUMP, 1, 0) + bytes(_LINK.size))
        while True:
            content = asking.recv(1 << 16)
            at = 0
            while at + _HEADER.size <= len(content):
                size, kind, _, _, _ = _HEADER.unpack_from(content, at)
                if kind == _NLMSG_DONE or size < _HEADER.size:
                    return
                body = content[at + _HEADER.size : at + size]
                if kind == _NLMSG_ERROR:
                    number = -struct.unpack_from("=i", body)[0]
                    raise OSError(number, os.strerror(number))
                if kind == answer:
                    yield body
                at += size + (-size & 3)


def _attributes(content: bytes) -> Iterator[tuple[int, bytes]]:
    at = 0
    while at + _ATTRIBUTE.size <= len(content):
        size, kind = _ATTRIBUTE.unpack_from(content, at)
        if size < _ATTRIBUTE.size:
            return
        yield kind & _NESTED, content[at + _ATTRIBUTE.size : at + size]
        at += size + (-size & 3)
