"""`peephole completion`: the script that makes a shell complete commands, options, files and filters."""

from __future__ import annotations

import argparse
import sys

from app.exit_status import ExitStatus


def run(options: argparse.Namespace) -> int:
    """Print the script."""
    from app.completion import script

    sys.stdout.write(script(options.shell))
    return ExitStatus.OK
