"""The report for people: a row for each attempt and its verdict in a sentence; with more detail on demand.

Everything fits 80 columns or more; a wider terminal shows more columns. Without a terminal no line is folded, so that
``grep`` finds whole sentences.
"""

from __future__ import annotations

import os
import shutil
import textwrap
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TextIO

from app.draw import terms
from app.draw.spans import Tone
from app.draw.vantage_marks import drift
from app.report_detail import FrameName, detail_lines
from app.terminal_text import cell_width, pad, safe_text
from app.wording import OUTCOME_GLYPHS, TOKEN_GLYPHS, clock, counted, date_and_clock, grouped
from capture.model import FileSummary, Flow, Outcome
from protocol.constants import Firewall

if TYPE_CHECKING:
    from app.reading import Reported

NARROWEST: Final = 80
UNFOLDED: Final = 1 << 20
"""Width of output that is no terminal: never folded."""
COLUMNS_UNFOLDED: Final = 160

_COLOURS: Final = {Tone.GOOD: "\x1b[32m", Tone.BAD: "\x1b[31m", Tone.WARN: "\x1b[33m"}
_PLAIN: Final = "\x1b[0m"


@dataclass(frozen=True, slots=True)
class Style:
    """How to lay out the report."""

    width: int
    """Cells of a line before it folds."""
    colour: bool = False

    def toned(self, text: str, tone: Tone) -> str:
        """The text in the colour of its tone."""
        return f"{_COLOURS[tone]}{text}{_PLAIN}" if self.colour and tone in _COLOURS else text


def terminal_style(stream: TextIO) -> Style:
    """The style for a stream: a terminal's width and colours, or unfolded and plain."""
    if not stream.isatty():
        return Style(UNFOLDED)
    plain = bool(os.environ.get("NO_COLOR")) or os.environ.get("TERM") == "dumb"
    return Style(max(NARROWEST, shutil.get_terminal_size().columns), colour=not plain)


def report_lines(story: Reported, flows: Sequence[Flow], style: Style, *, verbose: bool = False) -> Iterator[str]:
    """The whole report, line by line."""
    for file in story.files:
        yield from _folded(_file_line(file), style, "")
    for note in story.notes:
        yield from _folded(f"note: {safe_text(note)}", style, "")
    if flows:
        yield f"first attempt {date_and_clock(flows[0].started)}"
        yield ""
    yield from flow_lines(flows, [file.path for file in story.files], style, verbose=verbose)
    if flows:
        yield ""
        yield summary_line(flows)
    if any(name.endswith(terms.SAMPLED) for flow in flows for name in _nat_classes(flow)):
        yield from _folded(f"{terms.SAMPLED} {terms.SAMPLED_MEANING}", style, "")


def flow_lines(flows: Sequence[Flow], paths: Sequence[str], style: Style, *, verbose: bool = False) -> Iterator[str]:
    """The attempts alone: a row, the verdict, and with `verbose` everything else.

    Args:
        flows: the attempts, aligned with each other.
        paths: of the files that their packets are in.
        style: how to lay them out.
        verbose: whether to add all details.
    """
    frame = frame_names(paths)
    for flow, row in zip(flows, table(flows, min(style.width, COLUMNS_UNFOLDED)), strict=True):
        yield style.toned(row, terms.OUTCOME_TONE[flow.outcome])
        for sentence in verdict_sentences(flow, frame):
            yield from _folded(sentence, style, "  ")
        if verbose:
            for line in detail_lines(flow, frame):
                yield "  " + line if line else ""
            yield ""
            flow.release()


def table(flows: Sequence[Flow], width: int) -> list[str]:
    """One aligned row for each attempt, with as many columns as `width` has room for."""
    cells = [_cells(flow) for flow in flows]
    widths = [max(cell_width(row[column]) for row in cells) for column in range(len(_ORDER))] if cells else []
    shown: list[int] = []
    room = width
    for column in sorted(range(len(widths)), key=_ORDER.__getitem__):
        need = widths[column] + (2 if shown else 0)
        if need <= room:
            shown.append(column)
            room -= need
    shown.sort()
    return ["  ".join(pad(row[column], widths[column]) for column in shown).rstrip() for row in cells]


