"""Statistics as the report has them: text for people, and JSON whose names and meanings are stable (docs/report.md)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from app.draw.spans import text_of
from app.draw.statistics import statistics_page
from app.json_text import indented
from app.report_json import report_head, seconds
from capture.figures import figures_of
from capture.model import FileSummary, Flow
from capture.statistics import HISTOGRAM_EDGES, RelayFigures, Spread, Statistics, statistics_of

Json = dict[str, Any]


def count(flows: Iterable[Flow]) -> Statistics:
    """Statistics of attempts, of which none is kept."""
    return statistics_of(figures_of(flow) for flow in flows)


def statistics_text(statistics: Statistics, width: int, of: str = "") -> Iterator[str]:
    """The lines of the statistics page."""
    for linked in statistics_page(statistics, width, of=of):
        yield text_of(linked.line)


def statistics_json(files: Sequence[FileSummary], statistics: Statistics, notes: Sequence[str] = ()) -> str:
    """The document: files and notes as in every report, and the statistics in place of the attempts."""
    return indented(report_head(files, notes) | {"statistics": statistics_document(statistics)}) + "\n"


def statistics_document(statistics: Statistics) -> Json:
    """The statistics alone."""
    return {
        "attempts": statistics.attempts,
        "outcomes": {str(outcome): number for outcome, number in statistics.outcomes},
        "verdicts": [
            {"code": str(one.code), "outcome": str(one.outcome), "attempts": one.attempts}
            for one in statistics.verdicts
        ],
        "nat_pairs": [
            {
                "client": _class(one.client),
                "server": _class(one.server),
                "attempts": one.attempts,
                "connected": one.connected,
                "failed": one.failed,
            }
            for one in statistics.pairs
        ],
        "stages": [
            {"stage": str(one.stage), "begun": one.begun, "ended": one.ended, "seconds": _spread(one.spread)}
            for one in statistics.stages
        ],
        "relays": [_relay(one) for one in statistics.relays],
        "over_time": {
            "seconds": statistics.period,
            "periods": [
                {
                    "started": seconds(one.started),
                    "attempts": one.attempts,
                    "connected": one.connected,
                    "failed": one.failed,
                }
                for one in statistics.periods
            ],
        },
    }


def _class(name: str) -> str | None:
    return None if name == "?" else name


def _spread(spread: Spread | None) -> Json | None:
    if spread is None:
        return None
    return {
        "p50": seconds(spread.p50),
        "p90": seconds(spread.p90),
        "p99": seconds(spread.p99),
        "longest": seconds(spread.longest),
        "histogram": [
            {"from": edge, "attempts": number}
            for edge, number in zip(HISTOGRAM_EDGES, spread.bins, strict=False)
            if number
        ],
    }


def _relay(one: RelayFigures) -> Json:
    return {
        "relay": None if one.relay is None else str(one.relay),
        "requests": one.requests,
        "answered": one.answered,
        "retransmissions": one.again,
        "no_route": one.no_route,
        "errors": one.errors,
        "seconds": _spread(one.response),
        "periods": list(one.periods),
    }
