"""`peephole keylog-hook`: where the Node preload lies."""

from __future__ import annotations

import argparse
import sys

from app.exit_status import ExitStatus
from capture.keylog_files import HOOK


def run(options: argparse.Namespace) -> int:
    """Print the path of the preload."""
    del options
    sys.stdout.write(f"{HOOK}\n")
    return ExitStatus.OK
