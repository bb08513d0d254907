"""How values of each kind are written and read, in forms, rules and scripts.

`show` gives the text of a value, `read` the value of a text; `read` gets what the value was and raises ValueError with
the reason where the text is no such value. None, a field that is not there, is written ``none``.
"""

from __future__ import annotations

from enum import IntEnum
from ipaddress import AddressValueError, IPv4Address, IPv6Address
from typing import Protocol

from protocol.constants import DEFAULT_TTL
from protocol.editing.values import NONE, FieldKind, Opener
from protocol.messages import Address

HIGHEST_UINT = 2**53 - 1
"""Largest number that the reference reads."""
LONGEST_HEX = 2 * 65507
ADDRESS_LIMIT = 10_000
"""Addresses in one list: about as many as a datagram holds."""


class Kind(Protocol):
    """One way of writing values."""

    @property
    def kind(self) -> FieldKind:
        """What it is called."""

    @property
    def choices(self) -> tuple[str, ...]:
        """Words or forms that it may have."""

    def show(self, value: object) -> str:
        """The text of a value that is there."""

    def read(self, text: str, was: object, opener: Opener) -> object:
        """The value of a text.

        Raises:
            ValueError: it is none.
        """


class Number:
    """A number from 0; decimal or hex."""

    kind = FieldKind.NUMBER
    choices: tuple[str, ...] = ()

    def __init__(self, highest: int = HIGHEST_UINT, lowest: int = 0) -> None:
        self._lowest = lowest
        self._highest = highest

    def show(self, value: object) -> str:
        """Decimal."""
        return str(value)

    def read(self, text: str, was: object, opener: Opener) -> object:  # noqa: ARG002 - the face of all kinds
        """Decimal, or hex after 0x; ``+n`` and ``-n`` add to what it was."""
        shift = text[:1] in ("+", "-")
        digits = text[1:] if shift else text
        try:
            number = int(digits, 16) if digits[:2].lower() == "0x" else int(digits)
        except ValueError:
            raise ValueError(f"{text!r} is not a number") from None
        if shift:
            number = (was if isinstance(was, int) else 0) + (number if text[0] == "+" else -number)
        if not self._lowest <= number <= self._highest:
            raise ValueError(f"{number} is not from {self._lowest} to {self._highest}")
        return number


class Word:
    """One of the names of an enumeration, or any number: the other side may not know it either."""

    kind = FieldKind.WORD

    def __init__(self, words: type[IntEnum]) -> None:
        self._words = words
        self.choices = tuple(word.name for word in words)

    def show(self, value: object) -> str:
        """Its name, or the number where it has none."""
        return next((word.name for word in self._words if word == value), str(value))

    def read(self, text: str, was: object, opener: Opener) -> object:
        """A name, whatever the case and with ``-`` or a blank for ``_``; or a number."""
        plain = text.upper().replace("-", "_").replace(" ", "_")
        if plain in self.choices:
            return int(self._words[plain])
        if text[:1].isdigit():
            return Number().read(text, was, opener)
        raise ValueError(f"{text!r} is none of {', '.join(self.choices)}")


class YesNo:
    """Yes or no."""

    kind = FieldKind.YES_NO
    choices = ("no", "yes")

    def show(self, value: object) -> str:
        """The word."""
        return "yes" if value else "no"

    def read(self, text: str, was: object, opener: Opener) -> object:  # noqa: ARG002 - the face of all kinds
        """Yes or no, true or false, 1 or 0."""
        if text.lower() in ("yes", "true", "1"):
            return True
        if text.lower() in ("no", "false", "0"):
            return False
        raise ValueError(f"{text!r} is neither yes nor no")


class AddressText:
    """One address."""

    kind = FieldKind.ADDRESS
    choices: tuple[str, ...] = ()

    def __init__(self, *, ipv6: bool = False) -> None:
        self._ipv6 = ipv6

    def show(self, value: object) -> str:
        """Host and port."""
        return str(value)

    def read(self, text: str, was: object, opener: Opener) -> object:  # noqa: ARG002 - the face of all kinds
        """``host:port``, or half of it, and the other half as it was; half of what is not there is not there."""
        if was is None and _is_half(text):
            return None
        return read_address(text, was if isinstance(was, Address) else None, ipv6=self._ipv6)


