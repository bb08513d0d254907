"""The fuzz target of peers whose datagrams are tampered with: its law over scripts, and a brief coverage-guided run."""

from __future__ import annotations

import random
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fuzz.flow_script import Script
from tests.fuzz.tampered_world import World
from tests.fuzz.world_law import check

ROOT = Path(__file__).parent.parent.parent
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


@pytest.mark.skipif(find_spec("atheris") is None, reason="atheris is not installed: pip install '.[fuzz]'")
def test_fuzzer_finds_nothing(tmp_path: Path) -> None:
    seeds = tmp_path / "corpus"
    seeds.mkdir()
    for about in (0, 1, 129):
        (seeds / str(about)).write_bytes(script(about))
    result = subprocess.run(
        [
            sys.executable,
            "-m",
            "tests.fuzz.fuzz_world",
            f"-runs={RUNS}",
            "-seed=1",
            "-max_len=400",
            f"-artifact_prefix={tmp_path}/",
            str(seeds),
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
        check=False,
    )
    assert result.returncode == 0, result.stderr[-4000:]
    assert f"Done {RUNS} runs" in result.stderr
