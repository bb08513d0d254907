"""Peers announced under targets: many to a target, each forgotten after its time.

Source: npm record-cache 1.2.0 (index.js), hyperdht 6.34.0 (lib/persistent.js).
"""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from random import Random

Key = tuple[bytes, bytes]


class RecordStore:
    """Encoded peer records by target and public key; the oldest give way beyond a size.

    The reference forgets a record after 2/3 to 4/3 of the given age, and an announcement that comes again does not
    replace the record; here the age is exact, and the newest record counts.

    Args:
        random: picks what is read where there is more than asked for.
        max_size: records of all targets.
        max_age: seconds.
        per_target: records of one target.
    """

    def __init__(self, random: Random, max_size: int, max_age: float, per_target: int) -> None:
        self._random = random
        self._max_size = max_size
        self._max_age = max_age
        self._per_target = per_target
        self._added: OrderedDict[Key, float] = OrderedDict()
        self._by_target: dict[bytes, dict[bytes, bytes]] = {}

    def __len__(self) -> int:
        """Records held."""
        return len(self._added)

    def add(self, target: bytes, public_key: bytes, record: bytes, now: float) -> None:
        """Put a record in, or in the place of the one with its key."""
        self.remove(target, public_key)
        self.expire(now)
        records = self._by_target.setdefault(target, {})
        if len(records) >= self._per_target:
            self.remove(target, next(iter(records)))
            records = self._by_target.setdefault(target, {})
        records[public_key] = record
        self._added[target, public_key] = now
        if len(self._added) > self._max_size:
            self.remove(*next(iter(self._added)))

    def remove(self, target: bytes, public_key: bytes) -> None:
        """Take a record out, if it is in."""
        if self._added.pop((target, public_key), None) is None:
            return
        records = self._by_target[target]
        del records[public_key]
        if not records:
            del self._by_target[target]

    def get(self, target: bytes, count: int, now: float) -> list[bytes]:
        """Up to `count` records of a target, any of them where there are more."""
        self.expire(now)
        records = tuple(self._by_target.get(target, {}).values())
        return self._random.sample(records, count) if len(records) > count else list(records)

    def expire(self, now: float) -> None:
        """Forget what is too old."""
        while self._added:
            key, added = next(iter(self._added.items()))
            if now - added < self._max_age:
                return
            self.remove(*key)
