"""Names that the user gives to addresses, networks and keys, shown in their place.

The names in use are one value for the whole process, as a theme is: what draws asks `app.draw.terms`, which asks here,
so that no drawing function has to be handed them. `use` puts others in their place, `shown` turns them off and on.

An entry is `ADDRESS=NAME`. ADDRESS is the first that fits of: a host and port (`203.0.113.7:49737`, `[2001:db8::1]:9`),
a host, a network (`10.0.0.0/8`), or a key or hash in hex or z32, whole or its first digits (hex: 4 or more). A host's
name comes with the port; that of a whole public key also names its target. Names come from files of others, too: they
are kept short and are escaped when shown.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from app.terminal_text import clip, safe_text
from protocol.address import Address
from protocol.hashes import target_of
from protocol.keys import KEY_SIZE, KeyFormatError, z32_decode

if TYPE_CHECKING:
    from ipaddress import IPv4Address, IPv6Address

LONGEST_NAME: Final = 48
"""Cells of a name."""
MOST_NAMES: Final = 10_000
"""Names that are believed of a file."""
LEAST_DIGITS: Final = 4
"""Of the beginning of a key."""
_Z32_KEY: Final = 52
_HEX: Final = frozenset("0123456789abcdef")
_PORTS: Final = 0x10000


class AliasError(ValueError):
    """An entry that names nothing."""


class Names:
    """Names by what they stand for. A value: `with_name` gives a new one.

    Args:
        entries: names by address, network or key as text.

    Raises:
        AliasError: an entry is no address, network or key, or has an empty name.
    """

    __slots__ = ("_digits", "_endpoints", "_hosts", "_networks", "entries")

    def __init__(self, entries: Mapping[str, str] | None = None) -> None:
        self.entries: dict[str, str] = {}
        """Every entry in the form in which it is kept: lower case, keys as hex."""
        self._endpoints: dict[tuple[str, int], str] = {}
        self._hosts: dict[str, str] = {}
        self._networks: list[tuple[int, int, int, str]] = []
        """Version, network number, bits to its right, name; longest prefix first."""
        self._digits: list[tuple[str, str]] = []
        """First hex digits of keys, longest first."""
        for what, name in (entries or {}).items():
            self._add(what, name)
        self._networks.sort(key=lambda network: network[2])
        self._digits.sort(key=lambda digits: -len(digits[0]))

    def __bool__(self) -> bool:
        return bool(self.entries)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Names) and self.entries == other.entries

    def __hash__(self) -> int:
        return hash(tuple(sorted(self.entries.items())))

    def with_name(self, what: str, name: str) -> Names:
        """One entry more, or another name for it; an empty name takes it away.

        Raises:
            AliasError: `what` is no address, network or key.
        """
        key = canonical(what)
        kept = {entry: old for entry, old in self.entries.items() if entry != key}
        return Names(kept | {key: name} if name.strip() else kept)

    def merged(self, other: Names) -> Names:
        """These and others; of two for the same, the other."""
        return Names(self.entries | other.entries)

    def address(self, address: Address | None) -> str | None:
        """The name of an address, with the port where the name is of a host or network; None if it has none."""
        if address is None or not self.entries:
            return None
        exact = self._endpoints.get((address.host, address.port))
        if exact is not None:
            return exact
        name = self.host(address.host)
        return None if name is None else f"{name}:{address.port}"

    def host(self, host: str | Address) -> str | None:
        """The name of a host; None if it has none."""
        if not self.entries:
            return None
        text = host.host if isinstance(host, Address) else host
        name = self._hosts.get(text)
        if name is not None or not self._networks:
            return name
        number = _number(text)
        if number is None:
            return None
        version, value = number
        return next(
            (name for kind, network, bits, name in self._networks if kind == version and value >> bits == network), None
        )

    def key(self, key: bytes | None) -> str | None:
        """The name of a key, target or hash; None if it has none."""
        if not key or not self._digits:
            return None
        text = key.hex()
        return next((name for digits, name in self._digits if text.startswith(digits)), None)

    def _add(self, what: str, name: str) -> None:
        shown = clip(safe_text(name.strip()), LONGEST_NAME)
        if not shown:
            raise AliasError(f"{safe_text(what)}: the name is empty")
        if len(self.entries) >= MOST_NAMES:
            raise AliasError(f"more than {MOST_NAMES} names")
        key = canonical(what)
        self.entries[key] = name.strip()
        if "/" in key:
            from ipaddress import ip_network

            network = ip_network(key)
            bits = network.max_prefixlen - network.prefixlen
            self._networks.append((network.version, int(network.network_address) >> bits, bits, shown))
        elif (endpoint := _endpoint(key)) is not None:
            self._endpoints[endpoint] = shown
        elif _ip(key) is not None:
            self._hosts[key] = shown
        else:
            self._digits.append((key, shown))
            if len(key) == 2 * KEY_SIZE:
                self._digits.append((target_of(bytes.fromhex(key)).hex(), shown))


NO_NAMES: Final = Names()


class _Use:
    """The names in use, and whether they are shown."""

    names = NO_NAMES
    shown = True


def in_use() -> Names:
    """The names that stand for addresses and keys now; none while they are turned off."""
    return _Use.names if _Use.shown else NO_NAMES


def chosen() -> Names:
    """The names that were chosen, shown or not."""
    return _Use.names


def use(names: Names) -> None:
    """Take these from now on."""
    _Use.names = names


def show(wanted: bool) -> None:
    """Turn names on or off."""
    _Use.shown = wanted


def shown() -> bool:
    """Whether names are turned on."""
    return _Use.shown


def parse_aliases(texts: Iterable[str]) -> Names:
    """Names from options ``ADDRESS=NAME``; of two for the same, the later.

    Raises:
        AliasError: one is not of that form; the message says what is wrong.
    """
    entries: dict[str, str] = {}
    for text in texts:
        what, sign, name = text.partition("=")
        if not sign:
            raise AliasError(f"{safe_text(text)} is not ADDRESS=NAME")
        entries[canonical(what)] = name
    return Names(entries)


def canonical(what: str) -> str:
    """The form in which an entry is kept.

    Raises:
        AliasError: no address, network or key.
    """
    text = what.strip().lower()
    ip = _ip(text)
    if ip is not None:
        return str(ip)
    endpoint = _endpoint(text)
    if endpoint is not None:
        return str(Address(*endpoint))
    if "/" in text:
        from ipaddress import ip_network

        try:
            return str(ip_network(text, strict=False))
        except ValueError:
            raise AliasError(f"{safe_text(what)} is no network") from None
    if len(text) == _Z32_KEY and not set(text) <= _HEX:
        try:
            return z32_decode(text).hex()
        except KeyFormatError:
            raise AliasError(f"{safe_text(what)} is no key") from None
    if LEAST_DIGITS <= len(text) <= 2 * KEY_SIZE and set(text) <= _HEX:
        return text
    raise AliasError(f"{safe_text(what)} is no address, host, network (10.0.0.0/8), key or first {LEAST_DIGITS} digits")


def _endpoint(text: str) -> tuple[str, int] | None:
    host, colon, port = text.rpartition(":")
    if host.startswith("[") and host.endswith("]"):
        host = host[1:-1]
    elif ":" in host:
        return None
    ip = _ip(host)
    if not colon or ip is None or not (port.isascii() and port.isdigit() and len(port) <= 5 and int(port) < _PORTS):
        return None
    return str(ip), int(port)


@lru_cache(maxsize=65536)
def _number(host: str) -> tuple[int, int] | None:
    ip = _ip(host)
    return None if ip is None else (ip.version, int(ip))


def _ip(text: str) -> IPv4Address | IPv6Address | None:
    from ipaddress import ip_address  # takes long to import, and few captures come with names

    try:
        return ip_address(text)
    except ValueError:
        return None
