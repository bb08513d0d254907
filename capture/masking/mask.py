"""The mask: what stands for each address, key, hash, token and text of a capture.

Equal values get equal ones. What hangs together still does: the masked target of a server is the hash of its masked
public key, the masked id of a node is the hash of its masked address, and a text that names an address or a key names
the masked one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Final

from capture.masking.hosts import HostMask
from capture.masking.secret_mapping import SecretMapping
from protocol.address import Address
from protocol.hashes import blake2b_256, target_of

_TELLING: Final = re.compile(r"\d\.\d|[0-9a-fA-F]{8}|:[0-9a-fA-F]*:|[a-z1-9]{52}")
"""What a text has to have to name an address or a key."""
_WORDS: Final = re.compile(
    r"(?<![\w.])(?P<four>\d{1,3}(?:\.\d{1,3}){3})(?::(?P<port>\d{1,5}))?(?![\w.]*\.\d|\w)"
    r"|(?<![\w:.])\[?(?P<six>[0-9a-fA-F]{0,4}(?::[0-9a-fA-F]{0,4}){2,7}(?:%\w+)?)(?:\]:(?P<port6>\d{1,5}))?\]?(?![\w:])"
    r"|(?<![0-9a-zA-Z])(?P<hex>(?:0x)?[0-9a-fA-F]{8,})(?![0-9a-zA-Z])"
    r"|(?<![0-9a-zA-Z])(?P<z32>[ybndrfg8ejkmcpqxot1uwisza345h769]{52})(?![0-9a-zA-Z])"
)
_MAC: Final = re.compile(r"[0-9a-fA-F]{2}(:[0-9a-fA-F]{2}){5}")
_GROUPS: Final = (b"\xff\xff\xff\xff", b"\x01\x00\x5e", b"\x33\x33", b"\x01\x80\xc2")
"""Beginnings of link-layer addresses of everyone: broadcast, multicast of IPv4 and IPv6, bridges."""
_HEAD: Final = 8
"""Hex digits by which known values are looked up."""
_ADDRESS: Final = 6
_FIRST_PORT: Final = 1024
_PORTS: Final = 1 << 16


class Mask:
    """What stands for what.

    Args:
        phrase: other runs with it mask alike; None masks in a way that nobody can repeat.
        ports: whether ports from 1024 on are masked too.
        shared: whether several who see different hosts mask with the phrase; see `capture.masking.hosts`.
    """

    def __init__(self, phrase: str | None = None, *, ports: bool = False, shared: bool = False) -> None:
        self.mapping = SecretMapping(phrase)
        self._hosts = HostMask(self.mapping, everywhere=phrase is not None, shared=shared)
        self._ids: dict[bytes, bytes] = {}
        self._owners: dict[bytes, bytes] = {}
        """Addresses of nodes by the id that they may have."""
        self._known: dict[str, list[tuple[str, str]]] = {}
        """Values that were masked and what stands for them, as hex, by their first digits."""
        self._port_order = self._shuffled_ports() if ports else None
        # Caches of their own: those of methods would keep every mask alive.
        self.host = lru_cache(maxsize=65536)(self._host)
        self.address = lru_cache(maxsize=65536)(self._address)
        self.key = lru_cache(maxsize=4096)(self._key)
        self.target = lru_cache(maxsize=4096)(self._target)
        self.token = lru_cache(maxsize=4096)(self._token)

    def avoid(self, hosts: Iterable[int]) -> None:
        """Give none of these IPv4 host numbers to another host; before the first is masked."""
        self._hosts.avoid(hosts)

    def host4(self, host: int) -> int:
        """What stands for an IPv4 host number."""
        return self._hosts.four(host)

    def host6(self, host: bytes) -> bytes:
        """What stands for 16 bytes of IPv6 host."""
        return self._hosts.six(host)

    def port(self, port: int) -> int:
        """What stands for a port: itself, if ports are not masked; 0 and those below 1024 in any case."""
        if self._port_order is None or port < _FIRST_PORT:
            return port
        return self._port_order[port - _FIRST_PORT]

    def know_nodes(self, addresses: bytes) -> None:
        """Nodes that may call themselves by the hash of their address.

        Args:
            addresses: six bytes each: IPv4 host, and port little-endian, as they are hashed.
        """
        owners = self._owners
        for at in range(0, len(addresses), _ADDRESS):
            address = addresses[at : at + _ADDRESS]
            owners[blake2b_256(address)] = address

    def node(self, id_: bytes) -> bytes:
        """What stands for the id of a node: the hash of its masked address, where its address is known."""
        found = self._ids.get(id_)
        if found is None:
            owner = self._owners.get(id_)
            found = self.mapping.digest(b"node", id_) if owner is None else self._id_of(owner)
            self._ids[id_] = found
        return self._remember(id_, found)

    def _id_of(self, address: bytes) -> bytes:
        host, port = int.from_bytes(address[:4], "big"), int.from_bytes(address[4:], "little")
        return blake2b_256(self.host4(host).to_bytes(4, "big"), self.port(port).to_bytes(2, "little"))

    def mac(self, mac: bytes) -> bytes:
        """What stands for a link-layer address: a locally administered one; known groups and zeros stay."""
        if len(mac) < 2 or not any(mac) or mac.startswith(_GROUPS):
            return mac
        return bytes((2 | mac[0] & 1,)) + self.mapping.digest(b"mac", mac, len(mac) - 1)

    def opaque(self, data: bytes) -> bytes:
        """What stands for bytes of no known meaning; the start of them gives the start of that."""
        return self.mapping.opaque(data)

    def know(self, original: bytes, masked: bytes) -> None:
        """What stands for a value, where something else decided; texts that name it name that."""
        self._remember(original, masked)

    def text(self, text: str) -> str:
        """A text with the addresses and keys in it masked."""
        return _WORDS.sub(self._word, text) if _TELLING.search(text) else text

    def _host(self, host: str) -> str:
        if ":" in host:
            from socket import AF_INET6, inet_ntop, inet_pton

            return inet_ntop(AF_INET6, self._hosts.six(inet_pton(AF_INET6, host.partition("%")[0])))
        masked = self._hosts.four(int.from_bytes(bytes(map(int, host.split("."))), "big"))
        return ".".join(map(str, masked.to_bytes(4, "big")))

    def _address(self, address: Address) -> Address:
        return Address(self.host(address.host), self.port(address.port))

    def _key(self, key: bytes) -> bytes:
        # Made of the target, so that target and key fit each other whichever is met first.
        return self._remember(key, self.mapping.digest(b"key", target_of(key)))

    def _target(self, target: bytes) -> bytes:
        if target in self._owners:
            return self.node(target)
        return self._remember(target, blake2b_256(self.mapping.digest(b"key", target)))

    def _token(self, token: bytes) -> bytes:
        return self._remember(token, self.mapping.opaque(token))

    def _remember(self, original: bytes, masked: bytes) -> bytes:
        text = original.hex()
        entry = (text, masked.hex())
        known = self._known.setdefault(text[:_HEAD], [])
        if entry not in known:
            known.append(entry)
        return masked

    def _word(self, found: re.Match[str]) -> str:
        kind = next(name for name in ("four", "six", "hex", "z32") if found[name] is not None)
        word: str = found[0]
        if kind == "four":
            numbers = [int(part) for part in found["four"].split(".")]
            if max(numbers) > 0xFF:
                return word
            masked = self.host(".".join(map(str, numbers)))
            return masked if found["port"] is None else f"{masked}:{self._port_text(found['port'])}"
        if kind == "six":
            return self._six_word(word, found["six"], found["port6"])
        return self._hex_word(word) if kind == "hex" else self._z32_word(word)

    def _six_word(self, word: str, host: str, port: str | None) -> str:
        try:
            masked = self.host(host)
        except OSError:
            if _MAC.fullmatch(host) is None:
                return word  # a time of day, or something else with colons
            return word.replace(host, self.mac(bytes.fromhex(host.replace(":", ""))).hex(":"))
        return word.replace(host, masked) if port is None else f"[{masked}]:{self._port_text(port)}"

    def _port_text(self, port: str) -> str:
        return str(self.port(int(port))) if int(port) < _PORTS else port

    def _hex_word(self, word: str) -> str:
        digits = word.lower().removeprefix("0x")
        for original, masked in self._known.get(digits[:_HEAD], ()):
            if original.startswith(digits):
                return masked[: len(digits)]
        if len(digits) == 64:
            return self.key(bytes.fromhex(digits)).hex()
        if digits.isdigit():
            return word
        return self.mapping.stream(b"hex", digits.encode(), len(digits)).hex()[: len(digits)]

    def _z32_word(self, word: str) -> str:
        from protocol.keys import KeyFormatError, z32_decode, z32_encode

        try:
            return z32_encode(self.key(z32_decode(word)))
        except KeyFormatError:
            return word

    def _shuffled_ports(self) -> list[int]:
        """A secret order of the ports from 1024 on."""
        import random

        order = list(range(_FIRST_PORT, _PORTS))
        random.Random(self.mapping.digest(b"ports", b"")).shuffle(order)
        return order
