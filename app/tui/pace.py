"""How often a live screen looks: as often as it can with a small part of one processor.

What a look costs depends on the network, the attempt on screen and the machine. Looks at fixed times would take more
and more of the processor from the peers whose packets are shown, which live by timers.
"""

from __future__ import annotations

from typing import Final

SHARE: Final = 1 / 25
"""Part of one processor that looks may take."""
LONGEST: Final = 1.0
"""Seconds after which a look comes whatever it costs."""


def pause_after(spent: float, least: float) -> float:
    """Seconds until the next look.

    Args:
        spent: seconds of processor time that the last one took, with all that was painted since.
        least: pause after a look that costs nothing; may be above `LONGEST`.
    """
    return max(least, min(spent / SHARE, LONGEST))
