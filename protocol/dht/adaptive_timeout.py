"""How long to wait for a reply, from the round trips that a node has shown.

| known | timeout of the n-th send |
|---|---|
| nothing | fallback: 0.25, 0.5, 1, 2, 4 s, plus jitter |
| round trips | n times (average + 2 times deviation), plus jitter, between 0.3 and 4 s |

Average and deviation are smoothed by 1/8 and 1/4. Jitter is up to 0.256 s.

Source: npm adaptive-timeout 1.0.1 (index.js), which dht-rpc uses when asked to; otherwise each send waits 1 s.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from protocol.dht.aged_cache import AgedCache
from protocol.messages import Address

if TYPE_CHECKING:
    from random import Random

MIN_TIMEOUT: Final = 0.3
MAX_TIMEOUT: Final = 4.0
MAX_JITTER: Final = 0.256
FALLBACK: Final = (0.25, 0.5, 1.0, 2.0, 4.0)
MAX_NODES: Final = 65536
MAX_AGE: Final = 600.0


class _RoundTrip(NamedTuple):
    average: float
    deviation: float


class AdaptiveTimeout:
    """Remembers the round trips of up to 65536 nodes for ten minutes."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self._nodes: AgedCache[Address, _RoundTrip] = AgedCache(MAX_NODES, MAX_AGE)

    def measured(self, node: Address, rtt: float, now: float) -> None:
        """Take in one round trip, in seconds."""
        known = self._nodes.get(node, now)
        if known is None:
            self._nodes.set(node, _RoundTrip(rtt, rtt / 2), now)
            return
        deviation = known.deviation + (abs(known.average - rtt) - known.deviation) / 4
        self._nodes.set(node, _RoundTrip(known.average + (rtt - known.average) / 8, deviation), now)

    def timeout(self, node: Address, attempt: int, now: float) -> float:
        """Seconds to wait after the `attempt`-th send, counted from 1."""
        jitter = self._random.random() * MAX_JITTER
        known = self._nodes.get(node, now)
        if known is None:
            return FALLBACK[min(attempt, len(FALLBACK)) - 1] + jitter
        return min(max((known.average + 2 * known.deviation) * attempt + jitter, MIN_TIMEOUT), MAX_TIMEOUT)
