"""`peephole record`: captures as one recording."""

from __future__ import annotations

import argparse
import os
import tempfile
from typing import TYPE_CHECKING

from app import names
from app.cli import complain
from app.exit_status import CommandError, ExitStatus
from app.export_recording import keys_to_record, rows_of
from app.naming import given_names, use_configured_names
from app.reading import chosen_filter, keys_of, open_story
from app.redaction import behind_mask, is_wanted, said_in
from app.wording import counted
from capture.recording.writing import write_recording

if TYPE_CHECKING:
    from capture.story import Story


def run(options: argparse.Namespace) -> int:
    """Write the recording; into the file's place only when it is whole."""
    output = options.output
    if not options.force and os.path.lexists(output):
        raise CommandError(ExitStatus.USAGE, f"{output} is there already: --force writes over it")
    if options.with_keys and is_wanted(options):
        raise CommandError(ExitStatus.USAGE, "--with-keys does not go with --redact: the keys are what it hides")
    chosen = chosen_filter(options)
    given = given_names(options)
    story = open_story(options)
    use_configured_names(story.table.files, given)
    rows = None
    if chosen.text.strip():
        rows = sorted(row for flow in chosen.on(story).select(story.flows) for row in rows_of(story.table, flow))
    try:
        count = _write(story, options, rows)
    except OSError as error:
        reason = error.strerror or str(error)
        raise CommandError(ExitStatus.USAGE, f"{output} can't be written: {reason}") from None
    complain(f"wrote {counted(count, 'packet')} to {output}")
    return ExitStatus.OK


def _write(story: Story, options: argparse.Namespace, rows: list[int] | None) -> int:
    """Write beside the file, then put it in its place: who reads from it meanwhile has the old one."""
    folder, name = os.path.split(os.path.abspath(options.output))
    descriptor, beside = tempfile.mkstemp(prefix=f".{name}.", dir=folder)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            if not options.with_keys:
                mask = os.umask(0)
                os.umask(mask)
                os.fchmod(stream.fileno(), 0o666 & ~mask)
            if is_wanted(options):
                behind = behind_mask(story, options)
                lines = behind.make_all()
                count = write_recording(
                    stream, behind.table, rows, notes=said_in(story, behind), secrets=lines, redacted=True
                )
            else:
                secrets, public_keys = keys_to_record(story, keys_of(options)) if options.with_keys else ((), ())
                count = write_recording(
                    stream,
                    story.table,
                    rows,
                    notes=said_in(story),
                    names=names.chosen().entries,
                    secrets=secrets,
                    public_keys=public_keys,
                )
        os.replace(beside, options.output)
    except BaseException:
        os.unlink(beside)
        raise
    return count
