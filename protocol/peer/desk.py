"""A gate with a person at it: steps of our own peer wait on a desk until they are let go.

Each kind of act is done by hand or by itself. A step by hand waits, for as long as it takes, while the machine behind
it, other attempts and the network go on; it may be changed meanwhile. What is then done with it:

| by hand | what the machine behind takes it for |
|---|---|
| send | sent |
| leave out | lost: a request without an answer, an answer not sent, a punch not fired |
| skip | not there: it goes on with what comes next |
| put off | not there, but the step stays here and can be sent when others have gone before it |
| delay | sent, so many seconds later |
| repeat | nothing: it goes once more, the same or changed, and what comes back is not waited for |

The desk has no clock: `next_timeout` says when a delayed step is due, and whoever runs the peer calls `handle_timeout`.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Final

from protocol.peer.held_steps import DoneStep, Fate, HeldStep, NotHeldError
from protocol.peer.steps import Act, Attempt, HolepunchStep, Let, NoiseStep, Release, Sending, Skipped, Step
from protocol.peer.waits import Waits

__all__ = ("Desk", "DoneStep", "Fate", "HeldStep", "NotHeldError", "is_over")

LIMIT: Final = 256
"""Steps that wait at once; then the one that waits longest goes its way, and is counted."""
KEPT: Final = 2000
"""Steps that went, and are kept to be looked at and repeated."""


@dataclass(slots=True)
class _Kept:
    step: HeldStep
    release: Release


class Desk:
    """The gate of one peer.

    Args:
        by_hand: what waits; everything else goes by itself, and is listed.
        limit: steps that wait at once.
        kept: steps that went and are listed.
    """

    def __init__(self, by_hand: Iterable[Act] = Act, *, limit: int = LIMIT, kept: int = KEPT) -> None:
        self.by_hand = set(by_hand)
        """Acts whose steps wait."""
        self.counts: Counter[Fate] = Counter()
        self.forgotten = 0
        """Steps that went and are listed no more."""
        self.on_change: Callable[[], None] | None = None
        """Called after anything has changed."""
        self._limit = limit
        self._kept = kept
        self._held: dict[int, _Kept] = {}
        self._done: deque[DoneStep] = deque()
        self._again: dict[int, Sending] = {}
        self._waits = Waits()
        self._numbers = 0

    def __call__(self, step: Step, release: Release, now: float) -> None:
        """Take a step from the machine: the face of a `Gate`."""
        self._numbers += 1
        number = self._numbers
        self._waits.came(step, now)
        if step.act not in self.by_hand:
            self._finish(number, step, step, Fate.BY_ITSELF, release, now)
            release(step, now)
            self._changed()
            return
        held = HeldStep(number, step, step, now, self._waits.timers(step, now))
        self._held[number] = _Kept(held, release)
        while len(self._held) > self._limit:
            self._go(next(iter(self._held)), now, Fate.OVERTAKEN)
        self._changed()

    @property
    def held(self) -> tuple[HeldStep, ...]:
        """What waits, in the order in which `let_all_go` lets it go."""
        return tuple(kept.step for kept in self._held.values())

    @property
    def done(self) -> tuple[DoneStep, ...]:
        """What went, the oldest first."""
        return tuple(self._done)

    # What a person does.

    def edit(self, number: int, step: Step) -> None:
        """Change a step before it goes.

        Raises:
            NotHeldError: it does not wait any more, or this is another kind of step.
        """
        kept = self._kept_of(number)
        if type(step) is not type(kept.step.came) or step.act is not kept.step.came.act:
            raise NotHeldError("a step can't become one of another kind")
        if isinstance(step, NoiseStep | HolepunchStep):
            try:
                _ = step.sealed_bytes
            except ValueError as error:
                raise NotHeldError(f"this can't be written: {error}") from None
        kept.step = replace(kept.step, step=step)
        self._changed()

    def revert(self, number: int) -> None:
        """Take all changes back."""
        kept = self._kept_of(number)
        kept.step = replace(kept.step, step=kept.step.came)
        self._changed()

    def send(self, number: int, now: float) -> None:
        """Let it go, as it is now."""
        self._kept_of(number)
        self._go(number, now)
        self._changed()

    def leave_out(self, number: int, now: float) -> None:
        """Let it be lost."""
        self._end(number, None, Fate.LEFT_OUT, now)

    def skip(self, number: int, now: float) -> None:
        """Let the machine go on without it."""
        came = self._kept_of(number).step.came
        self._end(number, Skipped(came.act, came.connection), Fate.SKIPPED, now)

    def put_off(self, number: int, now: float) -> None:
        """Let the machine go on without it, and keep it to be sent later.

        Raises:
            NotHeldError: it can't be sent at any other time than now, or was put off before.
        """
        kept = self._kept_of(number)
        held = kept.step
        if not isinstance(kept.release, Sending):
            raise NotHeldError("nothing can come before this step")
        if held.put_off:
            raise NotHeldError("the machine has gone on without it already: send it when you like")
        kept.step = replace(held, put_off=True, timers=())
        del self._held[number]
        self._held[number] = kept
        kept.release(Skipped(held.came.act, held.came.connection), now)
        self._changed()

    def delay(self, number: int, seconds: float, now: float) -> None:
        """Let it go by itself after so many seconds."""
        kept = self._kept_of(number)
        kept.step = replace(kept.step, due=now + seconds)
        self._changed()

    def repeat(self, number: int, now: float, step: Step | None = None) -> None:
        """Send a step that went once more, the same or with changes.

        Raises:
            NotHeldError: it has not gone yet, is forgotten, or can go only once.
        """
        again = self._again.get(number)
        if again is None:
            waits = number in self._held
            raise NotHeldError("send it first" if waits else "a step of this kind goes only once, or is forgotten")
        before = next(done for done in self._done if done.number == number)
        wanted = step or before.sent or before.came
        self._numbers += 1
        self._finish(self._numbers, before.came, wanted, Fate.REPEATED, again, now)
        again.again(wanted, now)
        self._changed()

    def let_all_go(self, now: float, act: Act | None = None) -> None:
        """Send everything that waits, or all of one kind."""
        for number, kept in tuple(self._held.items()):
            if number in self._held and act in (None, kept.step.came.act):
                self._go(number, now)
        self._changed()

    def run_by_itself(self, now: float, act: Act | None = None) -> None:
        """From here on everything goes by itself, or all of one kind; what waits goes now."""
        self.by_hand -= set(Act) if act is None else {act}
        self.let_all_go(now, act)

    def take_in_hand(self, act: Act | None = None) -> None:
        """From here on everything waits, or all of one kind."""
        self.by_hand |= set(Act) if act is None else {act}
        self._changed()

    # Time.

    def next_timeout(self) -> float | None:
        """When `handle_timeout` is due."""
        return min((kept.step.due for kept in self._held.values() if kept.step.due is not None), default=None)

    def handle_timeout(self, now: float) -> None:
        """Let go what is due."""
        due = [number for number, kept in self._held.items() if kept.step.due is not None and kept.step.due <= now]
        for number in due:
            if number in self._held:
                self._go(number, now)
        if due:
            self._changed()

    def sweep(self, now: float) -> None:
        """Take steps off the desk whose attempt is over; those that were put off stay, for they can still be sent."""
        over = [
            number
            for number, kept in self._held.items()
            if not kept.step.put_off and is_over(kept.step.came.connection)
        ]
        for number in over:
            if number in self._held:
                self._end(number, None, Fate.TOO_LATE, now)

    def _kept_of(self, number: int) -> _Kept:
        kept = self._held.get(number)
        if kept is None:
            raise NotHeldError("the step does not wait any more")
        return kept

    def _go(self, number: int, now: float, fate: Fate | None = None) -> None:
        kept = self._held.pop(number)
        held = kept.step
        if held.put_off and isinstance(kept.release, Sending):
            self._finish(number, held.came, held.step, Fate.LATE, kept.release, now)
            kept.release.again(held.step, now)
            return
        self._finish(
            number, held.came, held.step, fate or (Fate.EDITED if held.edited else Fate.SENT), kept.release, now
        )
        kept.release(held.step, now)

    def _end(self, number: int, let: Let, fate: Fate, now: float) -> None:
        kept = self._kept_of(number)
        del self._held[number]
        self._finish(number, kept.step.came, None, fate, kept.release, now)
        if not kept.step.put_off:
            kept.release(let, now)
        self._changed()

    def _finish(self, number: int, came: Step, sent: Step | None, fate: Fate, release: Release, now: float) -> None:
        if sent is not None:
            self._waits.went(sent, now)
        self.counts[fate] += 1
        if isinstance(release, Sending):
            self._again[number] = release
        self._done.append(DoneStep(number, came, sent, fate, now, isinstance(release, Sending)))
        while len(self._done) > self._kept:
            self._again.pop(self._done.popleft().number, None)
            self.forgotten += 1

    def _changed(self) -> None:
        if self.on_change is not None:
            self.on_change()


def is_over(connection: Attempt) -> bool:
    """Whether nothing more can come of an attempt."""
    return getattr(connection, "closing", None) is not None
