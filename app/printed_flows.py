"""Attempts printed as they conclude: rows, or one JSON object a line."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from app.capture_clock import CaptureClock
from app.conclusions import Conclusions

if TYPE_CHECKING:
    from capture.model import Flow
    from capture.story import Story


class FlowPrinter:
    """Prints each attempt of a growing story once, when it has concluded.

    Args:
        story: grows elsewhere.
        passes: which attempts to print.
        as_json: JSON objects, not rows.
    """

    def __init__(self, story: Story, passes: Callable[[Flow], bool], *, as_json: bool) -> None:
        self._story = story
        self._passes = passes
        self._as_json = as_json
        self._conclusions = Conclusions()
        self._clock = CaptureClock(story)

    def print_fresh(self) -> None:
        """Print what has concluded by now."""
        self._print(self._conclusions.fresh(self._story.flows, self._clock.now(), self._clock.jumps))

    def wants(self, flow: Flow) -> bool:
        """Whether an attempt is still to be printed."""
        return not self._conclusions.told(flow)

    def print_rest(self) -> None:
        """Print what was not printed: nothing more will come."""
        self._print(self._conclusions.rest(self._story.flows))

    def _print(self, flows: Iterable[Flow]) -> None:
        shown = [flow for flow in flows if self._passes(flow)]
        if not shown:
            return
        paths = [file.path for file in self._story.files]
        if self._as_json:
            from app.report_json import flow_document

            for flow in shown:
                sys.stdout.write(json.dumps(flow_document(flow, paths.__getitem__)) + "\n")
        else:
            from app.report_text import flow_lines, terminal_style

            for line in flow_lines(shown, paths, terminal_style(sys.stdout)):
                sys.stdout.write(line + "\n")
        sys.stdout.flush()
