"""Captures on the loopback interface take root and tcpdump."""

from __future__ import annotations

import os

import pytest

from tests.needs import need, need_tools


@pytest.fixture(scope="session")
def loopback_capture() -> None:
    """The machine can capture on its loopback interface."""
    need_tools("tcpdump")
    need("" if os.geteuid() == 0 else "a capture on the loopback interface needs root")
