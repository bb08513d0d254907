"""The packet ring with nothing behind it, or nothing but the packet table: ``python -m bench.ring INTERFACE``.

What capturing itself takes, beside ``tcpdump -w``: frames are copied out of the ring, with ``--rows`` they become rows.
"""

from __future__ import annotations

import argparse
import select
import signal
import sys
import threading

from capture.live import LiveCapture
from capture.packet_ring import PacketRing
from capture.packet_socket import listen

LOOK_S = 0.025
"""Seconds between two looks."""


def main() -> None:
    """Listen until SIGINT."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("interface")
    parser.add_argument("--rows", action="store_true", help="make rows of the packet table")
    args = parser.parse_args()
    asked = threading.Event()
    signal.signal(signal.SIGINT, lambda *_: asked.set())
    taken, dropped = (rows if args.rows else blocks)(args.interface, asked)
    print(f"{taken} taken, {dropped} dropped", file=sys.stderr)


def rows(interface: str, asked: threading.Event) -> tuple[int, int]:
    """Frames that became rows, and frames that were lost."""
    with LiveCapture(interface) as capture:
        print("listening", file=sys.stderr, flush=True)
        while not asked.wait(LOOK_S):
            capture.collect()
    return capture.file.packets, capture.file.dropped or 0


def blocks(interface: str, asked: threading.Event) -> tuple[int, int]:
    """Frames that were copied out, and frames that were lost."""
    ring = PacketRing()
    listen(ring, interface)
    print("listening", file=sys.stderr, flush=True)
    taken = 0
    while not asked.is_set():
        if select.select([ring], [], [], 1.0)[0]:
            taken += sum(burst.at.size for burst in ring.take())
    return taken, ring.count_dropped()


if __name__ == "__main__":
    main()
