"""Packets of a list as a pcapng file, those of attempts with a comment that says what they are."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from app.attempt_files import opening_lines
from app.export_pcapng import SEEN_AGAIN, packet_comments
from capture.keylog import Secret, format_secrets
from capture.model import Flow, Sighting
from capture.notes import Notes
from capture.pcapng_comments import OURS, shown_comment
from capture.pcapng_writer import write_pcapng

if TYPE_CHECKING:
    from app.tui.story_view import StoryView

COMMENTED: Final = 20_000
"""Packets up to which those of attempts get a comment; to look for the attempts of more would take minutes."""


def write_packets(path: Path, story: StoryView, rows: Sequence[int], notes: Notes) -> int:
    """Write packets to a new file.

    Args:
        path: a file that is not there yet.
        story: where they are; behind a mask, the file is too.
        rows: their rows in the packet table.
        notes: what the user says of them, as it reads in that story.

    Returns:
        How many frames were written.

    Raises:
        OSError: it can't be written; FileExistsError if it is there.
    """
    flows = attempts_of(story, rows)
    comments: dict[int, list[str]] = {}
    lines: list[Secret] = []
    table = story.table
    said = {row: words for flow in flows for row, words in packet_comments(flow).items()}
    for flow in flows:
        lines += opening_lines(flow, story)
    for row in rows:
        told = []
        if notes and (comment := notes.on(_sighting(story, row))):
            told.append(shown_comment(comment))
        primary = table.copy_of.item(row)
        if row in said:
            told.append(OURS + said[row])
        elif primary in said:
            told.append(OURS + said[primary] + SEEN_AGAIN)
        if told:
            comments[row] = told
    block = format_secrets(lines).encode("ascii") if lines else None
    # Made anew, or not at all: nothing that was there is lost.
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666))
    return write_pcapng(path, table, rows, comments=comments, secrets=block)


def attempts_of(story: StoryView, rows: Sequence[int]) -> list[Flow]:
    """The attempts that packets are part of, oldest first; of very many packets none."""
    if len(rows) > COMMENTED:
        return []
    found: dict[str, Flow] = {}
    for row in rows:
        flow = story.flow_of(_sighting(story, row))
        if flow is not None:
            found[flow.id] = flow
    return sorted(found.values(), key=lambda flow: (flow.started, flow.id))


def _sighting(story: StoryView, row: int) -> Sighting:
    table = story.table
    return Sighting(table.file.item(row), table.frame.item(row), row)
