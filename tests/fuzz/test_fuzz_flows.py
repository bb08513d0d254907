"""The fuzz target of the flow builder: its law over scripts and damaged captures, and a brief coverage-guided run."""

from __future__ import annotations

import gzip
import random
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from capture.model import VerdictCode
from capture.story import Story
from tests.fuzz.flow_script import play
from tests.fuzz.flows_law import check, check_capture, check_story

from .guided import finds_nothing, needs_atheris

ROOT = Path(__file__).parent.parent.parent
LAB = ROOT / "tests" / "fixtures" / "lab"
RUNS = 60
TIMEOUT = 300
HEADER = 24
"""Bytes of a pcap file before its first record."""
SMALL = 60_000
"""Bytes of a capture that is worth damaging many times."""

SCRIPTS = [random.Random(number).randbytes(600) for number in range(60)]


@cache
def captures() -> list[bytes]:
    """Real captures of moderate size, one of each scenario."""
    found = [gzip.decompress(path.read_bytes()) for path in sorted(LAB.glob("*/client.pcap.gz"))]
    return [capture for capture in found if len(capture) < SMALL]


def test_law_holds_for_scripts() -> None:
    codes = set()
    for script in SCRIPTS:
        check(b"\2" + script)
        codes |= {flow.verdict.code for flow in Story(play(script).table()).flows}
    # Scripts are worth something only as long as they reach most of the rules.
    assert len(codes) >= len(VerdictCode) // 2


@pytest.mark.parametrize("snaplen", [1, 5, 9, 13])
def test_law_holds_for_cut_scripts(snaplen: int) -> None:
    for script in SCRIPTS[:20]:
        check(bytes([snaplen]) + script)


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=500))
def test_law_holds_for_any_script(script: bytes) -> None:
    check(b"\2" + script)


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_law_holds_for_damaged_captures(data: st.DataObject) -> None:
    capture = bytearray(captures()[data.draw(st.integers(0, len(captures()) - 1))])
    for _ in range(data.draw(st.integers(0, 30))):
        at = data.draw(st.integers(HEADER, len(capture) - 1))
        capture[at] = data.draw(st.integers(0, 255))
    check_capture(bytes(capture[: data.draw(st.integers(len(capture) // 2, len(capture)))]))


def test_law_holds_for_captures_as_they_are() -> None:
    assert len(captures()) > 10
    for path in sorted(LAB.glob("*/nat.pcap.gz")):
        check_story(Story.open([str(path)]))


@needs_atheris
def test_fuzzer_finds_nothing(tmp_path: Path) -> None:
    smallest = min(captures(), key=len)
    seeds = [*(b"\2" + script for script in SCRIPTS[:20]), b"\0" + smallest[:8000]]
    finds_nothing("fuzz_flows", seeds, tmp_path, runs=RUNS, longest=8000, timeout=TIMEOUT)
