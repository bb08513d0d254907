"""Live capture of one interface into a packet table that grows.

A thread takes frames off the socket, many at a time, so that a busy screen loses none; whoever owns the table moves
them into it when it suits, through the same code that reads files. Nothing is shared but the frames waiting in between,
whose number is bounded; what finds no room there, or in the kernel, is counted.
"""

from __future__ import annotations

import select
import socket
import threading
from typing import Protocol

from capture.arrivals import Arrivals
from capture.capture_file import CaptureFile
from capture.errors import LiveError
from capture.frames import Interface
from capture.live_socket import LiveSocket
from capture.table import PacketTable


class LiveSource(Protocol):
    """Packets that come while the program runs: of an interface, or of a node's own sockets (`capture.tap`)."""

    @property
    def table(self) -> PacketTable:
        """Where its rows go."""
        ...

    @property
    def file(self) -> CaptureFile:
        """Its name, interfaces and counts."""
        ...

    @property
    def error(self) -> LiveError | None:
        """Why it ended by itself."""
        ...

    def wait(self, timeout: float) -> bool:
        """Wait until something has arrived, at most `timeout` seconds; whether it has."""
        ...

    def collect(self) -> range:
        """Move what has arrived into the table; the numbers of the new rows."""
        ...

    def move(self, table: PacketTable) -> None:
        """Go on in another table; see `capture.retention`."""
        ...

    def stop(self) -> None:
        """End it and collect what is left. May be called again."""
        ...


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
        self.way = self._socket.way
        """How frames come here, in a word or two."""
        self._arrivals = Arrivals(self.file, self.table)
        self._dropped = 0
        self._stop, self._stopped = socket.socketpair()
        self._thread = threading.Thread(target=self._run, name=f"capture {interface}", daemon=True)

    def move(self, table: PacketTable) -> None:
        """Go on in another table, which has some of the rows."""
        self.table = table
        self._arrivals.move(table)

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
        return self._arrivals.wait(timeout)

    def collect(self) -> range:
        """Move the frames that arrived into the table; the numbers of the new rows."""
        rows = self._arrivals.collect()
        self.file.dropped = self._dropped + self._arrivals.overflowed
        return rows

    def _run(self) -> None:
        try:
            while True:
                ready, _, _ = select.select([self._socket.fileno(), self._stopped.fileno()], [], [])
                self._take_burst()
                if self._stopped.fileno() in ready:
                    self._socket.settle()
                    while self._take_burst():
                        pass
                    return
        except LiveError as error:
            self.error = error
            self._arrivals.wake()

    def _take_burst(self) -> bool:
        burst = self._socket.take()
        self._dropped = self._socket.count_dropped()
        if burst is not None:
            self._arrivals.put_burst(burst)
        return burst is not None
