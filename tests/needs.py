"""What a test needs of the machine: without it the test is skipped and says why, or fails where all has to run."""

from __future__ import annotations

import os
import shutil
from typing import Final

import pytest

REQUIRE: Final = "PEEPHOLE_REQUIRE_LAB"
"""Set to 1, as `.ci/run` does, nothing may be skipped: a check that silently stops running is no check."""


def need(missing: str) -> None:
    """Skip the test that asks, or fail it, if something is missing.

    Args:
        missing: what is missing and why it matters; empty if nothing is.
    """
    if not missing:
        return
    if os.environ.get(REQUIRE) == "1":
        pytest.fail(f"{REQUIRE} is set, but {missing}")
    pytest.skip(missing)


def need_tools(*names: str) -> None:
    """Skip or fail if one of these programs is not installed."""
    need("; ".join(f"{name} is not installed" for name in names if shutil.which(name) is None))
