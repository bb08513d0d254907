"""Names from everywhere: the configuration, the files, the options; later ones stand before earlier ones."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from app import names
from app.exit_status import CommandError, ExitStatus
from app.names import NO_NAMES, AliasError, Names, parse_aliases

if TYPE_CHECKING:
    from capture.capture_file import CaptureFile


def given_names(options: argparse.Namespace) -> Names:
    """Names that ``--alias`` gives.

    Raises:
        CommandError: one is not of the form ``ADDRESS=NAME``.
    """
    try:
        return parse_aliases(getattr(options, "alias", None) or ())
    except AliasError as error:
        raise CommandError(ExitStatus.USAGE, f"--alias: {error}") from None


def sound_names(entries: Mapping[str, str]) -> tuple[Names, list[str]]:
    """Those of some entries that name something, and what is wrong with the others."""
    found, faults = NO_NAMES, []
    for what, name in entries.items():
        try:
            found = found.with_name(what, name)
        except AliasError as error:
            faults.append(str(error))
    return found, faults


def use_names(configured: Mapping[str, str], files: Iterable[CaptureFile], given: Names) -> list[str]:
    """Use the names of the configuration, then of the files, then of the options; what is wrong with some of them."""
    from capture.said import names_of

    ours, faults = sound_names(configured)
    theirs, more = sound_names(names_of(files))
    names.use(ours.merged(theirs).merged(given))
    return faults + more


def use_configured_names(files: Iterable[CaptureFile], given: Names) -> None:
    """The same for a command without screens, which says on standard error what is wrong with some."""
    from app.cli import complain
    from app.configured import configured_headless

    for fault in use_names(configured_headless().aliases, files, given):
        complain(f"alias left out: {fault}")
