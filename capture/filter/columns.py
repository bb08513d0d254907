"""Columns of values, one for each row of a stretch of the packet table, that a check is asked of all at once.

Every column means what its field means of a single packet; a value that is not there passes no check.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np

from capture.arrays import I64, U16, U32, Array, Bools, distinct
from capture.filter.checks import Check, Compares, Contains, Equal, When, Within
from capture.filter.moments import Moment
from capture.table import PacketTable, host_text
from protocol.address import Address

_IN_ADDRESSES: Final = frozenset("0123456789.:")
"""All characters of an IPv4 address with its port."""


Told = dict[tuple[str, Check], dict[int, bool]]
"""What checks have said of hosts, ports and addresses."""


class Column(Protocol):
    """Values by row."""

    def passes(self, check: Check) -> Bools:
        """Rows whose value passes."""
        ...

    def present(self) -> Bools:
        """Rows that have a value."""
        ...


@dataclass(frozen=True, slots=True)
class Codes:
    """Values out of a list of texts, by their place in it; other codes are no value."""

    codes: Array
    names: Sequence[str | None]

    def passes(self, check: Check) -> Bools:
        """Rows whose text passes: each text is asked once."""
        return self._among([code for code, name in enumerate(self.names) if name is not None and check.holds(name)])

    def present(self) -> Bools:
        """Rows with a text."""
        return self._among([code for code, name in enumerate(self.names) if name is not None])

    def _among(self, wanted: list[int]) -> Bools:
        if not wanted:
            return np.zeros(self.codes.size, np.bool_)
        if len(wanted) == 1:
            found: Bools = self.codes == wanted[0]
            return found
        lookup = np.zeros(max(len(self.names), 1 << 8 * min(self.codes.itemsize, 2)) + 1, np.bool_)
        lookup[wanted] = True
        found = lookup.take(self.codes, mode="clip")
        return found


@dataclass(frozen=True, slots=True)
class Numbers:
    """Numbers, where they are there."""

    values: Array
    there: Bools | None = None
    """Rows that have one; None: all."""

    def passes(self, check: Check) -> Bools:
        """Rows whose number passes."""
        found = check.over(self.values) if isinstance(check, Compares) else by_value(self.values, check.holds)
        return found if self.there is None else found & self.there

    def present(self) -> Bools:
        """Rows with a number."""
        return np.ones(self.values.size, np.bool_) if self.there is None else self.there


@dataclass(frozen=True, slots=True)
class Truth:
    """Yes or no, of every row."""

    values: Bools

    def passes(self, check: Check) -> Bools:
        """Rows that are as wanted."""
        if isinstance(check, Equal):
            return self.values if check.wanted else ~self.values
        found: Bools = np.where(self.values, check.holds(True), check.holds(False))
        return found

    def present(self) -> Bools:
        """All of them."""
        return np.ones(self.values.size, np.bool_)


@dataclass(frozen=True, slots=True)
class Times:
    """When each row was seen."""

    times_ns: I64
    began_ns: int

    def passes(self, check: Check) -> Bools:
        """Rows at such a time."""
        if isinstance(check, Moment):
            return check.over(self.times_ns, self.began_ns)
        return by_value(self.times_ns, lambda time_ns: check.holds(When(int(time_ns), self.began_ns)))

    def present(self) -> Bools:
        """All of them."""
        return np.ones(self.times_ns.size, np.bool_)


@dataclass(frozen=True, slots=True)
class Ends:
    """Addresses: hosts and ports as the packet table holds them."""

    table: PacketTable
    hosts: U32
    ports: U16
    six: Bools | None = None
    """Rows whose host is an index into the table's IPv6 hosts; None: none."""
    there: Bools | None = None
    told: Told | None = None
    """Answers that are kept from one stretch to the next."""

    def passes(self, check: Check) -> Bools:
        """Rows whose address passes."""
        if isinstance(check, Within):
            found = self._within(check)
        elif isinstance(check, Contains):
            found = self._containing(check)
        else:
            found = self._one_by_one(check)
        return found if self.there is None else found & self.there

    def present(self) -> Bools:
        """Rows with an address."""
        return np.ones(self.hosts.size, np.bool_) if self.there is None else self.there

    def _within(self, check: Within) -> Bools:
        found = check.over(self.hosts)
        if self.six is not None and self.six.any():
            hosts6 = [
                number for number in range(len(self.table.hosts6)) if check.has_host(self.table.host(number, True))
            ]
            six: Bools = np.isin(self.hosts, np.array(hosts6, np.uint32))
            found = np.where(self.six, six, found)
        if check.port is not None:
            found &= self.ports == check.port
        return found

    def _containing(self, check: Contains) -> Bools:
        """A part of the text of an address lies in the host, in the port, or on both sides of the colon."""
        six = None if self.six is None or not self.six.any() else self.six
        found = np.zeros(self.hosts.size, np.bool_)
        if not set(check.part) - _IN_ADDRESSES:
            host, colon, port = check.part.partition(":")
            if not colon:
                found = self._by_value("host", check, self.hosts, lambda number: host in host_text(number))
                found = found | self._by_value("port", check, self.ports, lambda number: host in str(number))
            elif ":" not in port:
                found = self._by_value("host", check, self.hosts, lambda number: host_text(number).endswith(host))
                found &= self._by_value("port", check, self.ports, lambda number: str(number).startswith(port))
        if six is not None:
            rows = np.flatnonzero(six)
            found[rows] = Ends(self.table, self.hosts[rows], self.ports[rows], six[rows])._one_by_one(check)
        return found

    def _one_by_one(self, check: Check) -> Bools:
        six = 0 if self.six is None else self.six.astype(np.int64) << 48
        packed: I64 = (self.hosts.astype(np.int64) << 16) | self.ports | six
        return self._by_value("address", check, packed, lambda end: check.holds(self._address(int(end))))

    def _by_value(self, what: str, check: Check, values: Array, holds: Callable[[int], bool]) -> Bools:
        return by_value(values, holds, None if self.told is None else self.told.setdefault((what, check), {}))

    def _address(self, packed: int) -> Address:
        return Address(self.table.host(packed >> 16 & 0xFFFFFFFF, bool(packed >> 48)), packed & 0xFFFF)


