"""`peephole report`: attempts and verdicts, for people or as JSON."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Iterator

from app.exit_status import ExitStatus
from app.reading import chosen_filter, nothing_to_see, open_story
from capture.model import Flow, Outcome, TokenState


def run(options: argparse.Namespace) -> int:
    """Print the report; with ``--check`` the status tells of failures."""
    chosen = chosen_filter(options)
    story = open_story(options)
    flows = chosen.select(story.flows)
    if options.json:
        from app.report_json import report_pieces

        for piece in report_pieces(story.files, _one_by_one(flows), notes=story.notes, secrets=options.secrets):
            sys.stdout.write(piece)
    else:
        from app.report_text import report_lines, terminal_style

        style = terminal_style(sys.stdout)
        for line in report_lines(story, flows, style, verbose=options.verbose):
            sys.stdout.write(line + "\n")
        if not story.flows:
            sys.stdout.write(nothing_to_see(story) + "\n")
        elif not flows:
            sys.stdout.write(f"None of {len(story.flows)} attempts passes the filter.\n")
    return check_status(flows) if options.check else ExitStatus.OK


def _one_by_one(flows: Iterable[Flow]) -> Iterator[Flow]:
    """The flows, each released when the next is asked for: memory then does not grow with their packets."""
    for flow in flows:
        yield flow
        flow.release()


def check_status(flows: Iterable[Flow]) -> ExitStatus:
    """What ``--check`` exits with: a token mismatch first, then a failed attempt."""
    status = ExitStatus.OK
    for flow in flows:
        if TokenState.MISMATCH in (flow.client_token, flow.server_token):
            return ExitStatus.TOKEN_MISMATCH
        if flow.outcome is Outcome.FAILED:
            status = ExitStatus.ATTEMPT_FAILED
    return status
