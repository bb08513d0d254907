"""Which attempts of a live story are over, so that a headless report can print each once.

Nothing on the wire says that an attempt is over. It counts as concluded when no message of it came for a while: a short
one after it connected, a longer one before, as hyperdht itself waits up to ten seconds between two signs of life.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Final

from capture.clock_jumps import Jump, passed
from capture.model import Flow, Outcome, VerdictCode

QUIET_CONNECTED: Final = 2.0
"""Seconds of silence after which a connected attempt is over."""
QUIET_OTHERWISE: Final = 15.0
"""The same for one that is not connected: longer than any wait inside an attempt."""
_FEW: Final = 64


class Conclusions:
    """Remembers which attempts were told, and with which verdict."""

    def __init__(self) -> None:
        self._told: dict[str, VerdictCode] = {}

    def fresh(self, flows: Collection[Flow], now: float, jumps: Sequence[Jump] = ()) -> list[Flow]:
        """Attempts that concluded since the last call, and told ones whose verdict is another one now.

        Args:
            flows: all attempts of the story.
            now: epoch seconds on the clock of the capture (`app.capture_clock`).
            jumps: of that clock.
        """
        if len(self._told) > 2 * len(flows) + _FEW:
            # Attempts that were let go to stay within a bound don't come back.
            self._told = {flow.id: self._told[flow.id] for flow in flows if flow.id in self._told}
        return self._tell(flow for flow in flows if flow.id in self._told or _is_over(flow, now, jumps))

    def told(self, flow: Flow) -> bool:
        """Whether the attempt was told as it is now."""
        return self._told.get(flow.id) is flow.verdict.code

    def rest(self, flows: Iterable[Flow]) -> list[Flow]:
        """At the end: everything that was not told, over or not."""
        return self._tell(flows)

    def _tell(self, flows: Iterable[Flow]) -> list[Flow]:
        fresh = [flow for flow in flows if self._told.get(flow.id) is not flow.verdict.code]
        self._told.update((flow.id, flow.verdict.code) for flow in fresh)
        return fresh


def _is_over(flow: Flow, now: float, jumps: Sequence[Jump]) -> bool:
    silence = passed(jumps, flow.ended, now)
    # Its outcome has to be worked out: not before it can matter.
    return silence >= QUIET_CONNECTED and (silence >= QUIET_OTHERWISE or flow.outcome is Outcome.CONNECTED)