@dataclass(frozen=True, slots=True)
class Sparse:
    """Values that only some rows have, perhaps several for one row."""

    size: int
    """Rows of the stretch."""
    rows: I64
    """Which row each value is of."""
    values: Column

    def passes(self, check: Check) -> Bools:
        """Rows with a value that passes."""
        return self._at(self.values.passes(check))

    def present(self) -> Bools:
        """Rows with a value."""
        return self._at(self.values.present())

    def _at(self, chosen: Bools) -> Bools:
        found = np.zeros(self.size, np.bool_)
        found[self.rows[chosen]] = True
        return found


def by_value(values: Array, holds: Callable[[int], bool], told: dict[int, bool] | None = None) -> Bools:
    """A check that only knows single values, asked once for each different one.

    Args:
        values: a column.
        holds: the check.
        told: what it has said so far, and gets what it says now.
    """
    if told is not None:
        known, ask = told, holds

        def holds(value: int) -> bool:
            found = known.get(value)
            if found is None:
                found = known[value] = ask(value)
            return found

    if values.dtype == np.uint16:
        used = np.flatnonzero(np.bincount(values, minlength=1))
        lookup = np.zeros(int(used[-1]) + 1 if used.size else 1, np.bool_)
        lookup[used] = [holds(value) for value in used.tolist()]
        at: Bools = lookup[values]
        return at
    different = distinct(values.ravel())
    passing = np.fromiter((holds(value) for value in different.tolist()), np.bool_, different.size)
    found: Bools = passing[np.searchsorted(different, values)] if different.size else np.zeros(values.size, np.bool_)
    return found
