"""A real capture of some size: ``python -m bench.real FILE``.

The laboratory's captures of the net between the NATs, those that are of the most common link type, in order of time.
"""

from __future__ import annotations

import sys
from pathlib import Path

from capture.opening import open_captures
from capture.pcap_writer import write_pcap

ROOT = Path(__file__).parents[1]
PACKETS = 20_000


def main() -> None:
    """Write the capture."""
    table = open_captures([str(path) for path in sorted((ROOT / "tests/fixtures/lab").glob("*/wan.pcap.gz"))])
    linktypes = [file.interfaces[0].linktype for file in table.files]
    common = max(set(linktypes), key=linktypes.count)
    rows = [row for row in range(len(table)) if linktypes[table.file[row]] == common][:PACKETS]
    print(f"real capture: {write_pcap(sys.argv[1], table, rows)} packets", file=sys.stderr)


if __name__ == "__main__":
    main()
