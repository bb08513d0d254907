"""Targets of requests as a column: 32 bytes each, compared as hex."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from capture.arrays import I64, U64, Bools, distinct
from capture.filter.checks import Begins, Check, Contains
from capture.flows.wire_columns import INLINE, KEY_SIZE, after_keys, byte_at, flags_at, whole_payloads
from capture.table import PacketTable
from protocol.envelope import decode_request
from protocol.errors import DecodeError

_HEX: Final = frozenset("0123456789abcdef")
_HEAD: Final = 16
"""Hex digits that the packet table holds of a target."""


@dataclass(frozen=True, slots=True)
class Targets:
    """The targets of some requests."""

    table: PacketTable
    rows: I64
    """Requests that name a target."""

    def passes(self, check: Check) -> Bools:
        """Those whose target passes."""
        if isinstance(check, Begins):
            return self._begins(check)
        if isinstance(check, Contains) and set(check.part) - _HEX:
            return np.zeros(self.rows.size, np.bool_)
        return self._asked_once(check)

    def present(self) -> Bools:
        """Those whose target the capture kept."""
        kept = np.ones(self.rows.size, np.bool_)
        cut = np.flatnonzero(self.table.wire_length[self.rows] > self.table.length[self.rows])
        for place in cut.tolist():
            kept[place] = self._target(place) is not None
        return kept

    def _begins(self, check: Begins) -> Bools:
        digits = check.digits[:_HEAD]
        wanted = np.uint64(int(digits, 16))
        heads = self.table.target8[self.rows]
        found: Bools = heads >> np.uint64(64 - 4 * len(digits)) == wanted if len(digits) < _HEAD else heads == wanted
        doubtful = found & (self.table.wire_length[self.rows] > self.table.length[self.rows])
        if len(check.digits) > _HEAD:
            doubtful = found
        for place in np.flatnonzero(doubtful).tolist():
            target = self._target(place)
            found[place] = target is not None and check.holds(target)
        return found

    def _asked_once(self, check: Check) -> Bools:
        """Ask of one request of each group with the same first bytes; of others that turn out different, one by one."""
        heads = self.table.target8[self.rows]
        different = distinct(heads)
        group = np.searchsorted(different, heads)
        first = np.zeros(different.size, np.int64)
        first[group[::-1]] = np.arange(self.rows.size)[::-1]
        found: Bools = np.fromiter((self._holds(check, place) for place in first.tolist()), np.bool_, first.size)[group]
        whole, known = self._whole()
        same = known & known[first][group] & (whole == whole[first][group]).all(axis=1)
        for place in np.flatnonzero(~same).tolist():
            found[place] = self._holds(check, place)
        return found

    def _whole(self) -> tuple[U64, Bools]:
        """All bytes of the targets, where they stand at their usual place."""
        whole = np.zeros((self.rows.size, 4), np.uint64)
        known = np.zeros(self.rows.size, np.bool_)
        if not self.table.segments:
            return whole, known
        for raw, index, start, length in whole_payloads(self.table, self.rows):
            at = after_keys(start, flags_at(raw, start))
            usual = (byte_at(raw, at) <= INLINE) & (at + 1 + KEY_SIZE <= start + length)
            whole[index[usual]] = raw.gather(at[usual] + 1, np.dtype("V32")).view("<u8").reshape(-1, 4)
            known[index[usual]] = True
        return whole, known

    def _holds(self, check: Check, place: int) -> bool:
        target = self._target(place)
        return target is not None and check.holds(target)

    def _target(self, place: int) -> str | None:
        row = int(self.rows[place])
        cut = bool(self.table.wire_length[row] > self.table.length[row])
        try:
            target = decode_request(self.table.payload(row), cut=cut).target
        except DecodeError:
            return None
        return None if target is None else target.hex()
