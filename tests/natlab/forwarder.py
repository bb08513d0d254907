"""A TUN device that delays and loses packets: what stands between the cables of the wide area router.

Run inside the router's namespace: `python forwarder.py DELAY JITTER LOSS SEED` (seconds, seconds, share, integer).
Packets that arrive on a cable are routed into the device, wait here, and are written back for delivery. They
keep their order. Says `ready` on stdout once the device carries traffic; ends with its standard input.
"""

from __future__ import annotations

import fcntl
import os
import random
import select
import struct
import subprocess
import sys
import time
from collections import deque

TUNSETIFF = 0x400454CA
IFF_TUN, IFF_NO_PI = 0x0001, 0x1000
DEVICE = "tun0"
TABLE = 100


def open_device() -> int:
    """Make the device, bring it up, and route everything that arrives on a cable into it."""
    handle = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(handle, TUNSETIFF, struct.pack("16sH22x", DEVICE.encode(), IFF_TUN | IFF_NO_PI))
    for line in (
        f"link set {DEVICE} up txqueuelen 10000",
        f"route add default dev {DEVICE} table {TABLE}",
        f"rule add iif {DEVICE} lookup main pref 10",
        "rule add iif lo lookup main pref 11",
        f"rule add from all lookup {TABLE} pref 20",
    ):
        subprocess.run(["ip", *line.split()], check=True)
    return handle


def forward(handle: int, delay: float, jitter: float, loss: float, dice: random.Random) -> None:
    """Move packets until standard input ends."""
    queue: deque[tuple[float, bytes]] = deque()
    last = 0.0
    poller = select.poll()
    poller.register(handle, select.POLLIN)
    poller.register(0, select.POLLIN)
    while True:
        wait = None if not queue else max(0.0, (queue[0][0] - time.monotonic()) * 1000)
        ready = dict(poller.poll(wait))
        if 0 in ready and not os.read(0, 1024):
            return
        now = time.monotonic()
        while handle in ready:
            try:
                packet = os.read(handle, 65536)
            except BlockingIOError:
                break
            if dice.random() < loss:
                continue
            last = max(last, now + delay + dice.uniform(0.0, jitter))
            queue.append((last, packet))
        now = time.monotonic()
        while queue and queue[0][0] <= now:
            os.write(handle, queue.popleft()[1])


if __name__ == "__main__":
    tun = open_device()
    print("ready", flush=True)
    given_delay, given_jitter, given_loss = map(float, sys.argv[1:4])
    forward(tun, given_delay, given_jitter, given_loss, random.Random(int(sys.argv[4])))
