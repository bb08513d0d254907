"""`peephole man`: the manual page of all commands."""

from __future__ import annotations

import argparse
import sys

from app.exit_status import ExitStatus


def run(options: argparse.Namespace) -> int:
    """Print it: for people on a terminal, for man elsewhere, unless a form is asked for."""
    from app.manual import page

    form = options.format or ("text" if sys.stdout.isatty() else "roff")
    sys.stdout.write(page(form))
    return ExitStatus.OK
