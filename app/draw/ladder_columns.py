"""The columns left of the lanes: cursor and mark, evidence, attempt, times, frame, and which captures saw it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from app.draw import terms, vantage_marks
from app.draw.arrows import fitting
from app.draw.ladder_plan import LadderPlan, TimeMode
from app.draw.shown_attempts import letter
from app.draw.spans import Line, Span, Tone, cell
from app.terminal_text import cell_width
from app.wording import OUTCOME_GLYPHS, clock
from capture.model import FileSummary, Flow, Sighting

GUTTER: Final = 4
"""Cells for cursor, mark and evidence number."""
_DELTA: Final = 9
_FRAME: Final = 8
ATTEMPT_TONES: Final = (Tone.CLIENT, Tone.SERVER, Tone.PROBE, Tone.FIND, Tone.GOOD, Tone.WARN, Tone.HANDSHAKE)
"""Colours of attempts in a ladder of several; their letters say the same."""


class Columns:
    """The columns of one ladder at one width."""

    def __init__(self, plan: LadderPlan, width: int, lanes_want: int, tight: int, files: Sequence[FileSummary]) -> None:
        """Choose the columns.

        Args:
            plan: the ladder.
            width: cells of a line.
            lanes_want: cells that the lanes should get for all columns to be shown.
            tight: cells that the lanes should get for the second time column to be shown.
            files: the captures.
        """
        self._plan = plan
        self._files = files
        self._letter = 2 if plan.shown.merged else 0
        self._time = 13 if plan.options.time is TimeMode.CLOCK else 9
        self._seen = vantage_marks.cells(len(files)) + 1 if len(files) > 1 else 0
        left = width - GUTTER - self._letter - self._time - self._seen
        self._delta = _DELTA if left - _DELTA >= tight else 0
        left -= self._delta
        self._frame = _FRAME if left - _FRAME >= lanes_want else 0
        self.width = width - left + self._frame

    @property
    def _all(self) -> str:
        return vantage_marks.seen_by(range(len(self._files)), len(self._files)) if self._seen else ""

    def heading(self, first: bool) -> Line:
        """Above the columns."""
        delta_first = self._plan.options.time is TimeMode.DELTA
        names = ("Δ", "time") if delta_first else ("time", "Δ")
        return self.line(*names, "frame", seen=self._all, tone=Tone.DIM) if first else self.line()

    def line(
        self,
        time: str = "",
        delta: str = "",
        frame: str = "",
        evidence: str = "",
        step: int | None = None,
        seen: str = "",
        tone: Tone = Tone.DIM,
    ) -> Line:
        """One row; a view overwrites the first two cells with cursor and mark.

        Args:
            time: first time column.
            delta: second time column, where there is room.
            frame: number of the frame, where there is room.
            evidence: number of the evidence.
            step: whose attempt's letter is shown.
            seen: which captures saw it.
            tone: of the first time column.
        """
        spans = [Span("  "), cell(evidence, GUTTER - 2, Tone.KEY)]
        if self._letter:
            origin = None if step is None else self._plan.shown.origins[step]
            shown = "" if origin is None else letter(origin.attempt)
            spans.append(cell(shown, 2, attempt_tone(0 if origin is None else origin.attempt)))
        spans += [cell(time, self._time - 1, tone, right=True), Span(" ")]
        if self._delta:
            spans += [cell(delta, self._delta - 1, Tone.DIM, right=True), Span(" ")]
        if self._frame:
            spans += [cell(frame, self._frame - 1, Tone.DIM, right=True), Span(" ")]
        if self._seen:
            spans.append(cell(seen, self._seen, Tone.DIM))
        return tuple(spans)

    def of_step(self, index: int, vantages: vantage_marks.Vantages) -> Line:
        """The columns of a step."""
        plan = self._plan
        step = plan.flow.steps[index]
        before = plan.previous.get(index)
        delta = "–" if before is None else signed(step.time - plan.flow.steps[before].time)
        since = self._since_start(step.time)
        first, second = since, delta
        match plan.options.time:
            case TimeMode.CLOCK:
                first = clock(step.time, plan.options.zone)
            case TimeMode.DELTA:
                first, second = delta, since
            case TimeMode.MARK if plan.options.marked and plan.options.marked[-1] < len(plan.flow.steps):
                first = signed(step.time - plan.flow.steps[plan.options.marked[-1]].time)
            case _:
                pass
        frame = f"#{step.sighting.frame}" if step.sighting is not None else ""
        return self.line(first, second, frame, plan.evidence.get(index, ""), index, vantages.of(step), Tone.PLAIN)

    def of_datagram(self, step: int, time: float, gap: float, sighting: Sighting, *, alone: bool) -> Line:
        """The columns of one datagram of a step.

        Args:
            step: the step.
            time: when it was seen, epoch seconds.
            gap: seconds since the row above.
            sighting: where.
            alone: only that sighting is meant, not the datagram wherever it was seen.
        """
        options = self._plan.options
        shown = clock(time, options.zone) if options.time is TimeMode.CLOCK else self._since_start(time)
        seen = vantage_marks.seen_by([sighting.file], len(self._files)) if alone and self._seen else ""
        return self.line(shown, signed(gap), f"#{sighting.frame}", step=step, seen=seen)

    def _since_start(self, time: float) -> str:
        """Seconds since the attempt began, or the first of several."""
        return terms.offset(time - self._plan.flow.started)


def attempt_tone(attempt: int) -> Tone:
    """The colour of an attempt among several."""
    return ATTEMPT_TONES[attempt % len(ATTEMPT_TONES)]


def signed(seconds: float) -> str:
    """A difference of times, for a narrow column."""
    return f"{'+' if seconds >= -0.0005 else '-'}{terms.offset(abs(seconds))}"


def legend(plan: LadderPlan, files: Sequence[FileSummary], width: int) -> list[Line]:
    """What the letters of attempts and the signs of captures stand for, a line each, where a ladder has them."""
    lines: list[Line] = []
    if plan.shown.merged:
        for words in (_words_long, _words_short, _words_shortest):
            spans: list[Span] = []
            for number, flow in enumerate(plan.shown.flows):
                said = words(flow, flow.started - plan.flow.started)
                spans += [Span("  " if number else ""), Span(letter(number), attempt_tone(number)), Span(said)]
            if sum(cell_width(span.text) for span in spans) <= width:
                break
        lines.append(tuple(spans))
    forms = vantage_marks.legend(files)
    if forms:
        lines.append((Span(fitting(forms, width), Tone.DIM),))
    return lines


def _words_long(flow: Flow, later: float) -> str:
    return f" +{terms.offset(later)} s {OUTCOME_GLYPHS[flow.outcome]} {terms.state(flow, short=True)}"


def _words_short(flow: Flow, later: float) -> str:
    return f" +{terms.offset(later)} {OUTCOME_GLYPHS[flow.outcome]}"


def _words_shortest(flow: Flow, _: float) -> str:
    return OUTCOME_GLYPHS[flow.outcome]
