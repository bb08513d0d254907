"""Live scenarios take a machine that can build the lab."""

from __future__ import annotations

import pytest

from tests.needs import need

from .run import missing


@pytest.fixture(scope="session")
def lab() -> None:
    """The machine can build the lab."""
    need(missing())
