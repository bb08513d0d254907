"""`peephole report`: attempts and verdicts, for people or as JSON."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from app.commands.export import chosen_flow
from app.exit_status import CommandError, ExitStatus
from app.naming import given_names, use_configured_names
from app.nats_options import check_from
from app.reading import chosen_filter, nothing_to_see, open_story
from app.redaction import behind_mask, is_wanted, said_in
from app.terminal_text import safe_text
from capture.model import Flow, Outcome, TokenState

if TYPE_CHECKING:
    from capture.masking.story import MaskedStory
    from capture.notes import Notes
    from capture.story import Story


def run(options: argparse.Namespace) -> int:
    """Print the report; with ``--check`` the status tells of failures."""
    check_from(options)
    if not (options.files or options.from_bus):
        raise CommandError(ExitStatus.USAGE, "what is to be reported? FILE, or --from URL; see peephole report --help")
    form = _form(options)
    chosen = chosen_filter(options)
    given = given_names(options)
    opened = open_story(options)
    flows: Sequence[Flow] = chosen.on(opened).select(opened.flows)
    if options.flow is not None:
        wanted = chosen_flow(opened, options.flow)
        flows = tuple(flow for flow in flows if flow is wanted)
    story: Story | MaskedStory = opened
    behind = None
    if is_wanted(options):
        behind = story = behind_mask(opened, options)
        flows = tuple(map(behind.masking.flow, flows))
    else:
        use_configured_names(opened.table.files, given)
    notes = said_in(opened, behind)
    if options.statistics:
        _print_statistics(story, flows, options, form)
    elif form == "markdown":
        _print_markdown(story, flows, notes)
    elif form in ("junit", "github"):
        from app.report_ci import github_annotations, junit_report

        write = junit_report if form == "junit" else github_annotations
        for line in write(story.files, _one_by_one(flows)):
            sys.stdout.write(line + "\n")
    elif form == "json":
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


def _form(options: argparse.Namespace) -> str:
    """The form that is asked for.

    Raises:
        CommandError: options that do not go together.
    """
    form: str = options.format or ("json" if options.json else "text")
    if options.json and form != "json":
        raise CommandError(ExitStatus.USAGE, f"--json does not go with --format {form}")
    if form not in ("text", "json") and options.statistics:
        raise CommandError(ExitStatus.USAGE, "--statistics goes with text or JSON")
    if form == "markdown" and options.flow is None:
        raise CommandError(ExitStatus.USAGE, "--format markdown is about one attempt: name it with --flow")
    if options.statistics and options.flow is not None:
        raise CommandError(ExitStatus.USAGE, "--statistics is about all attempts, --flow about one")
    return form


def _print_statistics(
    story: Story | MaskedStory, flows: Sequence[Flow], options: argparse.Namespace, form: str
) -> None:
    from app.report_statistics import count, statistics_json, statistics_text

    statistics = count(_one_by_one(flows))
    if form == "json":
        sys.stdout.write(statistics_json(story.files, statistics, story.notes))
        return
    from app.report_text import COLUMNS_UNFOLDED, terminal_style

    width = min(terminal_style(sys.stdout).width, COLUMNS_UNFOLDED)
    of = f" that pass {safe_text(options.filter)}" if options.filter else ""
    for line in statistics_text(statistics, width, of):
        sys.stdout.write(line + "\n")


def _print_markdown(story: Story | MaskedStory, flows: Sequence[Flow], notes: Notes) -> None:
    from app.report_markdown import markdown_report
    from app.touched_packets import TouchedPackets
    from app.versions import version

    touched = TouchedPackets(lambda: story).rows
    for flow in flows:
        remarks = notes.on_attempt(flow.id).splitlines()
        report = markdown_report(flow, story.files, story, version=version(), notes=remarks, touched=touched)
        sys.stdout.write(report)


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
