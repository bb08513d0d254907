"""What a field of the filter language is: its name, what values it has, and how they compare."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import tzinfo
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from capture.filter.checks import (
    Absent,
    Begins,
    Check,
    Compares,
    Contains,
    Equal,
    Held,
    Matches,
    SameText,
    hex_of,
    number_of,
    pattern_of,
    within,
    yes_no_of,
)
from capture.filter.errors import WrongOperatorError, WrongValueError

if TYPE_CHECKING:
    from capture.filter.columns import Column
    from capture.filter.packet import Packet
    from capture.filter.packets import Part
    from capture.flow import Flow

NONE: Final = "none"


class Kind(StrEnum):
    """What a field holds, and with it how it compares."""

    WORD = "word"
    """One of a fixed list of words; case does not matter."""
    HEX = "hex"
    """Equal if it begins with the digits given."""
    ADDRESS = "address"
    """Equal to its host, to host:port, and to a network such as 11.2.0.0/16 that holds it."""
    NUMBER = "number"
    TIME = "time"
    """Seconds since the first packet, a time of day, or a date."""
    TEXT = "text"
    """Equal whatever the case."""
    BYTES = "bytes"
    """Text or hex that bytes have in them."""
    YES_NO = "yes or no"


ORDERED: Final = ("==", "!=", "<", "<=", ">", ">=")
OPERATORS: Final[dict[Kind, tuple[str, ...]]] = {
    Kind.WORD: ("==", "!=", "~", "=~"),
    Kind.HEX: ("==", "!=", "~", "=~"),
    Kind.ADDRESS: ("==", "!=", "~", "=~"),
    Kind.NUMBER: (*ORDERED, "~"),
    Kind.TIME: ORDERED,
    Kind.TEXT: ("~", "=~", "==", "!="),
    Kind.BYTES: ("~", "==", "!="),
    Kind.YES_NO: ("==", "!="),
}
"""The operators of each kind, the most useful first."""
OPERATOR_SAYS: Final = {
    "==": "is",
    "!=": "is not",
    "<": "is less than",
    "<=": "is at most",
    ">": "is more than",
    ">=": "is at least",
    "~": "contains",
    "=~": "matches the regular expression",
}


@dataclass(frozen=True, slots=True)
class Field:
    """One name that a filter knows. It is asked of attempts, of packets, or of either."""

    name: str
    kind: Kind
    says: str
    """What it is, for help and completion."""
    of_flow: Callable[[Flow], tuple[Held, ...]] | None = None
    """Its values in an attempt."""
    of_packet: Callable[[Packet], tuple[Held, ...]] | None = None
    """Its values in a packet."""
    columns: Callable[[Part], tuple[Column, ...]] | None = None
    """The same for a stretch of packets: one column for each value that a packet may have."""
    words: tuple[str, ...] = ()
    """What a WORD field can be."""
    aliases: tuple[str, ...] = ()
    """Other names, mostly Wireshark's."""
    settled: bool = True
    """What it says of a packet never changes; else it may, as more is captured."""
    drawn: bool = False
    """Its values in an attempt take a look at each of its packets."""

    def check(self, operator: str, value: str, zone: tzinfo | None = None) -> Check:
        """The check of a comparison by any operator but ``!=``, which is the opposite of ``==``.

        Raises:
            WrongValueError: the field can't be compared with that value.
            WrongOperatorError: or not by that operator.
        """
        if operator not in OPERATORS[self.kind]:
            raise WrongOperatorError(self._no_operator(operator))
        if operator == "==" and value.lower() == NONE and NONE not in self.words:
            return Absent()
        if self.kind is Kind.BYTES:
            from capture.filter.payload_search import bytes_check

            return bytes_check(self.name, operator, value)
        if operator == "~":
            return Contains(value.lower())
        if operator == "=~":
            return Matches(pattern_of(self.name, value))
        if self.kind is Kind.NUMBER:
            return Compares(operator, number_of(self.name, value))
        if self.kind is Kind.TIME:
            from capture.filter.moments import moment_of

            return moment_of(self.name, operator, value, zone)
        return self._equal(value)

    def _equal(self, value: str) -> Check:
        if self.kind is Kind.WORD:
            return Equal(self._word(value))
        if self.kind is Kind.YES_NO:
            return Equal(yes_no_of(self.name, value))
        if self.kind is Kind.HEX:
            return Begins(hex_of(self.name, value))
        if self.kind is Kind.TEXT:
            return SameText(value.lower())
        return within(self.name, value)

    def _word(self, value: str) -> str:
        wanted = _plain(value)
        for word in self.words:
            if _plain(word) == wanted:
                return word
        raise WrongValueError(f"{self.name} is never {value!r}; it is one of {', '.join(self.words)}")

    def _no_operator(self, operator: str) -> str:
        known = OPERATORS[self.kind]
        use = f"{', '.join(known[:-1])} or {known[-1]}"
        if operator in ORDERED:
            return f"{self.name} is no number, so it has no order: use {use}"
        return f"{self.name} is a {self.kind}, it knows no {operator}: use {use}"


def _plain(word: str) -> str:
    """A word without what people write in different ways."""
    return word.lower().replace("_", "-").replace(" ", "-")


def one(value: Held | None) -> tuple[Held, ...]:
    """The value, or none."""
    return () if value is None else (value,)
