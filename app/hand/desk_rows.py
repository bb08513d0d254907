"""A desk as a list: attempts, under each its steps in the order in which they came, then those that are yet to come."""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

from app.hand.desk import DeskView
from protocol.peer.desk import DoneStep, HeldStep, is_over
from protocol.peer.steps import Act, Attempt

CLIENT_PLAN: Final = (
    Act.FIND,
    Act.OFFER,
    Act.ASK,
    Act.SAMPLE,
    Act.SESSION,
    Act.PROBE,
    Act.PUNCH,
    Act.BARRAGE,
    Act.STREAM,
)
"""What a client that has to punch usually comes to."""
SERVER_PLAN: Final = (Act.ANSWER, Act.SAMPLE, Act.REPLY, Act.PING, Act.BARRAGE, Act.STREAM)


class RowKind(Enum):
    """What a row shows."""

    ATTEMPT = auto()
    STEP = auto()
    COMING = auto()
    """A step that is yet to come, perhaps."""


@dataclass(frozen=True, slots=True)
class DeskRow:
    """One row; a step is held or done."""

    kind: RowKind
    connection: Attempt
    held: HeldStep | None = None
    done: DoneStep | None = None
    act: Act | None = None
    """Of a step."""
    waiting: int = 0
    """Of an attempt: steps of it that are held."""
    folded: bool = False
    """Of an attempt: its steps are not shown."""

    @property
    def key(self) -> tuple[int, int, Act | None]:
        """What names the row while the list grows."""
        number = self.held.number if self.held is not None else self.done.number if self.done is not None else 0
        return (id(self.connection), number, None if number else self.act)


def initiates(connection: Attempt) -> bool:
    """Whether we are the client of an attempt."""
    return bool(getattr(connection, "initiator", True))


def rows_of(view: DeskView, turned: Container[int] = ()) -> tuple[DeskRow, ...]:
    """The list.

    Args:
        view: the desk.
        turned: ids of attempts that are shown otherwise than usual. Those that are over are folded, where there are
            several.
    """
    steps: dict[int, list[tuple[int, HeldStep | DoneStep]]] = {}
    attempts: dict[int, Attempt] = {}
    everything: tuple[HeldStep | DoneStep, ...] = (*view.done, *view.held)
    for one in everything:
        connection = one.came.connection
        attempts[id(connection)] = connection
        steps.setdefault(id(connection), []).append((one.number, one))
    rows: list[DeskRow] = []
    # Those that were begun last stand last, as in a log.
    for key in sorted(steps, key=lambda key: min(number for number, _ in steps[key])):
        connection = attempts[key]
        own = [one for _, one in sorted(steps[key], key=lambda pair: pair[0])]
        waiting = sum(isinstance(one, HeldStep) for one in own)
        folded = (is_over(connection) and not waiting and len(steps) > 1) != (key in turned)
        rows.append(DeskRow(RowKind.ATTEMPT, connection, waiting=waiting, folded=folded))
        if folded:
            continue
        for one in own:
            held = one if isinstance(one, HeldStep) else None
            done = one if isinstance(one, DoneStep) else None
            rows.append(DeskRow(RowKind.STEP, connection, held, done, one.came.act))
        rows += _coming(connection, {one.came.act for one in own})
    return tuple(rows)


def _coming(connection: Attempt, seen: set[Act]) -> list[DeskRow]:
    """Steps of the usual plan behind the last one that was seen."""
    if is_over(connection) or Act.STREAM in seen:
        return []
    plan = CLIENT_PLAN if initiates(connection) else SERVER_PLAN
    last = max((plan.index(act) for act in seen if act in plan), default=-1)
    return [DeskRow(RowKind.COMING, connection, act=act) for act in plan[last + 1 :]]
