"""`peephole FILE...`: the terminal inspector on captures."""

from __future__ import annotations

import argparse
import sys

from app.exit_status import CommandError, ExitStatus
from app.reading import check_paths, chosen_filter, clocks_of, keys_of


def run(options: argparse.Namespace) -> int:
    """Open the inspector; whatever can be refused is refused before the screen is entered."""
    if options.filter:
        chosen_filter(options)
    check_paths(options.files)
    keys = keys_of(options)
    ahead = clocks_of(options)
    if not (sys.stdout.isatty() and (sys.stdin.isatty() or "-" in options.files)):
        raise CommandError(ExitStatus.USAGE, "the inspector needs a terminal; `peephole report` works without one")
    from app.configured import configured
    from app.tui.app import run as run_screen

    return run_screen(options.files, keys, filter_text=options.filter, reading=configured(options), ahead=ahead)
