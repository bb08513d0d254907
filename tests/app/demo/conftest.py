"""Captures on the loopback interface take root and tcpdump; where they can't be made, the summary says why."""

from __future__ import annotations

import os
import shutil

import pytest

REQUIRE = "PEEPHOLE_REQUIRE_LAB"
_spoken: list[str] = []


@pytest.fixture(scope="session")
def loopback_capture() -> None:
    """Skipped with the reason where the loopback can't be captured, or failed if PEEPHOLE_REQUIRE_LAB=1."""
    reason = _missing()
    if not reason:
        return
    if os.environ.get(REQUIRE) == "1":
        pytest.fail(f"{REQUIRE} is set, but {reason}")
    _spoken.append(reason)
    pytest.skip(reason)


def _missing() -> str:
    if os.geteuid() != 0:
        return "a capture on the loopback interface needs root"
    return "" if shutil.which("tcpdump") else "a capture on the loopback interface needs tcpdump"


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Quiet runs hide skip reasons; this one is always said."""
    for reason in _spoken:
        terminalreporter.write_line(f"the embedded network was not compared with tcpdump: {reason}")
