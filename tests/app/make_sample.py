"""Makes the bundled capture from a run of the lab's tour: python -m tests.app.make_sample [FOLDER].

Three vantages of one run, wide area, client and server, in one pcapng file with an interface for each.
"""

from __future__ import annotations

import sys
from pathlib import Path

from capture.opening import open_captures
from capture.pcapng_writer import write_pcapng
from tests.app.running import LAB, SAMPLE

VANTAGES = ("wan", "client", "server")
COMMENT = "A tour of hole punching: one run of hyperdht 6.34.0 in a lab of real NATs, from the wide area and both ends"


def make_sample(folder: Path, target: Path) -> int:
    """Write the sample; returns its number of packets."""
    table = open_captures([str(folder / f"{vantage}.pcap.gz") for vantage in VANTAGES])
    for file, vantage in zip(table.files, VANTAGES, strict=True):
        file.path = vantage
    return write_pcapng(str(target), table, range(len(table)), comment=COMMENT)


if __name__ == "__main__":
    source = Path(sys.argv[1]) if len(sys.argv) > 1 else LAB / "tour"
    print(f"{make_sample(source, SAMPLE)} packets in {SAMPLE}")
