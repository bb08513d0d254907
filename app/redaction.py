"""What the redaction options of a command ask for, and the story behind that mask."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from capture.notes import Notes

if TYPE_CHECKING:
    from capture.masking.story import MaskedStory
    from capture.story import Story


def is_wanted(options: argparse.Namespace) -> bool:
    """Whether the options ask for redaction in any way."""
    return bool(options.redact or options.redact_key is not None or options.redact_ports)


def behind_mask(story: Story, options: argparse.Namespace) -> MaskedStory:
    """The story behind the mask that the options ask for."""
    from capture.masking.mask import Mask
    from capture.masking.story import MaskedStory

    return MaskedStory(story, Mask(options.redact_key, ports=options.redact_ports))


def said_in(story: Story, behind: MaskedStory | None = None) -> Notes:
    """Marks and comments that the files bring, behind the mask if there is one."""
    from capture.said import notes_of

    notes = notes_of(story.table.files)
    return notes if behind is None else behind.notes_behind(notes)
