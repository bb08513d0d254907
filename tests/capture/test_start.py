"""What is imported to read a capture: starting takes longer than reading a small one, so nothing may creep in."""

from __future__ import annotations

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from capture.pcap_writer import write_pcap
from capture.story import Story

ROOT = Path(__file__).parents[2]
LAB = ROOT / "tests/fixtures/lab"

HEAVY = {"argparse", "asyncio", "cbor2", "json", "logging", "numpy.ma", "numpy.typing", "rich", "scapy", "shutil"}
HEAVY |= {"socket", "textual"}
OTHER_CAPTURES = {"capture.clocks", "capture.compressed", "capture.live", "capture.pcapng", "capture.vantages"}
"""What gzip, pcapng, several files and interfaces take."""
KEYS = {"capture.flows.opened_noise", "capture.keylog", "capture.keylog_files", "protocol.keys"}
KEYS |= {"protocol.noise_secrets", "protocol.sealed_values"}
"""What the inside of noise messages takes."""
LOOKING = {"capture.flows.facts", "capture.flows.freezing", "capture.flows.gathering", "capture.flows.judging"}
LOOKING |= {"capture.flows.ladder", "capture.flows.verdicts", "capture.model", "protocol.messages", "protocol.nat"}
"""What verdicts and arrows take."""


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A capture in the plainest container."""
    table = Story.open([str(LAB / "consistent-consistent/wan.pcap.gz")]).table
    path = tmp_path_factory.mktemp("start") / "plain.pcap"
    write_pcap(str(path), table, range(len(table)))
    return str(path)


def loaded(path: str, then: str) -> set[str]:
    """Modules in a new interpreter that read the capture and did something more."""
    code = f"import sys; from capture.story import Story; story = Story.open([{path!r}]); {then}; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_what_is_not_to_be_imported_exists() -> None:
    assert all(find_spec(name) for name in HEAVY | OTHER_CAPTURES | KEYS | LOOKING)


def test_a_list_of_attempts_takes_little(plain: str) -> None:
    modules = loaded(plain, "assert [(flow.id, flow.started, flow.target) for flow in story.flows]")
    assert "capture.flows.casebook" in modules
    assert not modules & (HEAVY | OTHER_CAPTURES | KEYS | LOOKING)


def test_a_verdict_takes_no_more_than_it_must(plain: str) -> None:
    modules = loaded(plain, "assert story.flows[0].verdict.summary")
    assert modules >= LOOKING
    assert not modules & (HEAVY | OTHER_CAPTURES)


def test_linear_algebra_starts_no_threads() -> None:
    code = "import os, capture.arrays; print(os.listdir('/proc/self/task').__len__())"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "1\n"
