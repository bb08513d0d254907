"""Hosts behind a mask: each gets another one of the same sort, the same one each time.

| original | masked |
|---|---|
| 10/8, 172.16/12, 192.168/16, 169.254/16, 127/8, 100.64/10 | a host of the same network |
| any other IPv4 host | the next of 192.0.2/24, 198.51.100/24, 203.0.113/24, then of 198.18/15, then of 240/4 |
| the same, where a passphrase is given | a host of 240/4 |
| unspecified, broadcast, multicast | itself: everyone's, it names nobody |
| IPv6 link-local, unique local | a host of fe80::/64, fd00::/8 |
| IPv4 in ::ffff:0:0/96 | the masked host there |
| ::, ::1, multicast | itself |
| any other IPv6 host | a host of 2001:db8::/32 |

None of the hosts that are masked, as far as they are known beforehand, is given to another one. Among several who see
different hosts and are to mask alike that can't be promised of private networks: what stands for a host of one depends
on nothing but it and the phrase. Two of them never become one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from capture.masking.secret_mapping import SecretMapping

_NETWORKS: Final = (
    (0x0A000000, 24),
    (0xAC100000, 20),
    (0xC0A80000, 16),
    (0xA9FE0000, 16),
    (0x7F000000, 24),
    (0x64400000, 22),
)
"""Networks whose hosts stay in them: number, and bits of the host."""
_PUBLIC: Final = ((0xC0000200, 8), (0xC6336400, 8), (0xCB007100, 8), (0xC6120000, 17), (0xF0000000, 28))
"""Documentation, benchmarking, and reserved: hosts that are nobody's."""
_RESERVED: Final = _PUBLIC[-1]
_BROADCAST: Final = 0xFFFFFFFF
_MULTICAST: Final = 0xE
_MAPPED: Final = bytes(10) + b"\xff\xff"
_LOOPBACK6: Final = bytes(15) + b"\1"


class HostMask:
    """Masked hosts, remembered.

    Args:
        mapping: the secret behind them.
        everywhere: whether other runs with the same passphrase shall give the same hosts.
        shared: whether they shall give them also where they know of other hosts.
    """

    def __init__(self, mapping: SecretMapping, *, everywhere: bool, shared: bool = False) -> None:
        self._mapping = mapping
        self._shared = shared
        self._everywhere = everywhere
        self._four: dict[int, int] = {}
        self._six: dict[bytes, bytes] = {}
        self._taken: set[int] = set()
        self._public = _in_order()

    def avoid(self, hosts: Iterable[int]) -> None:
        """Give none of these IPv4 hosts to another one."""
        self._taken.update(hosts)

    def four(self, host: int) -> int:
        """The masked host of an IPv4 host number."""
        found = self._four.get(host)
        if found is None:
            found = self._four[host] = self._choose(host)
            self._taken.add(found)
        return found

    def six(self, host: bytes) -> bytes:
        """The masked host of a 16-byte IPv6 host."""
        found = self._six.get(host)
        if found is None:
            found = self._six[host] = self._choose6(host)
        return found

    def _choose(self, host: int) -> int:
        if host >> 24 == 0 or host == _BROADCAST or host >> 28 == _MULTICAST:
            return host
        network = next((one for one in _NETWORKS if host >> one[1] == one[0] >> one[1]), None)
        if network is not None:
            return self._permuted(host, *network) if self._shared else self._drawn(host, *network)
        if self._everywhere:
            return self._drawn(host, *_RESERVED)
        return next(one for one in self._public if one not in self._taken)

    def _permuted(self, host: int, network: int, bits: int) -> int:
        """The host of a network that stands for another one of it, whatever else there is."""
        mask = (1 << bits) - 1
        at_an_end = _at_an_end(host)
        for purpose in (b"host", b"other host"):
            number = self._mapping.permuted(purpose, host & mask, bits)
            # What may be a network's own number or its broadcast stays such, so that no two hosts share one.
            while _at_an_end(number) != at_an_end:
                number = self._mapping.permuted(purpose, number, bits)
            if network | number != host:
                break
        return network | number

    def _drawn(self, host: int, network: int, bits: int) -> int:
        """A free host of a network, drawn by lot."""
        tries = 0
        while True:
            lot = host.to_bytes(4, "big") + tries.to_bytes(4, "big")
            drawn = network | self._mapping.number(b"host", lot, 1 << bits)
            tries += 1
            # The last resort is for captures with more hosts than their network can hold twice.
            if (drawn not in self._taken and drawn != host and 0 < drawn & 0xFF < 0xFF) or tries > 1 << 16:
                return drawn

    def _choose6(self, host: bytes) -> bytes:
        if host[:12] == _MAPPED:
            return _MAPPED + self.four(int.from_bytes(host[12:], "big")).to_bytes(4, "big")
        if host in (bytes(16), _LOOPBACK6) or host[0] == 0xFF:
            return host
        drawn = self._mapping.digest(b"host6", host, 16)
        if host[0] == 0xFE and host[1] & 0xC0 == 0x80:
            return b"\xfe\x80" + bytes(6) + drawn[8:]
        if host[0] & 0xFE == 0xFC:
            return b"\xfd" + drawn[1:]
        return b"\x20\x01\x0d\xb8" + drawn[4:]


def _at_an_end(host: int) -> bool:
    return host & 0xFF in (0, 0xFF)


def _in_order() -> Iterator[int]:
    for network, bits in _PUBLIC:
        for number in range(network, network + (1 << bits)):
            if 0 < number & 0xFF < 0xFF:
                yield number
