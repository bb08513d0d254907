"""A mapping that forgets: the least recently used beyond a size or a weight, and everything beyond an age."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class AgedCache(Generic[K, V]):
    """Least-recently-used cache with an age limit; setting a key renews its age, reading it only its place.

    The reference's cache (npm xache 1.3.0) rotates two generations, so that an entry lives for 2/3 to 4/3 of the
    given age; here it is exact.

    Args:
        max_size: entries.
        max_age: seconds.
        max_weight: sum of the weights given to `set`.
    """

    def __init__(self, max_size: int, max_age: float, max_weight: int | None = None) -> None:
        self._max_size = max_size
        self._max_age = max_age
        self._max_weight = max_weight
        self._entries: OrderedDict[K, tuple[V, float, int]] = OrderedDict()
        self._weight = 0

    def __len__(self) -> int:
        """Entries held, some of which may be too old to be read."""
        return len(self._entries)

    @property
    def weight(self) -> int:
        """Sum of the weights of the entries held."""
        return self._weight

    def keys(self) -> Iterator[K]:
        """Keys held, least recently used first."""
        return iter(self._entries)

    def get(self, key: K, now: float) -> V | None:
        """The value of `key`, unless it is absent or too old."""
        entry = self._entries.get(key)
        if entry is None:
            return None
        if now - entry[1] >= self._max_age:
            self.pop(key)
            return None
        self._entries.move_to_end(key)
        return entry[0]

    def set(self, key: K, value: V, now: float, weight: int = 0) -> None:
        """Put `value` in, and forget what no longer fits: the old, then the least recently used."""
        self.pop(key)
        self._entries[key] = (value, now, weight)
        self._weight += weight
        while self._entries and self._is_over(now):
            self.pop(next(iter(self._entries)))

    def pop(self, key: K) -> V | None:
        """Take an entry out, whatever its age."""
        entry = self._entries.pop(key, None)
        if entry is None:
            return None
        self._weight -= entry[2]
        return entry[0]

    def _is_over(self, now: float) -> bool:
        oldest = next(iter(self._entries.values()))
        return (
            len(self._entries) > self._max_size
            or (self._max_weight is not None and self._weight > self._max_weight)
            or now - oldest[1] >= self._max_age
        )
