"""File to complete flow table, and nothing after it: ``python -m bench.flow_table [--packets-only] FILE...``."""

from __future__ import annotations

import argparse
import os
import sys


def main() -> None:
    """Read the captures and say how much was in them."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--packets-only", action="store_true", help="stop at the packet table")
    parser.add_argument("paths", nargs="+")
    args = parser.parse_args()
    if args.packets_only:
        from capture.opening import open_captures

        table, flows = open_captures(args.paths), 0
    else:
        from capture.story import Story

        story = Story.open(args.paths)
        table, flows = story.table, len(story.flows)
    for file in table.files:
        print(f"{file.path}: {file.packets} frames, {file.udp} datagrams, {file.dht_messages} DHT messages")
    if not args.packets_only:
        print(f"{flows} attempts")
    sys.stdout.flush()
    os._exit(0)  # as the command does: giving memory back piece by piece takes time and helps nobody


if __name__ == "__main__":
    main()
