"""The fuzz target of peers whose datagrams are tampered with: its law over scripts, and a brief coverage-guided run."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fuzz.flow_script import Script
from tests.fuzz.tampered_world import World
from tests.fuzz.world_law import check

from .guided import finds_nothing, needs_atheris

RUNS = 15
TIMEOUT = 300


def script(about: int) -> bytes:
    return bytes((about,)) + random.Random(about).randbytes(400)


@pytest.mark.parametrize("about", [*range(9), 128, 129, 131, 132, 134])
def test_law_holds_for_scripts(about: int) -> None:
    check(script(about))


@pytest.mark.parametrize("relay", [False, True])
def test_undisturbed_they_talk(relay: bool) -> None:
    world = World(0, relay=relay)
    heard = world.play(Script(b""))
    assert heard.opened
    assert len(heard.data) == 22 * 60
    assert world.host is None or world.host.relay.counters.sessions_accepted > 0


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 255), st.binary(max_size=300))
def test_law_holds_for_any_script(about: int, data: bytes) -> None:
    check(bytes((about,)) + data)


@needs_atheris
def test_fuzzer_finds_nothing(tmp_path: Path) -> None:
    finds_nothing("fuzz_world", map(script, (0, 1, 129)), tmp_path, runs=RUNS, longest=400, timeout=TIMEOUT)
