"""Checks: the right side of a comparison, asked of one value or of a column of numbers.

A check is made once, when the filter is parsed, from an operator and the text of a value. `holds` is what it means;
`over` is the same for many numbers at once, for the kinds of values that columns of the packet table hold.
"""

from __future__ import annotations

import ipaddress
import operator
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from capture.filter.errors import WrongValueError
from protocol.address import Address

if TYPE_CHECKING:
    from capture.arrays import Array, Bools


class When(NamedTuple):
    """When a packet was seen."""

    time_ns: int
    """Epoch nanoseconds."""
    began_ns: int
    """The same of the first packet."""


Held = str | float | bool | Address | bytes | When
"""One value of a field."""
ORDER: Final[dict[str, Callable[[Any, Any], Any]]] = {
    "==": operator.eq,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
MOST: Final = float(1 << 63)
"""Numbers are smaller than this."""
LONGEST_PATTERN: Final = 500
"""Characters of a regular expression: enough for people, too few to take minutes to compile."""


class Check:
    """What a value has to be."""

    def holds(self, value: Held) -> bool:
        """Whether one value passes."""
        raise NotImplementedError


@dataclass(frozen=True, slots=True)
class Absent(Check):
    """``== none``: passes where a field has no value; so it holds for no value."""

    def holds(self, value: Held) -> bool:  # noqa: ARG002  as every check
        """Never."""
        return False


@dataclass(frozen=True, slots=True)
class Equal(Check):
    """The very value."""

    wanted: Held

    def holds(self, value: Held) -> bool:
        """Whether it is that value."""
        return value == self.wanted


@dataclass(frozen=True, slots=True)
class SameText(Check):
    """The same text, whatever the case."""

    wanted: str

    def holds(self, value: Held) -> bool:
        """Whether it is that text."""
        return str(value).lower() == self.wanted


@dataclass(frozen=True, slots=True)
class Contains(Check):
    """``~``: the text of the value has a part, whatever the case."""

    part: str
    """In lower case."""

    def holds(self, value: Held) -> bool:
        """Whether its text has the part."""
        return self.part in str(value).lower()


@dataclass(frozen=True, slots=True)
class Matches(Check):
    """``=~``: a regular expression finds something in the text of the value, whatever the case."""

    pattern: re.Pattern[str]

    def holds(self, value: Held) -> bool:
        """Whether it finds something."""
        return self.pattern.search(str(value)) is not None


@dataclass(frozen=True, slots=True)
class Begins(Check):
    """Hex that begins with some digits."""

    digits: str

    def holds(self, value: Held) -> bool:
        """Whether the digits of the value begin so."""
        return str(value).startswith(self.digits)


@dataclass(frozen=True, slots=True)
class Compares(Check):
    """A number in an order to another."""

    operator: str
    wanted: float

    def holds(self, value: Held) -> bool:
        """Whether it is in that order."""
        return bool(ORDER[self.operator](value, self.wanted))

    def over(self, values: Array) -> Bools:
        """The same for a column."""
        found: Bools = ORDER[self.operator](values, self.wanted)
        return found


@dataclass(frozen=True, slots=True)
class Within(Check):
    """An address: its host, a network that holds it, perhaps with a port."""

    network: ipaddress.IPv4Network | ipaddress.IPv6Network
    port: int | None

    def holds(self, value: Held) -> bool:
        """Whether an address lies in it."""
        assert isinstance(value, Address)
        return self.port in (None, value.port) and self.has_host(value.host)

    def has_host(self, host: str) -> bool:
        """Whether a host, as text, lies in the network."""
        return ipaddress.ip_address(host) in self.network

    def over(self, hosts: Array) -> Bools:
        """The same for a column of IPv4 host numbers."""
        import numpy as np

        if self.network.version == 6:
            return np.zeros(hosts.size, np.bool_)
        mask, wanted = int(self.network.netmask), int(self.network.network_address)
        found: Bools = hosts == wanted if mask == 0xFFFFFFFF else (hosts & np.uint32(mask)) == wanted
        return found


def number_of(name: str, text: str) -> float:
    """The number that a value is; whole ones exactly.

    Raises:
        WrongValueError: it is none.
    """
    value: float
    try:
        value = int(text, 16) if text[:2].lower() == "0x" else float(text)
    except ValueError:
        raise WrongValueError(f"{name} is a number, {text!r} is none") from None
    if not -MOST < value < MOST:
        raise WrongValueError(f"{name} is a number, {text!r} is none of this world")
    return int(value) if value == int(value) else value


def yes_no_of(name: str, text: str) -> bool:
    """Yes or no.

    Raises:
        WrongValueError: it is neither.
    """
    word = text.lower()
    if word in ("yes", "true"):
        return True
    if word in ("no", "false"):
        return False
    raise WrongValueError(f"{name} is yes or no, not {text!r}")


def hex_of(name: str, text: str) -> str:
    """Hex digits in lower case.

    Raises:
        WrongValueError: it is no hex.
    """
    digits = text.lower().removeprefix("0x")
    if not digits or set(digits) - set("0123456789abcdef"):
        raise WrongValueError(f"{name} is hex, {text!r} is not")
    return digits


def pattern_of(name: str, text: str) -> re.Pattern[str]:
    """A regular expression.

    Raises:
        WrongValueError: it is none.
    """
    if len(text) > LONGEST_PATTERN:
        raise WrongValueError(f"{name}: a regular expression has at most {LONGEST_PATTERN} characters")
    try:
        return re.compile(text, re.IGNORECASE)
    except (re.error, RecursionError, OverflowError) as error:
        raise WrongValueError(f"{name}: {text!r} is no regular expression: {error}") from None


def within(name: str, text: str) -> Within:
    """A host, host:port, or a network.

    Raises:
        WrongValueError: it is none of these.
    """
    host, port = text, None
    if text.startswith("["):
        host, _, rest = text[1:].partition("]")
        port = rest.removeprefix(":") or None
    elif text.count(":") == 1:
        host, _, port = text.partition(":")
    if port is not None and not (port.isascii() and port.isdigit() and len(port) <= 5):
        raise WrongValueError(f"{name} is an address, but {port!r} is no port")
    try:
        network = ipaddress.ip_network(host, strict=False)
    except ValueError:
        raise WrongValueError(f"{name} is an address: host, host:port or a network, not {text!r}") from None
    return Within(network, None if port is None else int(port))
