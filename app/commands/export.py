"""`peephole export`: one attempt in another form, or what passes a filter."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from app import names
from app.attempt_files import TOGETHER, WITH_SECRETS, attempt_content, write_attempt
from app.exit_status import CommandError, ExitStatus
from app.export_chosen import passing_attempts, passing_packets
from app.naming import given_names, use_configured_names
from app.reading import chosen_filter, open_story
from app.redaction import behind_mask, is_wanted, said_in
from capture.model import Flow

if TYPE_CHECKING:
    from capture.story import Story


def run(options: argparse.Namespace) -> int:
    """Write what is chosen to the file or to standard output."""
    if options.round is not None and options.format != "mermaid":
        raise CommandError(ExitStatus.USAGE, "--round goes with --format mermaid")
    if options.secrets and options.format not in WITH_SECRETS:
        raise CommandError(ExitStatus.USAGE, f"--secrets goes with --format {' or '.join(WITH_SECRETS)}")
    if options.format in TOGETHER and options.output is None and sys.stdout.isatty():
        raise CommandError(ExitStatus.USAGE, f"{options.format} is binary: give a file with -o, or redirect the output")
    if options.round is not None and options.flow is None:
        raise CommandError(ExitStatus.USAGE, "--round goes with --flow")
    if options.beside is not None and options.round is None:
        raise CommandError(ExitStatus.USAGE, "--beside goes with --round")
    if options.packets and (options.filter is None or options.format != "pcapng"):
        raise CommandError(ExitStatus.USAGE, "--packets goes with --filter and --format pcapng")
    if options.packets and options.secrets:
        raise CommandError(ExitStatus.USAGE, "--secrets are those of attempts: it does not go with --packets")
    wanted = None if options.filter is None else chosen_filter(options)
    given = given_names(options)
    story = open_story(options)
    if not is_wanted(options):
        use_configured_names(story.table.files, given)
    if wanted is None:
        flow = chosen_flow(story, options.flow)
        content = _content(story, flow, options) if options.beside is None else _branches(story, flow, options)
    elif options.packets:
        content = passing_packets(story, wanted, options)
    else:
        content = passing_attempts(story, wanted, options)
    if options.output is None:
        sys.stdout.flush()
        sys.stdout.buffer.write(content)
        sys.stdout.buffer.flush()
    else:
        write_output(options.output, content, secret=options.secrets)
    return ExitStatus.OK


def chosen_flow(story: Story, prefix: str) -> Flow:
    """The attempt whose id begins with `prefix`.

    Raises:
        CommandError: there is none, or more than one.
    """
    found = story.find(prefix)
    if len(found) == 1:
        return found[0]
    if found:
        ids = ", ".join(flow.id for flow in found[:8])
        raise CommandError(ExitStatus.USAGE, f"--flow {prefix} could be any of {ids}: give more digits")
    known = ", ".join(flow.id for flow in story.flows[:8]) or "none: the capture holds no attempts"
    more = f" and {len(story.flows) - 8} more" if len(story.flows) > 8 else ""
    raise CommandError(ExitStatus.USAGE, f"--flow {prefix} is no attempt in here; there are {known}{more}")


def round_index(flow: Flow, number: int) -> int:
    """Index of the round that its payload numbers so; rounds that could not be opened count from 0.

    Raises:
        CommandError: the attempt has no such round.
    """
    for index, one in enumerate(flow.rounds):
        if number == (index if one.round is None else one.round):
            return index
    numbers = [index if one.round is None else one.round for index, one in enumerate(flow.rounds)]
    has = f"its rounds are {', '.join(map(str, numbers))}" if numbers else "it has none"
    raise CommandError(ExitStatus.USAGE, f"the attempt has no round {number}: {has}")


def _branches(story: Story, flow: Flow, options: argparse.Namespace) -> bytes:
    """A round of two attempts in one diagram.

    Raises:
        CommandError: they are no pair that could be one.
    """
    from app.export_mermaid import mermaid_branches

    other = chosen_flow(story, options.beside)
    numbers = [round_index(one, options.round) for one in (flow, other)]
    if numbers[0] != numbers[1]:
        raise CommandError(ExitStatus.USAGE, "--beside: the capture doesn't show the same rounds of both attempts")
    shown = [flow, other]
    if is_wanted(options):
        shown = [behind_mask(story, options).masking.flow(one) for one in shown]
    try:
        return mermaid_branches(shown[0], shown[1], numbers[0], story.last_time).encode()
    except ValueError as error:
        raise CommandError(ExitStatus.USAGE, f"--beside: {error}") from None


def write_output(path: str, content: bytes, *, secret: bool = False) -> None:
    """Write a file; one with secrets is for its owner alone.

    Raises:
        CommandError: it can't be written.
    """
    try:
        write_attempt(path, content, secret=secret)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise CommandError(ExitStatus.USAGE, f"{path} can't be written: {reason}") from None


def _content(story: Story, flow: Flow, options: argparse.Namespace) -> bytes:
    number = None if options.round is None else round_index(flow, options.round)
    secrets, width = options.secrets, options.width
    if is_wanted(options):
        behind = behind_mask(story, options)
        notes = said_in(story, behind)
        shown = behind.masking.flow(flow)
        return attempt_content(
            options.format, shown, behind, secrets=secrets, width=width, round_index=number, notes=notes
        )
    return attempt_content(
        options.format,
        flow,
        story,
        secrets=secrets,
        width=width,
        round_index=number,
        notes=said_in(story),
        names=names.chosen().entries,
    )
