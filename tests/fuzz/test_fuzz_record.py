"""The fuzz target of the reader of sensors' records: its law over records, cut and altered, and a brief guided run."""

from __future__ import annotations

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.app.running import LAB
from tests.app.sensors.published import Published

from .record_law import check

ROOT = Path(__file__).parent.parent.parent
RUNS = 1000
TIMEOUT = 300


def records() -> list[bytes]:
    """What a sensor publishes of a small capture; the longest are left out."""
    published = Published([LAB / "relayed" / "client.pcap.gz"], secrets=True)
    published.run(parts=40)
    return sorted({one for one in published.sent if len(one) < 4000}, key=len)


RECORDS = records()


def test_law_holds_for_records_that_are_cut_and_altered() -> None:
    assert len(RECORDS) > 3
    for record in RECORDS[::2]:
        for place in range(0, len(record), max(1, len(record) // 20)):
            check(record[:place])
            for byte in (0x60, 0x80, 0xBB, 0xF6):
                check(record[:place] + bytes((byte,)) + record[place + 1 :])


@pytest.mark.skipif(find_spec("atheris") is None, reason="atheris is not installed: pip install '.[fuzz]'")
def test_fuzzer_finds_nothing(tmp_path: Path) -> None:
    seeds = tmp_path / "corpus"
    seeds.mkdir()
    for number, record in enumerate(RECORDS):
        (seeds / str(number)).write_bytes(record)
    arguments = [f"-runs={RUNS}", "-seed=1", "-max_len=2000", f"-artifact_prefix={tmp_path}/", str(seeds)]
    result = subprocess.run(
        [sys.executable, "-m", "tests.fuzz.fuzz_record", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
        check=False,
    )
    assert result.returncode == 0, result.stderr[-4000:]
    assert f"Done {RUNS} runs" in result.stderr
