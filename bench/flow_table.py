"""File to complete flow table, and nothing after it: ``python -m bench.flow_table [--packets-only] FILE...``.

Complete: all legs of every attempt are joined, its keys found and its secrets rebuilt, and punches and streams are
indexed by their endpoints. What an attempt's payloads say, and its verdict, are worked out when it is looked at.
"""

from __future__ import annotations

import os
import sys

from capture.collector import collector_paused


def main() -> None:
    """Read the captures and say how much was in them."""
    packets_only = "--packets-only" in sys.argv
    paths = [argument for argument in sys.argv[1:] if argument != "--packets-only"]
    if packets_only:
        from capture.opening import open_captures

        table, flows = open_captures(paths), 0
    else:
        from capture.story import Story

        story = Story.open(paths)
        table, flows = story.table, len(story.flows)
    for file in table.files:
        print(f"{file.path}: {file.packets} frames, {file.udp} datagrams, {file.dht_messages} DHT messages")
    if not packets_only:
        print(f"{flows} attempts")
    sys.stdout.flush()
    os._exit(0)  # as the command does: giving memory back piece by piece takes time and helps nobody


if __name__ == "__main__":
    with collector_paused():  # as the command does
        main()
