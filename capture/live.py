"""Live capture of interfaces into a packet table that grows.

A thread takes frames off the socket, many at a time, so that a busy screen loses none; whoever owns the table moves
them into it when it suits, through the same code that reads files. Nothing is shared but the frames waiting in between,
whose number is bounded; what finds no room there, or in the kernel, is counted.
"""

from __future__ import annotations

import select
import socket
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import Final, Protocol

import numpy as np

from capture.arrivals import Arrivals
from capture.capture_file import CaptureFile
from capture.clock_jumps import ClockWatch
from capture.errors import LiveError
from capture.frames import Interface
from capture.libpcap_socket import LibpcapSocket
from capture.live_socket import LiveSocket
from capture.packet_socket import ALL
from capture.table import PacketTable

ASKED_EVERY: Final = 0.01
"""Seconds between two looks at sockets that can't be waited for."""

ROOM: Final = 1 << 22
"""Rows that the table has room for at once: 400 MB of addresses, which take no memory until they are written to."""


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

    @property
    def way(self) -> str:
        """How packets come here, in a word or two for the status line."""
        ...

    @property
    def promiscuous(self) -> bool | None:
        """Whether frames for other hosts are taken too; None where that is not ours to say."""
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
    """Frames of one interface or several, from `start` to `stop`."""

    def __init__(
        self,
        interfaces: str | Sequence[str],
        bpf: str = "",
        table: PacketTable | None = None,
        *,
        promiscuous: bool = False,
    ) -> None:
        """Open interfaces; frames are kept from now on.

        Args:
            interfaces: the name of one, or of several; ``any`` is all of them.
            bpf: capture filter in pcap-filter(7) syntax; empty for all frames.
            table: where rows go; a new one by default.
            promiscuous: whether to take frames for other hosts too.

        Raises:
            LiveError: NoSuchInterfaceError, NotPermittedError, BadFilterError, or another refusal of the system.
        """
        names = [interfaces] if isinstance(interfaces, str) else list(dict.fromkeys(interfaces))
        self._sockets: dict[int, LiveSocket | LibpcapSocket] = {}
        try:
            for index, name in enumerate(names):
                self._sockets[index] = _open(name, bpf, promiscuous=promiscuous)
        except LiveError:
            self._close_all()
            raise
        self.table = PacketTable() if table is None else table
        described = [Interface(one.linktype, name) for one, name in zip(self._sockets.values(), names, strict=True)]
        self.file = CaptureFile(", ".join(names), "live", interfaces=described)
        self.error: LiveError | None = None
        """Why capturing ended by itself."""
        self.way = " and ".join(dict.fromkeys(one.way for one in self._sockets.values()))
        """How frames come here, in a word or two."""
        self.promiscuous: bool | None = promiscuous and set(names) != {ALL}
        """Whether frames for other hosts are taken too; all interfaces at once stay as they are."""
        self._arrivals = Arrivals(self.file, self.table, clock=ClockWatch(self.file, time.monotonic))
        self._dropped = dict.fromkeys(self._sockets, 0)
        self._stop, self._stopped = socket.socketpair()
        self._thread = threading.Thread(target=self._run, name=f"capture {self.file.path}", daemon=True)

    def move(self, table: PacketTable) -> None:
        """Go on in another table, which has some of the rows."""
        self.table = table
        self._arrivals.move(table)

    def start(self) -> None:
        """Begin to take frames off the socket."""
        with suppress(MemoryError):  # the table finds room as it grows, too; to move it then stops everything else
            self.table.reserve(ROOM)
        self._thread.start()

    def stop(self) -> None:
        """End capturing, close the socket, and collect what is left. May be called again."""
        if self._thread.is_alive():
            self._stop.send(b"x")
            self._thread.join()
        self.collect()
        self._close_all()
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
        self.file.dropped = sum(self._dropped.values()) + self._arrivals.overflowed
        return rows

    def _run(self) -> None:
        stopping = False
        while self._sockets and not stopping:
            descriptors = [one.fileno() for one in self._sockets.values()]
            waited = [self._stopped.fileno(), *(number for number in descriptors if number >= 0)]
            patience = ASKED_EVERY if -1 in descriptors else None
            stopping = self._stopped.fileno() in select.select(waited, [], [], patience)[0]
            if stopping:
                for one in self._sockets.values():
                    one.settle()
            for index, one in tuple(self._sockets.items()):
                try:
                    while self._take_burst(index, one) and stopping:
                        pass
                except LiveError as error:
                    self._give_up(index, error)
        self._arrivals.wake()

    def _give_up(self, index: int, error: LiveError) -> None:
        """One interface is gone: go on with the others, if there are any."""
        self._sockets.pop(index).close()
        if self._sockets:
            self.file.notes.append(str(error))
        else:
            self.error = error

    def _take_burst(self, index: int, one: LiveSocket | LibpcapSocket) -> bool:
        burst = one.take()
        self._dropped[index] = one.count_dropped()
        if burst is None:
            return False
        if index:
            burst = burst._replace(interface=np.full(burst.at.size, index, np.uint16))
        self._arrivals.put_burst(burst)
        return True

    def _close_all(self) -> None:
        while self._sockets:
            self._sockets.popitem()[1].close()


def _open(name: str, bpf: str, *, promiscuous: bool) -> LiveSocket | LibpcapSocket:
    """A packet socket where the system has such, else libpcap."""
    if hasattr(socket, "AF_PACKET"):
        return LiveSocket(name, bpf, promiscuous=promiscuous)
    return LibpcapSocket(name, bpf, promiscuous=promiscuous)
