"""How often a live screen looks: as often as it can with some part of one processor.

What a look costs depends on the network, the attempt on screen and the machine. Where peers of ours run in the same
process (a node, the demo), looks at fixed times would take more and more of the processor from them, and they live by
timers: there looks take a small part. A capture has nobody to make room for but the thread that takes its packets off
the socket: there a packet is to be on screen within a tenth of a second.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from capture.flow import Flow
    from capture.flows.waiting import Haste

SHARE: Final = 1 / 25
"""What looks may take in relation to the pauses between them, where peers run in this process."""
LEAST: Final = 0.1
"""Least seconds between two looks, where peers run in this process."""
LEAST_ALONE: Final = 0.003
"""The same for captures: keys get their turn."""
PERIOD: Final = 0.028
"""Seconds from the beginning of a look at a capture to that of the next: 35 a second."""
PATIENCE: Final = 0.03
"""Seconds for which a list has to stand still before what is selected in it is drawn: held keys come as often."""
FOLLOWED: Final = 0.5
"""Least seconds between two drawings of the newest attempt, where it is followed in a capture."""
RARELY: Final = 100
"""Times as long as such a drawing took, until the next one where hundreds of attempts go on: nobody can follow them."""
AFTER_PAINT: Final = 0.025
"""Seconds after a look by which the list has been painted: Textual paints 120 times a second at most (`app.tui`)."""
LONGEST: Final = 1.0
"""Seconds after which a look comes whatever it costs."""

FEW: Final = 16
"""Attempts that a look works out anew, besides those on screen: some 6 ms."""
MANY: Final = 48
"""The same at most, where many wait."""
AT_ONCE: Final = 4
"""The same before what is new is painted."""
CROWD: Final = 200
"""So many waiting attempts that the newest ones pass faster than anybody reads."""


def haste_of(waiting: int, seen: Iterable[Flow], *, brisk: bool, again: bool) -> Haste:
    """What one look may do.

    Args:
        waiting: attempts that changed and that earlier looks have not come to.
        seen: attempts that are on screen.
        brisk: whether the screen is to be painted first.
        again: whether nobody looked for new packets since the last time.
    """
    from capture.flows.waiting import Haste

    ids = tuple(flow.id for flow in seen)
    return Haste(AT_ONCE, ids) if brisk else Haste(min(MANY, FEW + waiting // 32), ids, again)


def pause_after(spent: float, least: float) -> float:
    """Seconds until the next look.

    Args:
        spent: seconds of processor time that the last one took, with all that was painted since.
        least: pause after a look that costs nothing; may be above `LONGEST`.
    """
    return max(least, min(spent / SHARE, LONGEST))


def pause_alone(passed: float, least: float) -> float:
    """Seconds until the next look, where nobody else needs the processor.

    Args:
        passed: seconds since the last one began.
        least: seconds that are left to keys at least.
    """
    return max(least, PERIOD - passed)
