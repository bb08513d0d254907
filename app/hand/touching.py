"""From what an interceptor did to the packets of a tap: each touch goes to the packet that it was done to.

The shell tells its tap of a received datagram right before the interceptor gets it, and of a sent one right after the
interceptor let it go, in one thread. So the packet of a datagram is known without comparing bytes.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import TYPE_CHECKING, Final, Protocol, TypeVar

from capture.touches import Touch, Touches
from protocol.intercept.values import Direction, Fate, Passing, Touched
from protocol.messages import Address

if TYPE_CHECKING:
    from capture.capture_file import CaptureFile
    from protocol.intercept.interceptor import Interceptor
    from protocol.udp_machine import Tapped

K = TypeVar("K")
V = TypeVar("V")

REMEMBERED: Final = 8192
"""Received datagrams whose packets are remembered; of a message that is held for long, its own is kept with it."""
MOST_SOCKETS: Final = 4096
_RPC: Final = (0x03, 0x13)


class Framed(Protocol):
    """Where packets go: a tap, or what stands for one."""

    file: CaptureFile

    @property
    def take(self) -> Callable[[Tapped], int | None]:
        """Takes a datagram; gives the number of its packet, None where it has none."""


class TouchKeeper:
    """Feeds a tap, and its source's touches.

    Args:
        tap: where the packets go.
        epoch: seconds since 1970 at time 0 of the machine's clock.
    """

    def __init__(self, tap: Framed, epoch: float) -> None:
        self.touches = tap.file.touches = Touches() if tap.file.touches is None else tap.file.touches
        self.interceptor: Interceptor | None = None
        self._tap = tap
        self._epoch = epoch
        self._locals: OrderedDict[int, Address] = OrderedDict()
        self._arrived: int | None = None
        self._frames: OrderedDict[int, int | None] = OrderedDict()
        """Packets of received datagrams, by their numbers in the interceptor."""
        self._held: dict[int, int | None] = {}
        """The same of those that are held."""
        self._by_tid: OrderedDict[bytes, int] = OrderedDict()
        self._before: dict[int, list[Touched]] = {}
        """What was done to datagrams that have not been sent yet."""

    def local(self, socket: int) -> Address | None:
        """Our own address of a socket; None before anything came or went there."""
        return self._locals.get(socket)

    def take(self, seen: Tapped) -> None:
        """Take a datagram from the shell."""
        if seen.socket not in self._locals:
            _remember(self._locals, seen.socket, seen.local, MOST_SOCKETS)
        frame = self._tap.take(seen)
        if not seen.outgoing:
            self._arrived = frame
            return
        leaving = None if self.interceptor is None else self.interceptor.leaving
        if leaving is None:
            return
        done = self._before.pop(leaving.passing.number, []) if self._before else []
        if leaving.touched is not None:
            done.append(leaving.touched)
        for touched in done:
            self._add(frame, touched, own=True)

    def judged(self, passing: Passing) -> None:
        """A datagram came to the interceptor."""
        if passing.direction is Direction.SENT:
            return
        frame = self._arrived
        _remember(self._frames, passing.number, frame, REMEMBERED)
        if frame is not None and passing.data[:1] and passing.data[0] in _RPC:
            _remember(self._by_tid, passing.data[2:4], frame, REMEMBERED)

    def told(self, touched: Touched) -> None:
        """Something was done to one."""
        number = touched.passing.number
        if touched.passing.direction is Direction.RECEIVED:
            frame = self._held.get(number, self._frames.get(number))
            if touched.fate is Fate.HELD:
                self._held[number] = frame
            elif touched.ends:
                self._held.pop(number, None)
            self._add(frame, touched, own=True)
        elif touched.data is None and touched.ends:
            done = [*self._before.pop(number, []), touched]
            frame = self._by_tid.get(touched.passing.data[2:4], self._arrived)
            for one in done:
                self._add(frame, one, own=False)
        elif touched.data is None or touched.fate is Fate.UNEDITED:
            self._before.setdefault(number, []).append(touched)

    def _add(self, frame: int | None, touched: Touched, *, own: bool) -> None:
        if frame is None:
            self.touches.left_out += 1
            return
        self.touches.add(frame, touch_of(touched, self._epoch, own=own))


def touch_of(touched: Touched, epoch: float, *, own: bool = True) -> Touch:
    """What was done, as it is kept with the capture.

    Args:
        touched: it.
        epoch: seconds since 1970 at time 0 of the machine's clock.
        own: whether the packet is that of the datagram itself.
    """
    passing = touched.passing
    sent = passing.direction is Direction.SENT
    changed = touched.data is not None and touched.data != passing.data
    return Touch(
        str(touched.fate),
        round((epoch + touched.time) * 1e9),
        sent,
        passing.remote,
        touched.rule,
        passing.data if sent and (changed or not own) else None,
        touched.data if changed and not sent else None,
        touched.to if touched.to != passing.remote else None,
        touched.reason,
        not own,
    )


def _remember(store: OrderedDict[K, V], key: K, value: V, most: int) -> None:
    store[key] = value
    store.move_to_end(key)
    if len(store) > most:
        store.popitem(last=False)
