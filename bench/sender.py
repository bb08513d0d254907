"""Plays the frames of a capture on an interface at a set rate: ``python -m bench.sender FILE INTERFACE --rate N``.

As fast as C sends them: one system call (``sendmmsg``) for all frames that are due, from memory in which they already
lie. What was sent when goes to a file, as two columns of numbers: frames so far, and seconds of the monotonic clock.
"""

from __future__ import annotations

import argparse
import ctypes
import json
import mmap
import os
import socket
import time
from pathlib import Path

import numpy as np

from capture.opening import PCAPNG

STEP_S = 0.0005
"""Seconds between two looks at the clock: half of what is sent with one call at 2000 frames a second."""
AT_ONCE = 1024
"""Most frames of one call, as the kernel has it."""
PCAP_HEAD, RECORD_HEAD = 24, 16
_MESSAGE = np.dtype(
    {
        "names": ["iov", "iov_count", "sent"],
        "formats": ["u8", "u8", "u4"],
        "offsets": [16, 24, 56],
        "itemsize": 64,
    }
)
"""``struct mmsghdr`` of 64-bit Linux."""
_VECTOR = np.dtype([("base", "u8"), ("length", "u8")])


class Frames:
    """Frames of a pcap file in memory, ready for ``sendmmsg``."""

    def __init__(self, path: Path) -> None:
        with path.open("rb") as file:
            self._memory = mmap.mmap(file.fileno(), 0, mmap.MAP_PRIVATE)
        if self._memory[:4] == PCAPNG:
            raise ValueError(f"{path} is a pcapng; what is played is a pcap")
        start = ctypes.addressof(ctypes.c_char.from_buffer(self._memory))
        at = []
        end = PCAP_HEAD
        while end < len(self._memory):
            at.append(end + RECORD_HEAD)
            end += RECORD_HEAD + int.from_bytes(self._memory[end + 8 : end + 12], "little")
        self.count = len(at)
        places = np.array(at, np.uint64)
        self.vectors = np.zeros(self.count, _VECTOR)
        self.vectors["base"] = places + np.uint64(start)
        ends = np.append(places[1:] - np.uint64(RECORD_HEAD), np.uint64(len(self._memory)))
        self.vectors["length"] = ends - places
        self.messages = np.zeros(self.count, _MESSAGE)
        first = self.vectors.ctypes.data
        self.messages["iov"] = first + np.arange(self.count, dtype=np.uint64) * _VECTOR.itemsize
        self.messages["iov_count"] = 1
        np.frombuffer(self._memory, np.uint8)[:: mmap.PAGESIZE].sum()  # in memory before the clock runs


class Line:
    """A packet socket that only sends."""

    def __init__(self, interface: str) -> None:
        self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
        self._socket.bind((interface, 0))
        self._send = ctypes.CDLL(None, use_errno=True).sendmmsg
        self._send.argtypes = [ctypes.c_int, ctypes.c_void_p, ctypes.c_uint, ctypes.c_int]

    def send(self, frames: Frames, first: int, end: int) -> None:
        """Send some of the frames.

        Raises:
            OSError: the kernel did not take one.
        """
        while first < end:
            address = frames.messages.ctypes.data + first * _MESSAGE.itemsize
            sent = self._send(self._socket.fileno(), address, min(end - first, AT_ONCE), 0)
            if sent <= 0:
                raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
            first += sent


def play(frames: Frames, line: Line, rate: float, count: int) -> np.ndarray:
    """Send `count` frames, over and over where there are fewer; what was sent when."""
    done = 0
    log: list[tuple[int, float]] = []
    began = time.monotonic()
    while done < count:
        now = time.monotonic()
        due = min(count, int((now - began) * rate) + 1)
        while done < due:
            first = done % frames.count
            end = min(frames.count, first + due - done)
            line.send(frames, first, end)
            done += end - first
        log.append((done, now))
        left = began + done / rate - time.monotonic()
        time.sleep(max(STEP_S, left))
    return np.array(log)


def main() -> None:
    """Play a capture, and say what it took."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("path", type=Path)
    parser.add_argument("interface")
    parser.add_argument("--rate", type=float, required=True, help="frames a second")
    parser.add_argument("--count", type=int, help="frames; all of the file once, unless it says otherwise")
    parser.add_argument("--log", type=Path, help="where to put what was sent when")
    args = parser.parse_args()
    frames, line = Frames(args.path), Line(args.interface)
    print("ready", flush=True)
    input()
    count = args.count or frames.count
    cpu = time.process_time()
    log = play(frames, line, args.rate, count)
    if args.log:
        np.save(args.log, log)
    seconds = float(log[-1, 1] - log[0, 1])
    print(json.dumps({"sent": count, "seconds": seconds, "cpu": time.process_time() - cpu}), flush=True)


if __name__ == "__main__":
    main()
