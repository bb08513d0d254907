"""Attempts on one target in the order of their starts, to find those that an exchange may belong to."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator

from capture.flows.attempt import Attempt


class Started:
    """Some attempts, by when they began."""

    def __init__(self, attempts: Iterable[Attempt]) -> None:
        self._attempts = sorted(attempts, key=_start)
        self._starts = [attempt.started_ns for attempt in self._attempts]

    def add(self, attempt: Attempt) -> None:
        """One more."""
        at = bisect_right(self._starts, attempt.started_ns)
        self._attempts.insert(at, attempt)
        self._starts.insert(at, attempt.started_ns)

    def count(self, time_ns: int) -> int:
        """How many began by a time."""
        return bisect_right(self._starts, time_ns)

    def by(self, time_ns: int) -> Iterator[Attempt]:
        """Those that began by a time, the latest first."""
        return (self._attempts[index] for index in range(self.count(time_ns) - 1, -1, -1))


class Candidates:
    """The attempts on one target, those that have a secret apart from those that have none.

    A secret proves which payloads are its own. So those without one need not be looked at for a payload that a secret
    opens, nor those with one where the capture is too short of keys to have any.
    """

    def __init__(self, attempts: Iterable[Attempt]) -> None:
        known = list(attempts)
        self.everyone = Started(known)
        self.opened = Started(attempt for attempt in known if attempt.holepunch_secret is not None)
        self.closed = Started(attempt for attempt in known if attempt.holepunch_secret is None)

    def add(self, attempt: Attempt) -> None:
        """One more, without a secret."""
        self.everyone.add(attempt)
        self.closed.add(attempt)


def _start(attempt: Attempt) -> int:
    return attempt.started_ns
