"""Sorting attempts by a column whose values have to be worked out first. No widgets, no clock."""

from __future__ import annotations

from collections.abc import Iterable, Sequence, Set
from operator import itemgetter

from app.draw.attempt_columns import BY_ID, Column, Key, Reads
from app.draw.attempts import Order
from capture.model import Flow

_TIME = BY_ID["time"]


class Ordering:
    """An order, and the keys of the attempts that were sorted by it, each worked out once.

    Attempts come in order of time, and attempts with equal keys stay so, whichever way the list is sorted.
    """

    def __init__(self, order: Order) -> None:
        self.order = order
        self.column: Column = BY_ID.get(order.column, _TIME)
        if self.column.key is None:
            self.column = _TIME
        self._keys: dict[str, tuple[Flow, Key]] = {}

    @property
    def free(self) -> bool:
        """Whether no attempt has to be worked out for it."""
        return self.column.reads is Reads.LISTED

    def reversed(self) -> Ordering:
        """The same column the other way round, with what is known of it."""
        other = Ordering(Order(self.order.column, not self.order.reverse))
        other._keys = self._keys
        return other

    def unknown(self, flows: Iterable[Flow]) -> list[Flow]:
        """Those of them whose key is not known yet."""
        keys = self._keys
        return [] if self.free else [one for one in flows if (known := keys.get(one.id)) is None or known[0] is not one]

    def learn(self, flow: Flow, *, release: bool = False) -> None:
        """Work out the key of an attempt; let go of what that took if `release`."""
        assert self.column.key is not None
        self._keys[flow.id] = flow, self.column.key(flow)
        if release and self.column.reads is Reads.DRAWN:
            flow.release()

    def arrange(self, flows: Sequence[Flow]) -> tuple[Flow, ...]:
        """The attempts, which are in order of time, in this order; a key that is not known is worked out now."""
        if self.column.key is _TIME.key:
            return tuple(reversed(flows)) if self.order.reverse else tuple(flows)
        if self.free:
            for flow in flows:
                self.learn(flow)
        else:
            for flow in self.unknown(flows):
                self.learn(flow)
        keys = self._keys
        keyed = [(keys[flow.id][1], flow) for flow in flows]
        known = [one for one in keyed if one[0] is not None]
        known.sort(key=itemgetter(0), reverse=self.order.reverse)
        return tuple(flow for _, flow in known) + tuple(flow for key, flow in keyed if key is None)

    def forget_all_but(self, ids: set[str]) -> None:
        """Let go of the keys of attempts that are no more."""
        self.forget(self._keys.keys() - ids)

    def forget(self, gone: Set[str]) -> None:
        """Let go of the keys of these attempts."""
        for one in gone & self._keys.keys():
            del self._keys[one]
