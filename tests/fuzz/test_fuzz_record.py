"""The fuzz target of the reader of sensors' records: its law over records, cut and altered, and a brief guided run."""

from __future__ import annotations

from pathlib import Path

from tests.app.running import LAB
from tests.app.sensors.published import Published

from .guided import finds_nothing, needs_atheris
from .record_law import check

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


@needs_atheris
def test_fuzzer_finds_nothing(tmp_path: Path) -> None:
    finds_nothing("fuzz_record", RECORDS, tmp_path, runs=RUNS, longest=2000, timeout=TIMEOUT)
