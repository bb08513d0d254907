"""Live capture of one interface into a packet table that grows.

A thread takes frames off the socket, so that a busy screen loses none; whoever owns the table moves them into it when
it suits, through the same code that reads files. Nothing is shared but the frames waiting in between, whose number is
bounded; what finds no room there, or in the kernel, is counted.
"""

from __future__ import annotations

import select
import socket
import threading
from typing import Final

import numpy as np

from capture.candidates import FORWARD_WINDOW_NS
from capture.capture_file import CaptureFile
from capture.duplicates import mark_copies
from capture.errors import LiveError
from capture.frames import Frames, Interface
from capture.ingest import Ingest
from capture.live_socket import LiveSocket
from capture.raw import Raw
from capture.table import PacketTable
from capture.window import Window

MAX_WAITING_BYTES: Final = 64 << 20
"""Frames that may wait for `LiveCapture.collect`."""
_BURST: Final = 4096
"""Frames taken off the socket before they are handed on."""
_LOOK_BACK_ROWS: Final = 1 << 17


class LiveCapture:
    """Frames of one interface, from `start` to `stop`."""

    def __init__(
        self, interface: str, bpf: str = "", table: PacketTable | None = None, *, promiscuous: bool = False
    ) -> None:
        """Open the interface; frames are kept from now on.

        Args:
            interface: its name.
            bpf: capture filter in pcap-filter(7) syntax; empty for all frames.
            table: where rows go; a new one by default.
            promiscuous: whether to take frames for other hosts too.

        Raises:
            LiveError: NoSuchInterfaceError, NotPermittedError, BadFilterError, or another refusal of the system.
        """
        self._socket = LiveSocket(interface, bpf, promiscuous=promiscuous)
        self.table = PacketTable() if table is None else table
        described = Interface(self._socket.linktype, interface)
        self.file = CaptureFile(interface, "live", interfaces=[described])
        self.error: LiveError | None = None
        """Why capturing ended by itself."""
        self._ingest = Ingest(self.table, self.file)
        self._first_row = len(self.table)
        self._lock = threading.Lock()
        self._arrived = threading.Event()
        self._waiting: list[tuple[bytes, int]] = []
        self._waiting_bytes = 0
        self._overflowed = 0
        self._dropped = 0
        self._stop, self._stopped = socket.socketpair()
        self._thread = threading.Thread(target=self._run, name=f"capture {interface}", daemon=True)

    def start(self) -> None:
        """Begin to take frames off the socket."""
        self._thread.start()

    def stop(self) -> None:
        """End capturing, close the socket, and collect what is left. May be called again."""
        if self._thread.is_alive():
            self._stop.send(b"x")
            self._thread.join()
        self.collect()
        self._socket.close()
        self._stop.close()
        self._stopped.close()

    def __enter__(self) -> LiveCapture:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def running(self) -> bool:
        """Whether frames are still being taken; if not, and nobody stopped it, `error` says why."""
        return self._thread.is_alive()

    def wait(self, timeout: float) -> bool:
        """Wait until frames have arrived that were not collected, at most `timeout` seconds; whether there are some."""
        return self._arrived.wait(timeout)

    def collect(self) -> range:
        """Move the frames that arrived into the table; the numbers of the new rows."""
        with self._lock:
            waiting, self._waiting, self._waiting_bytes = self._waiting, [], 0
            self._arrived.clear()
            self.file.dropped = self._dropped + self._overflowed
        before = len(self.table)
        if waiting:
            self._add(waiting)
        return range(before, len(self.table))

    def _add(self, waiting: list[tuple[bytes, int]]) -> None:
        length = np.array([len(frame) for frame, _ in waiting], np.int64)
        time_ns = np.array([time for _, time in waiting], np.int64)
        raw = Raw(b"".join(frame for frame, _ in waiting))
        size = length.astype(np.uint32)
        window = Window(raw, np.cumsum(length) - length)
        number = np.arange(self.file.packets + 1, self.file.packets + length.size + 1)
        frames = Frames(window, size, size, time_ns, np.zeros(length.size, np.uint16), number)
        first_new = len(self.table)
        self.table.segments.append(raw)
        self._ingest.add(len(self.table.segments) - 1, frames)
        recent = max(self._first_row, first_new - _LOOK_BACK_ROWS)
        known = self.table.time_ns[recent:first_new]
        start = recent + int(np.searchsorted(known, time_ns[0] - FORWARD_WINDOW_NS))
        found = mark_copies(self.table, start, len(self.table), first_new, self.file.knowledge)
        self.file.duplicates += found

    def _run(self) -> None:
        try:
            while True:
                ready, _, _ = select.select([self._socket.fileno(), self._stopped.fileno()], [], [])
                self._take_burst()
                if self._stopped.fileno() in ready:
                    return
        except LiveError as error:
            self.error = error
            self._arrived.set()

    def _take_burst(self) -> None:
        burst: list[tuple[bytes, int]] = []
        while len(burst) < _BURST and (received := self._socket.receive()) is not None:
            burst.append(received)
        dropped = self._socket.count_dropped()
        size = sum(len(frame) for frame, _ in burst)
        with self._lock:
            self._dropped = dropped
            if self._waiting_bytes + size > MAX_WAITING_BYTES:
                self._overflowed += len(burst)
            else:
                self._waiting += burst
                self._waiting_bytes += size
        self._arrived.set()
