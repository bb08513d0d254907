"""What passes a filter, as the content of a file: whole attempts, or packets alone."""

from __future__ import annotations

import argparse
import io
from typing import TYPE_CHECKING

from app import names
from app.attempt_files import TOGETHER, Source, attempt_content, packets_content
from app.exit_status import CommandError, ExitStatus
from app.redaction import behind_mask, is_wanted, said_in

if TYPE_CHECKING:
    from capture.filter import Filter
    from capture.story import Story

NAMED = 8
"""Attempts that are named where one has to be chosen."""


def passing_attempts(story: Story, wanted: Filter, options: argparse.Namespace) -> bytes:
    """The attempts that pass, in the form that the options name.

    Raises:
        CommandError: none passes, or more than the form has room for.
    """
    flows = wanted.on(story).select(story.flows)
    if not flows:
        raise CommandError(ExitStatus.USAGE, f"none of {len(story.flows)} attempts passes the filter")
    if len(flows) > 1 and options.format not in TOGETHER:
        ids = ", ".join(flow.id for flow in flows[:NAMED])
        more = f" and {len(flows) - NAMED} more" if len(flows) > NAMED else ""
        raise CommandError(
            ExitStatus.USAGE,
            f"{options.format} holds one attempt, and {len(flows)} pass the filter: {ids}{more}; "
            f"{' and '.join(TOGETHER)} hold any number",
        )
    source: Source = story
    notes = said_in(story)
    if is_wanted(options):
        behind = behind_mask(story, options)
        flows = tuple(map(behind.masking.flow, flows))
        source, notes = behind, said_in(story, behind)
    known = None if is_wanted(options) else names.chosen().entries
    if options.format in TOGETHER:
        return packets_content(options.format, flows, source, secrets=options.secrets, notes=notes, names=known)
    return attempt_content(
        options.format, flows[0], source, secrets=options.secrets, width=options.width, notes=notes, names=known
    )


def passing_packets(story: Story, wanted: Filter, options: argparse.Namespace) -> bytes:
    """Every packet that passes, as pcapng.

    Raises:
        CommandError: none passes.
    """
    import numpy as np

    from capture.pcapng_writer import write_pcapng

    rows = np.flatnonzero(wanted.on(story).rows()).tolist()
    if not rows:
        raise CommandError(ExitStatus.USAGE, f"none of {len(story.table)} packets passes the filter")
    table = behind_mask(story, options).table if is_wanted(options) else story.table
    target = io.BytesIO()
    write_pcapng(target, table, rows)
    return target.getvalue()
