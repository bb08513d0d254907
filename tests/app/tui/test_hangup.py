"""A terminal that goes away takes the inspector with it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

SAMPLE = Path(__file__).parents[3] / "app" / "samples" / "tour.pcapng"
COMMANDS = [pytest.param([str(SAMPLE)], id="file"), pytest.param(["demo", "--count", "4"], id="live")]


@pytest.mark.parametrize("arguments", COMMANDS)
def test_the_process_ends_when_its_terminal_hangs_up(arguments: list[str]) -> None:
    master, slave = os.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "app", *arguments],
        stdin=slave,
        stdout=slave,
        stderr=slave,
        env=os.environ | {"TERM": "xterm-256color"},
        start_new_session=True,  # not the terminal's own session, so that no SIGHUP comes from the kernel
    )
    os.close(slave)
    try:
        painted = b""
        while b"attempts" not in painted:
            painted += os.read(master, 65536)
        os.close(master)
        process.wait(timeout=60)
    finally:
        process.kill()
        process.wait()
