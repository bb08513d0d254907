"""The fuzz target of a whole peer: its law over scripts in each role, and a brief coverage-guided run."""

from __future__ import annotations

import random
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protocol.peer.events import Stage as Progress
from protocol.peer.refusals import all_refusals
from tests.fuzz.peer_cast import ROLES
from tests.fuzz.peer_law import check
from tests.fuzz.peer_script import play

from .guided import finds_nothing, needs_atheris

RUNS = 150
TIMEOUT = 300
EACH = 12
"""Scripts for each role."""


def script(role: int, number: int) -> bytes:
    return bytes((role,)) + random.Random(f"{role} {number}").randbytes(700)


@pytest.mark.parametrize("role", range(len(ROLES)), ids=ROLES)
def test_law_holds_for_scripts(role: int) -> None:
    for number in range(EACH):
        check(script(role, number))


def test_scripts_get_far() -> None:
    """They are worth something only as long as they get past the first checks, in all roles."""
    refused: Counter[str] = Counter()
    stages, handshakes, accepted = set(), 0, 0
    for role in range(len(ROLES)):
        for number in range(EACH):
            stage = play(script(role, number))
            refused += all_refusals(stage.peer)
            stages |= {connection.stage for connection in stage.connections if connection.initiator}
            handshakes += len(stage.attempts)
            accepted += sum(not connection.initiator for connection in stage.connections)
    assert len(refused) >= 20
    assert handshakes >= 30
    assert accepted >= 3
    assert stages >= {Progress.CLOSED}


@settings(max_examples=80, deadline=None)
@given(st.integers(0, len(ROLES) - 1), st.binary(max_size=600))
def test_law_holds_for_any_script(role: int, data: bytes) -> None:
    check(bytes((role,)) + data)


@needs_atheris
def test_fuzzer_finds_nothing(tmp_path: Path) -> None:
    finds_nothing(
        "fuzz_peer", (script(role, 0) for role in range(len(ROLES))), tmp_path, runs=RUNS, longest=700, timeout=TIMEOUT
    )
