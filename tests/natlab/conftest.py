"""Says in the summary why the live scenarios did not run, if they did not."""

from __future__ import annotations

import os

import pytest

from .run import missing

REQUIRE = "PEEPHOLE_REQUIRE_LAB"
_spoken: list[str] = []


@pytest.fixture(scope="session")
def lab() -> None:
    """The machine can build the lab. Where it can't: skipped with the reason, or failed if PEEPHOLE_REQUIRE_LAB=1."""
    reason = missing()
    if not reason:
        return
    if os.environ.get(REQUIRE) == "1":
        pytest.fail(f"{REQUIRE} is set, but {reason}")
    _spoken.append(reason)
    pytest.skip(reason)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Quiet runs hide skip reasons; this one is always said."""
    for reason in _spoken:
        terminalreporter.write_line(f"live lab scenarios did not run: {reason}")
