"""File to packet table, and nothing after it: ``python -m bench.flow_table FILE...``."""

from __future__ import annotations

import resource
import sys

from capture.opening import open_captures


def main() -> None:
    """Read the captures and say how much was in them."""
    table = open_captures(sys.argv[1:])
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    for file in table.files:
        print(f"{file.path}: {file.packets} frames, {file.udp} datagrams, {file.dht_messages} DHT messages")
    print(f"peak {peak} MiB")


if __name__ == "__main__":
    main()