class AddressList:
    """Addresses, one after the other."""

    kind = FieldKind.ADDRESSES
    choices: tuple[str, ...] = ()

    def __init__(self, *, ipv6: bool = False) -> None:
        self._ipv6 = ipv6

    def show(self, value: object) -> str:
        """Commas between them."""
        return ", ".join(map(str, value)) if isinstance(value, tuple) else ""

    def read(self, text: str, was: object, opener: Opener) -> object:  # noqa: ARG002 - the face of all kinds
        """Commas or blanks between them; a half of an address changes every one that there was."""
        parts = text.replace(",", " ").split()
        if len(parts) > ADDRESS_LIMIT:
            raise ValueError(f"{len(parts)} addresses are more than {ADDRESS_LIMIT}")
        if len(parts) == 1 and _is_half(parts[0]):
            if not isinstance(was, tuple):
                return None
            return tuple(read_address(parts[0], one, ipv6=self._ipv6) for one in was)
        return tuple(read_address(part, None, ipv6=self._ipv6) for part in parts)


class Hex:
    """Bytes in hex."""

    kind = FieldKind.BYTES
    choices: tuple[str, ...] = ()

    def __init__(self, size: int | None = None) -> None:
        self._size = size

    def show(self, value: object) -> str:
        """Hex digits."""
        return value.hex() if isinstance(value, bytes) else ""

    def read(self, text: str, was: object, opener: Opener) -> object:
        """Hex digits, with blanks and colons wherever one likes; or ``random``, as many bytes as there were."""
        if text.lower() == "random":
            size = self._size if self._size is not None else len(was) if isinstance(was, bytes) else 0
            return opener.random(size)
        return read_hex(text, self._size)


class Text:
    """Any text."""

    kind = FieldKind.TEXT
    choices: tuple[str, ...] = ()

    def show(self, value: object) -> str:
        """The text itself."""
        return str(value)

    def read(self, text: str, was: object, opener: Opener) -> object:  # noqa: ARG002 - the face of all kinds
        """The text itself."""
        return text


class Ttl(Number):
    """A TTL; the usual one is not said."""

    def __init__(self) -> None:
        super().__init__(255, 1)

    def show(self, value: object) -> str:
        """The usual one where none is said."""
        return str(DEFAULT_TTL if value is None else value)


def _is_half(text: str) -> bool:
    """Whether a text says only what is to change of an address."""
    return text[:1] == ":" or text[-1:] == ":" or text[text.rfind(":") + 1 :][:1] in ("+", "-")


def read_address(text: str, was: Address | None = None, *, ipv6: bool = False) -> Address:
    """Read ``host:port``, ``[host]:port``, ``:port``, ``:+n``, ``:-n`` or ``host:``.

    Args:
        text: the address; a missing half is that of `was`, and so is the port that ``+n`` and ``-n`` shift. A shifted
            port stays between 1024 (below that: 1) and 65535: beyond the end it begins anew.
        was: the address before.
        ipv6: whether hosts are IPv6.

    Raises:
        ValueError: it is none; the message says why.
    """
    host, colon, port = text.strip().rpartition(":")
    if not colon:
        raise ValueError(f"{text!r} is not host:port")
    host = host.removeprefix("[").removesuffix("]")
    if not host:
        if was is None:
            raise ValueError(f"{text!r} has no host, and there was none before")
        host = was.host
    try:
        (IPv6Address if ipv6 else IPv4Address)(host)
    except AddressValueError:
        raise ValueError(f"{host!r} is not an {'IPv6' if ipv6 else 'IPv4'} address") from None
    return Address(host, _read_port(port, text, was))


def _read_port(port: str, text: str, was: Address | None) -> int:
    if not port or port[0] in "+-":
        if was is None:
            raise ValueError(f"{text!r} has no port, and there was none before")
        if not port:
            return was.port
        number = int(port) if port[1:].isascii() and port[1:].isdigit() and len(port) < 7 else None
        if number is None:
            raise ValueError(f"{port!r} does not shift a port")
        lowest = 1024 if was.port >= 1024 else 1
        return lowest + (was.port - lowest + number) % (65536 - lowest)
    if not (port.isascii() and port.isdigit() and int(port) < 65536):
        raise ValueError(f"{port!r} is not a port from 0 to 65535")
    return int(port)


def read_hex(text: str, size: int | None = None) -> bytes:
    """Read bytes in hex; blanks, colons and a leading 0x are passed over.

    Raises:
        ValueError: something else is in the text, or it has another number of bytes than `size`.
    """
    digits = "".join(text.replace(":", " ").split()).removeprefix("0x")
    if len(digits) > LONGEST_HEX:
        raise ValueError(f"{len(digits) // 2} bytes are more than a datagram holds")
    wrong = next((digit for digit in digits if digit not in "0123456789abcdefABCDEF"), None)
    if wrong is not None:
        raise ValueError(f"{wrong!r} is no hex digit")
    if len(digits) % 2:
        raise ValueError(f"{len(digits)} hex digits, an odd number")
    found = bytes.fromhex(digits)
    if size is not None and len(found) != size:
        raise ValueError(f"{len(found)} bytes where {size} are due")
    return found


def is_none(text: str) -> bool:
    """Whether a text says that the field is not there."""
    return text.strip().lower() == NONE
