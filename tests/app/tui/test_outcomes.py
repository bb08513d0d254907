"""How many attempts failed, counted from two sides."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import cast

from app.tui.outcomes import Outcomes
from capture.model import Flow, Outcome


@dataclass
class Ending:
    """An attempt of which something is noted while its outcome is read."""

    id: str
    ended: Outcome
    meanwhile: list[Flow] = field(default_factory=list)
    into: Outcomes | None = None

    @property
    def outcome(self) -> Outcome:
        while self.meanwhile and self.into is not None:
            self.into.note(self.meanwhile.pop())
        return self.ended


def flow(id_: str, ended: Outcome) -> Flow:
    return cast("Flow", Ending(id_, ended))


def test_an_attempt_that_goes_on_is_counted_once() -> None:
    outcomes = Outcomes()
    for ended in (Outcome.UNKNOWN, Outcome.FAILED, Outcome.FAILED, Outcome.CONNECTED):
        outcomes.note(flow("a", ended))
    outcomes.note(flow("b", Outcome.FAILED))
    assert (outcomes.failed, len(outcomes)) == (1, 2)
    outcomes.forget({"b", "c"})
    assert (outcomes.failed, len(outcomes), "b" in outcomes) == (0, 1, False)
    assert outcomes.all_but(set()) == {"a"}


def test_what_is_known_meanwhile_is_newer() -> None:
    """Counting between two keys reads an old state of an attempt; the other thread has noted the newest."""
    outcomes = Outcomes()
    old = Ending("a", Outcome.FAILED, [flow("a", Outcome.CONNECTED)], outcomes)
    outcomes.note(cast("Flow", old), unless_known=True)
    assert (outcomes.failed, len(outcomes)) == (0, 1)
