"""How many attempts failed, counted while they change: in the thread that works attempts out, and between two keys."""

from __future__ import annotations

import threading
from collections.abc import Set

from capture.model import Flow, Outcome


class Outcomes:
    """How each attempt ended, as far as that is known.

    Attributes:
        failed: how many of them failed.
    """

    def __init__(self) -> None:
        self.failed = 0
        self._known: dict[str, Outcome] = {}
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._known)

    def __contains__(self, id_: str) -> bool:
        return id_ in self._known

    def all_but(self, ids: Set[str]) -> Set[str]:
        """Ids of the attempts that are known and not among these."""
        return self._known.keys() - ids

    def note(self, flow: Flow, *, unless_known: bool = False) -> None:
        """Take in how an attempt ended.

        Args:
            flow: it; to read its outcome may take long, in which a newer state of it may be noted.
            unless_known: leave what is known, which is at least as new.
        """
        outcome = flow.outcome
        with self._lock:
            if not (unless_known and flow.id in self._known):
                self.failed -= self._known.get(flow.id) is Outcome.FAILED
                self._known[flow.id] = outcome
                self.failed += outcome is Outcome.FAILED

    def forget(self, gone: Set[str]) -> None:
        """These are no attempts any more, or not of concern."""
        with self._lock:
            for id_ in gone & self._known.keys():
                self.failed -= self._known.pop(id_) is Outcome.FAILED
