"""`peephole export`: one attempt in another form."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, BinaryIO, Final

from app.exit_status import CommandError, ExitStatus
from app.reading import open_story
from capture.model import Flow

if TYPE_CHECKING:
    from capture.story import Story

ORDINARY_MODE: Final = 0o666
SECRET_MODE: Final = 0o600
WITH_SECRETS: Final = ("json", "pcapng")
"""Forms that can hold secrets."""


def run(options: argparse.Namespace) -> int:
    """Write the attempt to the file or to standard output."""
    if options.round is not None and options.format != "mermaid":
        raise CommandError(ExitStatus.USAGE, "--round goes with --format mermaid")
    if options.secrets and options.format not in WITH_SECRETS:
        raise CommandError(ExitStatus.USAGE, f"--secrets goes with --format {' or '.join(WITH_SECRETS)}")
    if options.format == "pcapng" and options.output is None and sys.stdout.isatty():
        raise CommandError(ExitStatus.USAGE, "pcapng is binary: give a file with -o, or redirect the output")
    story = open_story(options)
    flow = chosen_flow(story, options.flow)
    content = _content(story, flow, options)
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


def write_output(path: str, content: bytes, *, secret: bool = False) -> None:
    """Write a file; one with secrets is for its owner alone, whoever could read it before.

    Raises:
        CommandError: it can't be written.
    """
    mode = SECRET_MODE if secret else ORDINARY_MODE
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, mode)
        with os.fdopen(descriptor, "wb") as file:
            _fill(file, content, secret=secret)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise CommandError(ExitStatus.USAGE, f"{path} can't be written: {reason}") from None


def _fill(file: BinaryIO, content: bytes, *, secret: bool) -> None:
    """Narrow the mode before the first secret byte is in the file. Pipes and devices keep theirs."""
    from stat import S_ISREG

    if S_ISREG(os.fstat(file.fileno()).st_mode):
        if secret:
            os.fchmod(file.fileno(), SECRET_MODE)
        file.truncate(0)
    file.write(content)


def _content(story: Story, flow: Flow, options: argparse.Namespace) -> bytes:
    makers: dict[str, Callable[[], bytes]] = {
        "text": lambda: _text(story, flow, options).encode(),
        "mermaid": lambda: _mermaid(flow, options).encode(),
        "svg": lambda: _svg(flow).encode(),
        "json": lambda: _json(story, flow, options).encode(),
        "pcapng": lambda: _pcapng(story, flow, options),
    }
    return makers[options.format]()


def _text(story: Story, flow: Flow, options: argparse.Namespace) -> str:
    from app.export_text import DEFAULT_WIDTH, text_export

    return text_export(flow, story.files, story, options.width or DEFAULT_WIDTH)


def _mermaid(flow: Flow, options: argparse.Namespace) -> str:
    from app.export_mermaid import mermaid_attempt, mermaid_round

    return mermaid_attempt(flow) if options.round is None else mermaid_round(flow, round_index(flow, options.round))


def _svg(flow: Flow) -> str:
    from app.export_svg import svg_export

    return svg_export(flow)


def _json(story: Story, flow: Flow, options: argparse.Namespace) -> str:
    from app.export_json import json_export

    return json_export(flow, story.files, secrets=options.secrets)


def _pcapng(story: Story, flow: Flow, options: argparse.Namespace) -> bytes:
    from app.export_pcapng import pcapng_export

    return pcapng_export(story.table, flow, secrets=options.secrets)