_ORDER: Final = (0, 1, 2, 4, 5, 3, 7, 6, 8)
"""How dear each column of `_cells` is: 0 is never left out, the highest goes first."""


def _cells(flow: Flow) -> tuple[str, ...]:
    rounds = counted(len(flow.rounds), "round")
    tokens = f"{TOKEN_GLYPHS[flow.client_token]}/{TOKEN_GLYPHS[flow.server_token]}"
    return (
        f"{OUTCOME_GLYPHS[flow.outcome]} {flow.id[:8]}",
        str(flow.verdict.code),
        clock(flow.started),
        terms.address(flow.client),
        "/".join(_nat_classes(flow)),
        terms.seconds(flow.duration),
        rounds,
        f"tokens {tokens}",
        f"→ {terms.address(flow.server)} {terms.key(flow.key.server_public_key)}",
    )


def _nat_classes(flow: Flow) -> tuple[str, str]:
    """Short classes of the client's and the server's NAT."""
    # What a side stated itself needs no evidence, and to gather that takes all responses to its sockets.
    client = None if _stated(flow.client_firewall) else flow.client_nat
    server = None if _stated(flow.server_firewall) else flow.server_nat
    return (
        terms.nat_class(flow.client_firewall, client, short=True)[0],
        terms.nat_class(flow.server_firewall, server, short=True)[0],
    )


def _stated(firewall: int | None) -> bool:
    return firewall not in (None, Firewall.UNKNOWN)


def verdict_sentences(flow: Flow, frame: FrameName) -> Iterator[str]:
    """What happened, and for what went wrong also the proof and what to do."""
    verdict = flow.verdict
    likely = "Likely, not proven: " if verdict.inferred else ""
    yield likely + safe_text(verdict.summary)
    if flow.outcome is Outcome.CONNECTED:
        return
    if verdict.evidence:
        yield "Proof: " + "; ".join(f"{frame(one.sighting)} {safe_text(one.says)}" for one in verdict.evidence)
    if verdict.application_error:
        yield f"The application saw {safe_text(verdict.application_error)}."
    if verdict.advice:
        yield safe_text(verdict.advice)


def summary_line(flows: Iterable[Flow]) -> str:
    """How many attempts there are, and how they ended."""
    outcomes = [flow.outcome for flow in flows]
    parts = [counted(len(outcomes), "attempt")]
    parts += [f"{outcomes.count(one)} {one}" for one in Outcome if one in outcomes]
    return terms.joined(parts)


def frame_names(paths: Sequence[str]) -> FrameName:
    """Names of packets: ``#12``, or ``nat.pcap#12`` among several files; whole paths where short ones are alike."""
    if len(paths) == 1:
        return lambda sighting: f"#{sighting.frame}"
    short = [os.path.basename(path) for path in paths]
    shown = short if len(set(short)) == len(short) else paths
    return lambda sighting: f"{safe_text(shown[sighting.file])}#{sighting.frame}"


def _file_line(file: FileSummary) -> str:
    parts = [
        file.format,
        counted(file.packets, "packet"),
        counted(file.dht_messages, "DHT message"),
    ]
    if file.undecodable:
        parts.append(f"{grouped(file.undecodable)} undecodable")
    if file.duplicates:
        parts.append(counted(file.duplicates, "duplicate"))
    if file.dropped:
        parts.append(f"{grouped(file.dropped)} dropped")
    if file.clock_offset:
        parts.append(f"clock {file.clock_offset:+.6f} s{drift(file)}")
    if file.truncated:
        parts.append("truncated")
    return f"{safe_text(file.path)}: {', '.join(parts)}"


def _folded(text: str, style: Style, indent: str) -> list[str]:
    if style.width >= UNFOLDED:
        return [indent + text]
    return textwrap.wrap(
        text, style.width, initial_indent=indent, subsequent_indent=indent, break_on_hyphens=False
    ) or [indent]
