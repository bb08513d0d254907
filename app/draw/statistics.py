"""Statistics of the attempts that are shown, as lines; those that stand for some attempts lead to them by a filter."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from typing import Final

from app.draw import terms
from app.draw.linked import Linked, blank, heading, paragraph
from app.draw.plots import bar, sparkline
from app.draw.spans import Line, Span, Tone, cell
from app.wording import OUTCOME_GLYPHS, clock, counted, day, grouped
from capture.course import Stage
from capture.model import Outcome, VerdictCode
from capture.statistics import PairCount, RelayFigures, Spread, StageFigures, Statistics
from protocol.constants import Firewall

STAGE_MEANING: Final = {
    Stage.FIND: "FIND_PEER until a node answers with the server's record",
    Stage.HANDSHAKE: "PEER_HANDSHAKE until its first answer",
    Stage.PROBE: "the rounds that only probe",
    Stage.PUNCH: "from the round that punches (fast open: the first one-byte packet) to the first stream packet",
    Stage.STREAM: "the first stream packet until one comes the other way",
}
_CLASSES: Final = (*(firewall.name for firewall in Firewall), "?")
_MOST_RELAYS: Final = 200


def statistics_page(
    statistics: Statistics,
    width: int,
    *,
    of: str = "",
    zone: datetime.tzinfo | None = None,
    let_go: Mapping[VerdictCode, int] | None = None,
) -> list[Linked]:
    """Outcomes and verdicts, NAT pairs, times of each stage, the course of time, relays.

    Args:
        statistics: what was counted.
        width: cells of a line.
        of: what the attempts are, such as the filter they pass; safe text.
        zone: for times; None is the machine's own.
        let_go: verdicts of attempts that were let go to keep within a bound, where the statistics have none of them.
    """
    lines = [heading(f"{counted(statistics.attempts, 'attempt')}{of}")]
    lines += _counted_of(statistics, width)
    if not statistics.attempts:
        return [*lines, *paragraph("Nothing to count yet.", width, Tone.DIM), *_let_go(let_go or {}, width)]
    lines += _outcomes(statistics, width)
    lines += _let_go(let_go or {}, width)
    lines += [blank(), heading("NAT pairs: attempts, and how many of those whose end is known connected")]
    lines += _matrix(statistics.pairs)
    lines += [blank(), heading("Time of each stage, of those that ended")]
    lines += _stages(statistics.stages, width)
    lines += [blank(), *_course(statistics, width, zone)]
    lines += [blank(), heading(f"Relays: {grouped(len(statistics.relays))}")]
    lines += _relays(statistics.relays, width)
    return lines


def _outcomes(statistics: Statistics, width: int) -> list[Linked]:
    lines: list[Linked] = []
    total = statistics.attempts
    for outcome, count in statistics.outcomes:
        name = f"{OUTCOME_GLYPHS[outcome]} {outcome}"
        lines.append(_share(name, count, total, width, terms.OUTCOME_TONE[outcome], f"outcome == {outcome}"))
    lines += [blank(), heading("Verdicts")]
    for one in statistics.verdicts:
        name = f"{OUTCOME_GLYPHS[one.outcome]} {one.code}"
        lines.append(
            _share(name, one.attempts, total, width, terms.OUTCOME_TONE[one.outcome], f"verdict == {one.code}")
        )
    return lines


def _counted_of(statistics: Statistics, width: int) -> list[Linked]:
    """What of attempts that were let go is counted."""
    if not statistics.let_go:
        return []
    said = (
        f"{counted(statistics.let_go, 'attempt')} of them were let go to keep within the bound. Times of stages and "
        "relays are those of the others."
    )
    if statistics.forgotten:
        said += f" The oldest {grouped(statistics.forgotten)} are left out over time, too."
    return paragraph(said, width, Tone.DIM)


def _let_go(verdicts: Mapping[VerdictCode, int], width: int) -> list[Linked]:
    """What became of attempts whose packets are gone: nothing else is known of them any more."""
    total = sum(verdicts.values())
    if not total:
        return []
    title = f"Let go before, to keep within the bound: {counted(total, 'attempt')}, not counted on this page"
    lines = [blank(), *paragraph(title, width, Tone.STRONG)]
    for code, count in sorted(verdicts.items(), key=lambda one: (-one[1], one[0])):
        spans = (
            cell(str(code), 24, Tone.DIM),
            cell(grouped(count), 9, right=True),
            cell(percent(count / total), 9, right=True),
        )
        lines.append(Linked(spans))
    return lines


def _share(name: str, count: int, total: int, width: int, tone: Tone, expression: str) -> Linked:
    share = count / total
    spans = (
        cell(name, 24, tone),
        cell(grouped(count), 9, Tone.STRONG, right=True),
        cell(percent(share), 9, right=True),
        Span("  "),
        Span(bar(share, max(8, min(40, width - 46))), tone),
    )
    return Linked(spans, expression=expression)


def percent(share: float) -> str:
    """A share, to a tenth."""
    return f"{100 * share:.1f} %"


def _matrix(pairs: Sequence[PairCount]) -> list[Linked]:
    """A row for each class of client, then a line for each pair."""
    clients = [one for one in _CLASSES if any(pair.client == one for pair in pairs)]
    servers = [one for one in _CLASSES if any(pair.server == one for pair in pairs)]
    found = {(pair.client, pair.server): pair for pair in pairs}
    lines = [
        Linked((cell("client ↓ server →", 18, Tone.DIM), *(cell(name, 13, Tone.DIM, right=True) for name in servers)))
    ]
    for client in clients:
        spans: list[Span] = [cell(client, 18, Tone.CLIENT)]
        for server in servers:
            pair = found.get((client, server))
            spans.append(cell("·" if pair is None else _pair_cell(pair), 13, _pair_tone(pair), right=True))
        lines.append(Linked(tuple(spans), expression=_class_test("client", client)))
    lines.append(blank())
    for pair in pairs:
        lines.append(_pair(pair))
    return lines


def _pair_cell(pair: PairCount) -> str:
    known = pair.connected + pair.failed
    return f"{grouped(pair.attempts)} {100 * pair.connected / known:.0f} %" if known else f"{grouped(pair.attempts)} ?"


def _pair_tone(pair: PairCount | None) -> Tone:
    if pair is None or not pair.connected + pair.failed:
        return Tone.DIM
    return Tone.GOOD if pair.connected >= pair.failed else Tone.BAD


def _pair(pair: PairCount) -> Linked:
    known = pair.connected + pair.failed
    rate = percent(pair.connected / known) if known else "?"
    spans = (
        cell(f"{pair.client} × {pair.server}", 25),
        cell(counted(pair.attempts, "attempt"), 16, right=True),
        cell(f"● {grouped(pair.connected)}", 8, Tone.GOOD, right=True),
        cell(f"✗ {grouped(pair.failed)}", 8, Tone.BAD if pair.failed else Tone.DIM, right=True),
        cell(rate, 9, right=True),
        Span("  "),
        Span(bar(pair.connected / known, 8) if known else "", _pair_tone(pair)),
    )
    both = f"{_class_test('client', pair.client)} and {_class_test('server', pair.server)}"
    return Linked(spans, expression=both)


def _class_test(side: str, name: str) -> str:
    return f"{side}.nat == {'none' if name == '?' else name}"


def _stages(stages: Sequence[StageFigures], width: int) -> list[Linked]:
    columns = (("stage", 10), ("begun", 8), ("ended", 8), ("p50", 9), ("p90", 9), ("p99", 9), ("longest", 9))
    head = [cell(name, size, Tone.DIM, right=index > 0) for index, (name, size) in enumerate(columns)]
    roomy = width >= 82
    lines = [Linked((*head, Span("  1 ms      65 s" if roomy else "", Tone.DIM)))]
    for one in stages:
        spans = [
            cell(one.stage, 10, Tone.STRONG),
            cell(grouped(one.begun), 8, right=True),
            cell(grouped(one.ended), 8, Tone.WARN if one.ended < one.begun else Tone.PLAIN, right=True),
            *_spread(one.spread),
        ]
        plot = "" if one.spread is None else sparkline(one.spread.bins, 16)
        lines.append(Linked((*spans, Span(f"  {plot}" if roomy else "", Tone.KEY))))
    if not roomy:
        lines += [
            Linked((cell(one.stage, 10, Tone.STRONG), Span(f"{sparkline(one.spread.bins, 16)}▏", Tone.KEY)))
            for one in stages
            if one.spread is not None
        ]
    lines += paragraph(
        "The plots count how often a stage took how long, from 1 ms to 65 s, each column twice as long as the one "
        "before.",
        width,
        Tone.DIM,
    )
    for stage in Stage:
        lines += paragraph(f"{stage}: {STAGE_MEANING[stage]}", width, Tone.DIM)
    return lines


def _spread(spread: Spread | None, *, longest: bool = True) -> list[Span]:
    if spread is None:
        return [cell("–", 9, Tone.DIM, right=True) for _ in range(4 if longest else 3)]
    values = (spread.p50, spread.p90, spread.p99, spread.longest) if longest else spread[:3]
    return [cell(brief_seconds(value), 9, right=True) for value in values]


def brief_seconds(value: float) -> str:
    """A duration in few cells, in the unit that suits it."""
    if value < 1:
        return f"{1000 * value:.1f} ms"
    return f"{value:.2f} s" if value < 100 else f"{value:.0f} s"


def _course(statistics: Statistics, width: int, zone: datetime.tzinfo | None) -> list[Linked]:
    """How many attempts began, and how many of them connected, period by period."""
    periods = statistics.periods
    room = max(8, width - 14)
    first, last = periods[0].started, periods[-1].started + statistics.period
    # Neighbours that share a column are added up for the share, too.
    each = max(1, -(-len(periods) // room))
    groups = [periods[start : start + each] for start in range(0, len(periods), each)]
    connected = [sum(one.connected for one in group) for group in groups]
    known = [sum(one.connected + one.failed for one in group) for group in groups]
    shares = [good / all_ if all_ else 0.0 for good, all_ in zip(connected, known, strict=True)]
    counts = [float(sum(one.attempts for one in group)) for group in groups]
    span = f"{clock(first, zone)[:8]} to {clock(last, zone)[:8]}, {day(first, zone)}"
    step = f"each column {_period(statistics.period * each)}"
    return [
        heading(f"Over time: {span}, {step}"),
        Linked((cell("attempts", 12, Tone.DIM), Span(sparkline(counts, room), Tone.KEY))),
        Linked((cell("connected", 12, Tone.DIM), Span(sparkline(shares, room, highest=1.0), Tone.GOOD))),
        Linked((Span(f"most in one column {max(counts):.0f}; the second row is the share that connected", Tone.DIM),)),
    ]


def _period(seconds: int) -> str:
    for size, name in ((86400, "day"), (3600, "hour"), (60, "minute")):
        if seconds % size == 0:
            return counted(seconds // size, name)
    return counted(seconds, "second")


def _relays(relays: Sequence[RelayFigures], width: int) -> list[Linked]:
    columns = (("relay", 22), ("asked", 8), ("answered", 10), ("p50", 9), ("p90", 9), ("errors", 8), ("again", 7))
    head = [cell(name, size, Tone.DIM, right=index > 0) for index, (name, size) in enumerate(columns)]
    plot = width >= 100
    lines = [Linked((*head, Span("  over time" if plot else "", Tone.DIM)))]
    for one in relays[:_MOST_RELAYS]:
        lines.append(Linked(_relay(one, width), expression=_relay_test(one)))
    if len(relays) > _MOST_RELAYS:
        lines += paragraph(f"and {grouped(len(relays) - _MOST_RELAYS)} more, each asked less often", width, Tone.DIM)
    lines += paragraph(
        "asked: PEER_HANDSHAKE and PEER_HOLEPUNCH requests; answered: those whose answer came back, with the time from "
        "the first send; errors: refusals inside answers, and no route to the server; again: retransmissions",
        width,
        Tone.DIM,
    )
    return lines


def _relay(one: RelayFigures, width: int) -> Line:
    rate = one.answered / one.requests
    wrong = one.errors + one.no_route
    spans = [
        cell(terms.address(one.relay), 22),
        cell(grouped(one.requests), 8, right=True),
        cell(percent(rate), 10, Tone.GOOD if rate > 0.9 else Tone.WARN if rate > 0.5 else Tone.BAD, right=True),
        *_spread(one.response, longest=False)[:2],
        cell(grouped(wrong), 8, Tone.BAD if wrong else Tone.DIM, right=True),
        cell(grouped(one.again), 7, Tone.WARN if one.again else Tone.DIM, right=True),
    ]
    if width >= 100:
        spans.append(Span(f"  {sparkline(one.periods, width - 78)}", Tone.KEY))
    return tuple(spans)


def _relay_test(one: RelayFigures) -> str:
    return "relay == none" if one.relay is None else f"relay == {one.relay}"


def rate_of(statistics: Statistics) -> str:
    """How many connected of those whose end is known, in a few words."""
    by_outcome = dict(statistics.outcomes)
    connected, failed = by_outcome.get(Outcome.CONNECTED, 0), by_outcome.get(Outcome.FAILED, 0)
    if not connected + failed:
        return "none has ended"
    return f"{percent(connected / (connected + failed))} connected"
