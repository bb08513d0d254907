"""Statistics of many attempts: how they ended, which NATs met, how long each stage took, how relays answered."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np

from capture.arrays import Array
from capture.course import Asked, Stage
from capture.figures import FlowFigures
from capture.let_go import NOTHING, Totals
from capture.model import Outcome, VerdictCode
from protocol.address import Address

HISTOGRAM_EDGES: Final = tuple(0.001 * 2**power for power in range(17))
"""Seconds between which durations are counted: from 1 ms on, each bin twice as wide. What is longer or shorter counts
in the last or the first bin."""
MOST_PERIODS: Final = 40
PERIODS: Final = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 43200, 86400)
"""Seconds of a period, of which the shortest is taken that makes no more than `MOST_PERIODS`."""


class VerdictCount(NamedTuple):
    """How often a verdict was reached."""

    code: VerdictCode
    outcome: Outcome
    attempts: int


class PairCount(NamedTuple):
    """Attempts between two NAT classes."""

    client: str
    server: str
    attempts: int
    connected: int
    failed: int


class Spread(NamedTuple):
    """How durations are spread, in seconds."""

    p50: float
    p90: float
    p99: float
    longest: float
    bins: tuple[int, ...]
    """Counts between `HISTOGRAM_EDGES`."""


class StageFigures(NamedTuple):
    """One stage of all attempts."""

    stage: Stage
    begun: int
    ended: int
    spread: Spread | None
    """None where none ended."""


class RelayFigures(NamedTuple):
    """One relay."""

    relay: Address | None
    """None: which relay it was is not in the capture."""
    requests: int
    answered: int
    again: int
    """Sends beyond the first of each request."""
    no_route: int
    errors: int
    """Answers with an error of the server in them."""
    response: Spread | None
    """From the first send to the answer."""
    periods: tuple[int, ...]
    """Requests in each period of the statistics."""


class Period(NamedTuple):
    """A part of the time."""

    started: float
    attempts: int
    connected: int
    failed: int


@dataclass(frozen=True, slots=True)
class Statistics:
    """Everything at one time."""

    attempts: int
    outcomes: tuple[tuple[Outcome, int], ...]
    verdicts: tuple[VerdictCount, ...]
    """The most frequent first."""
    pairs: tuple[PairCount, ...]
    """The most frequent first."""
    stages: tuple[StageFigures, ...]
    """Every stage, in order."""
    relays: tuple[RelayFigures, ...]
    """The most asked first."""
    period: int
    """Seconds of a period; 0 without attempts."""
    periods: tuple[Period, ...]
    """One after the other, those without attempts too."""
    let_go: int = 0
    """Attempts that count in all but stages and relays: they were let go to keep within a bound."""
    forgotten: int = 0
    """Those of them that do not count in the periods either."""


def statistics_of(figures: Iterable[FlowFigures], let_go: Totals = NOTHING) -> Statistics:
    """Count everything.

    Args:
        figures: of the attempts that are there.
        let_go: what is known of those that are not there any more.
    """
    everything = list(figures)
    verdicts = Counter((one.code, one.outcome) for one in everything)
    verdicts.update(let_go.verdicts)
    outcomes: Counter[Outcome] = Counter()
    for (_, outcome), count in verdicts.items():
        outcomes[outcome] += count
    ended = _Ended(
        np.concatenate((let_go.started, [one.started for one in everything])),
        (*let_go.outcomes, *(one.outcome for one in everything)),
    )
    period, begins = _periods(ended)
    return Statistics(
        len(everything) + let_go.attempts,
        tuple((outcome, outcomes[outcome]) for outcome in Outcome if outcomes[outcome]),
        tuple(VerdictCount(code, outcome, count) for (code, outcome), count in verdicts.most_common()),
        _pairs(everything, let_go),
        _stages(everything),
        _relays(everything, period, begins),
        period,
        _by_period(ended, period, begins),
        let_go.attempts,
        let_go.attempts - len(let_go.outcomes),
    )


class _Ended(NamedTuple):
    """When attempts began, and how each ended."""

    started: Array
    outcomes: tuple[Outcome, ...]


def spread_of(seconds: Sequence[float]) -> Spread | None:
    """How durations are spread; None without any."""
    if not seconds:
        return None
    values = np.asarray(seconds, np.float64)
    p50, p90, p99 = np.percentile(values, (50, 90, 99)).tolist()
    edges = np.asarray(HISTOGRAM_EDGES)
    bins, _ = np.histogram(np.clip(values, edges[0], edges[-1]), edges)
    return Spread(p50, p90, p99, float(values.max()), tuple(bins.tolist()))


def _pairs(figures: Sequence[FlowFigures], let_go: Totals) -> tuple[PairCount, ...]:
    ended = Counter([(one.client_class, one.server_class, one.outcome) for one in figures])
    ended.update(let_go.pairs)
    pairs: Counter[tuple[str, str]] = Counter()
    for (client, server, _), count in ended.items():
        pairs[client, server] += count
    return tuple(
        PairCount(
            client, server, count, ended[client, server, Outcome.CONNECTED], ended[client, server, Outcome.FAILED]
        )
        for (client, server), count in pairs.most_common()
    )


def _stages(figures: Sequence[FlowFigures]) -> tuple[StageFigures, ...]:
    begun: Counter[Stage] = Counter()
    for stages, count in Counter([one.begun for one in figures]).items():
        for stage in stages:
            begun[stage] += count
    took: dict[Stage, list[float]] = defaultdict(list)
    for one in figures:
        for stage, seconds in one.took:
            took[stage].append(seconds)
    return tuple(StageFigures(stage, begun[stage], len(took[stage]), spread_of(took[stage])) for stage in Stage)


def _relays(figures: Sequence[FlowFigures], period: int, begins: float) -> tuple[RelayFigures, ...]:
    by_relay: dict[Address | None, list[Asked]] = defaultdict(list)
    for one in figures:
        for asked in one.asked:
            by_relay[asked.relay].append(asked)
    sent = {relay: np.fromiter((one.sent for one in asked), np.float64) for relay, asked in by_relay.items()}
    ends = max((float(times.max()) for times in sent.values()), default=begins)
    count = int((ends - begins) // period) + 1 if period else 0
    found = []
    for relay, requests in by_relay.items():
        places = np.maximum((sent[relay] - begins) // period, 0).astype(np.int64)
        found.append(_relay(relay, requests, tuple(np.bincount(places, minlength=count).tolist())))
    return tuple(sorted(found, key=lambda one: (-one.requests, str(one.relay))))


def _relay(relay: Address | None, asked: Sequence[Asked], periods: tuple[int, ...]) -> RelayFigures:
    answered = [one.answered - one.sent for one in asked if one.answered is not None]
    return RelayFigures(
        relay,
        len(asked),
        len(answered),
        sum([one.sends - 1 for one in asked]),
        sum([one.no_route for one in asked]),
        sum([bool(one.error) for one in asked]),
        spread_of(answered),
        periods,
    )


def _periods(ended: _Ended) -> tuple[int, float]:
    """Seconds of a period, and when the first begins: at a whole multiple, so that it stays where it is."""
    if not ended.outcomes:
        return 0, 0.0
    first, last = float(ended.started.min()), float(ended.started.max())
    for seconds in PERIODS:
        if last // seconds - first // seconds < MOST_PERIODS:
            return seconds, first // seconds * seconds
    seconds = PERIODS[-1] * (int((last - first) // (PERIODS[-1] * (MOST_PERIODS - 1))) + 1)
    return seconds, first // seconds * seconds


def _by_period(ended: _Ended, period: int, begins: float) -> tuple[Period, ...]:
    if not ended.outcomes:
        return ()
    places = ((ended.started - begins) // period).astype(np.int64)
    count = int(places.max()) + 1
    counts = {
        wanted: np.bincount(places[[one is wanted for one in ended.outcomes]], minlength=count).tolist()
        for wanted in (Outcome.CONNECTED, Outcome.FAILED)
    }
    began = np.bincount(places, minlength=count).tolist()
    connected, failed = counts[Outcome.CONNECTED], counts[Outcome.FAILED]
    return tuple(
        Period(begins + index * period, began[index], connected[index], failed[index]) for index in range(count)
    )
