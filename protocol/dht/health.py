"""Whether the network answers: online, degraded or offline, judged each tick from the last four.

| of a tick with at least 4 answers and timeouts | is called |
|---|---|
| no answer | offline |
| more timeouts than answers | degraded |
| otherwise | healthy |

Offline after two offline ticks in a row, online with the next that is not; degraded when all four ticks were, and no
more when all four were healthy.

Source: npm dht-rpc 6.27.0 (lib/health.js).
"""

from __future__ import annotations

from collections import deque
from enum import StrEnum
from typing import Final

_TICKS: Final = 4
_OFFLINE_TICKS: Final = 2
_IDLE: Final = 4


class Health(StrEnum):
    """How well the network answers."""

    ONLINE = "online"
    DEGRADED = "degraded"
    OFFLINE = "offline"


class NetworkHealth:
    """Judges from running totals, given once a tick."""

    def __init__(self) -> None:
        self._totals: deque[tuple[int, int]] = deque(maxlen=_TICKS)
        self._ticks: deque[Health | None] = deque(maxlen=_TICKS)
        self._offline_ticks = 0
        self._online = True
        self._degraded = False

    @property
    def state(self) -> Health:
        """What the ticks so far say; online to begin with."""
        if not self._online:
            return Health.OFFLINE
        return Health.DEGRADED if self._degraded else Health.ONLINE

    def reset(self) -> None:
        """Forget all ticks, as after a sleep."""
        self.__init__()  # type: ignore[misc]

    def update(self, responses: int, timeouts: int) -> Health:
        """Take in the totals at the end of a tick; the new state.

        Args:
            responses: responses received since the start.
            timeouts: requests that timed out for good since the start.
        """
        before = self._totals[-1] if self._totals else (responses, timeouts)
        self._totals.append((responses, timeouts))
        self._ticks.append(None)
        answered, lost = responses - before[0], timeouts - before[1]
        if len(self._totals) < _TICKS or answered + lost < _IDLE:
            return self.state
        tick = Health.OFFLINE if not answered else Health.DEGRADED if lost > answered else Health.ONLINE
        self._ticks[-1] = tick
        self._offline_ticks = self._offline_ticks + 1 if tick is Health.OFFLINE else 0
        if tick is not Health.OFFLINE:
            self._online = True
        elif self._offline_ticks >= _OFFLINE_TICKS:
            self._online = False
        if not self._online or self._ticks.count(Health.ONLINE) == _TICKS:
            self._degraded = False
        elif self._ticks.count(Health.DEGRADED) == _TICKS:
            self._degraded = True
        return self.state
