"""A capture that goes on in one file after the other, within bounds, and goes on when the disk is full.

| what | is kept |
|---|---|
| each file | is a whole capture by itself: it begins with all that its packets need |
| files that are there when it begins | count within `Bounds.files`, and none is written over: numbers go on |
| an old file | goes only when packets stand in a newer one; first those without packets |
| a file that is removed while it is written | is counted as lost, and followed by another |
| a full disk | costs no byte of what is written: a part of a block is taken back, and its file ended |

With a full disk a ring that may drop old files does so to go on, down to the newest finished one. Otherwise what comes
is counted as not written until there is room; then a new file is begun.
"""

from __future__ import annotations

import errno
import fcntl
import os
import struct
import time
from bisect import bisect_right
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from itertools import accumulate
from typing import Final

from capture.disk_ring.bounds import NO_BOUNDS, Bounds
from capture.disk_ring.names import part_path, parts_of
from capture.disk_ring.whole_file import WholeFile
from capture.pcapng_blocks import PACKETS, section_order

RETRY: Final = 1.0
"""Seconds between two tries to go on, where there was no room."""
ROOM: Final = 1 << 20
"""Bytes that have to be free on a disk that was full, so that it does not fill with very small files; of a small disk a
sixteenth."""
_FULL: Final = (errno.ENOSPC, errno.EDQUOT)
_SCANNED: Final = 1 << 16
"""A file that is longer has packets."""


class _Part:
    """The file that is being written."""

    def __init__(self, path: str, *, anew: bool) -> None:
        flags = os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC | (os.O_TRUNC if anew else os.O_EXCL)
        self.descriptor = os.open(path, flags, 0o666)
        self.file = WholeFile(self.descriptor, path)
        self.packets = 0
        self.last_frame = 0
        with suppress(OSError):  # where there are no locks, nobody is kept out
            fcntl.flock(self.descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def close(self, *, away: bool) -> None:
        if away:
            os.unlink(self.file.path)
        os.close(self.descriptor)


class DiskRing:
    """Writes blocks of a capture.

    Args:
        path: of the one file, or the name of the ring.
        bounds: without any there is one file, as long as there is room in it.
        monotonic: seconds by a clock that never jumps.
        now: epoch seconds.

    Raises:
        OSError: it can't be written, or another program writes the same ring.
    """

    def __init__(
        self,
        path: str,
        bounds: Bounds = NO_BOUNDS,
        *,
        monotonic: Callable[[], float] = time.monotonic,
        now: Callable[[], float] = time.time,
    ) -> None:
        self.path = path
        self.lost = 0
        """Packets that were not written."""
        self.given_up = 0
        """Old files that went before their time, to make room."""
        self.error: OSError | None = None
        """Why nothing is written now."""
        self.on_end: Callable[[], Sequence[bytes]] = tuple
        """Gives what is to be written at the end of a file."""
        self.stuck = 0
        """Old files that should be gone and can't be removed."""
        self.head: list[bytes] = []
        """With what each file begins: section header, interfaces."""
        self._bounds = bounds
        self._monotonic, self._now = monotonic, now
        parts = parts_of(path)
        plain = [path] if not bounds.splits and os.path.isfile(path) else []
        for used in (*plain, *(part.path for part in parts[-1:])):
            _check_unlocked(used)
        self._number = parts[-1].number if parts else 0
        self._old = deque(sorted((part.path for part in parts), key=_holds_packets))
        self._retry_at = 0.0
        self._part: _Part | None = None
        self._begun = 0.0
        self._interval = 0
        self._take_part(_Part(path, anew=True) if not bounds.splits else self._next_part())

    def begin(self, head: Sequence[bytes]) -> None:
        """Write what the first file begins with; those that follow begin with it, too.

        Raises:
            OSError: it can't be written.
        """
        self.head = list(head)
        assert self._part is not None
        _, error = self._part.file.append(self.head)
        if error is not None:
            self._end_part()
            raise error
        self._headless = False

    def describe(self, block: bytes) -> None:
        """Write a block that packets from now on need, in whatever file they are."""
        self.head.append(block)
        if self._part is not None and not self._headless:
            _, error = self._part.file.append((block,))
            if error is not None:
                self._fail(error)

    def add(self, block: bytes) -> bool:
        """Write a block that no packet needs, if there is a file with packets and room for it; whether it is there."""
        part, most = self._part, self._bounds.file_bytes
        if part is None or not part.packets or (most is not None and part.file.size + len(block) > most):
            return False
        _, error = part.file.append((block,))
        if error is not None:
            self._fail(error)
        return error is None

    @property
    def packets(self) -> int:
        """Packets in the file that is being written."""
        return 0 if self._part is None else self._part.packets

    @property
    def last_frame(self) -> int:
        """Number in the source of the last of these."""
        return 0 if self._part is None else self._part.last_frame

    @property
    def writing(self) -> str:
        """The file that is being written, or the last that was."""
        return self.path if self._part is None else self._part.file.path

    def write(self, blocks: Sequence[bytes], frames: Sequence[int]) -> None:
        """Write packets, in as many files as it takes; those that find no room are counted.

        Args:
            blocks: each is a packet.
            frames: their numbers in the source, from 1.
        """
        at = 0
        if self._part is not None and self._part.file.gone:
            self.lost += self._part.packets
            self._part.close(away=False)
            self._part = None
        while at < len(blocks):
            if self._part is None and not self._go_on():
                break
            end = self._fitting(blocks, at)
            if end == at:
                self._end_part()
                continue
            at += self._append(blocks[at:end], frames[at:end])
            if self._part is not None and self._part.file.broken:
                break
        self.lost += len(blocks) - at

    def close(self) -> None:
        """End the last file."""
        self._end_part()

    def _append(self, blocks: Sequence[bytes], frames: Sequence[int]) -> int:
        """Write blocks into the present file; how many."""
        part = self._part
        assert part is not None
        head = list(self.head) if self._headless else []
        count, error = part.file.append([*head, *blocks])
        if error is None or count >= len(head):
            self._headless = False
        done = max(0, count - len(head))
        if done:
            part.packets += done
            part.last_frame = max(part.last_frame, *frames[:done])
            self.error = None
            self._thin()
        if error is not None:
            self._fail(error)
        return done

    def _fitting(self, blocks: Sequence[bytes], start: int) -> int:
        """Up to which block the present file takes them; the first one fits a file without packets whatever it is."""
        part, bounds = self._part, self._bounds
        assert part is not None
        if not part.packets:
            self._begun = self._monotonic()
            self._interval = self._tick()
        elif self._is_over():
            return start
        most = len(blocks) - start
        if bounds.packets is not None:
            most = min(most, bounds.packets - part.packets)
        if bounds.file_bytes is not None:
            room = bounds.file_bytes - part.file.size - (sum(map(len, self.head)) if self._headless else 0)
            most = bisect_right(list(accumulate(map(len, blocks[start : start + most]))), room)
        return start + (most if part.packets else max(1, most))

    def _is_over(self) -> bool:
        duration = self._bounds.duration
        return (duration is not None and self._monotonic() - self._begun >= duration) or self._tick() != self._interval

    def _tick(self) -> int:
        return 0 if self._bounds.interval is None else int(self._now() // self._bounds.interval)

    def _go_on(self) -> bool:
        """Begin the next file; whether that worked."""
        if self.error is not None and (self._monotonic() < self._retry_at or not self._has_room()):
            return False
        try:
            self._take_part(self._next_part())
        except OSError as error:
            self._wait(error)
            return False
        return True

    def _has_room(self) -> bool:
        """Whether it makes sense to try again, for a ring after it has given up what it may."""
        if self.error is None or self.error.errno != errno.ENOSPC:
            return True
        try:
            found = os.statvfs(os.path.dirname(self.path) or ".")
        except OSError:
            return True
        return found.f_bavail * found.f_frsize >= min(ROOM, found.f_blocks * found.f_frsize // 16)

    def _fail(self, error: OSError) -> None:
        """The present file takes no more. What did not get into it gets into the next, if that is possible now."""
        part = self._part
        assert part is not None
        if not part.file.regular:
            self._wait(error)
            return
        fresh = not part.packets
        self._end_part()
        # A file that is as long as it may be (EFBIG) has a successor at once.
        goes_on = self._give_up() if error.errno in _FULL else not fresh
        if not goes_on:
            self._wait(error)

    def _wait(self, error: OSError) -> None:
        self.error = error
        self._retry_at = self._monotonic() + RETRY

    def _give_up(self) -> bool:
        """Remove the oldest file to make room; whether there was one that may go."""
        if self._bounds.files is None or len(self._old) < 2:
            return False
        self.given_up += self._remove_oldest()
        return True

    def _thin(self) -> None:
        """Remove what is more than may be kept."""
        if self._bounds.files is not None:
            while self._old and len(self._old) >= self._bounds.files:
                self._remove_oldest()

    def _remove_oldest(self) -> bool:
        try:
            os.unlink(self._old.popleft())
        except FileNotFoundError:
            return False  # somebody has moved it away
        except OSError:
            self.stuck += 1
            return False
        return True

    def _next_part(self) -> _Part:
        while True:
            self._number += 1
            try:
                return _Part(part_path(self.path, self._number, self._now()), anew=False)
            except FileExistsError:
                continue

    def _take_part(self, part: _Part) -> None:
        self._part, self._headless = part, True
        self._begun, self._interval = self._monotonic(), self._tick()

    def _end_part(self) -> None:
        part, self._part = self._part, None
        if part is None:
            return
        if part.packets:
            self._part = part
            rest = self.on_end()
            self._part = None
            if rest:
                part.file.append(rest)
            self._old.append(part.file.path)
        part.close(away=not part.packets and part.file.path != self.path)


def _check_unlocked(path: str) -> None:
    """See whether another program writes a file.

    Raises:
        OSError: it does.
    """
    with suppress(PermissionError, FileNotFoundError):
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            raise OSError(errno.EBUSY, f"another program writes {os.path.basename(path)}") from None
        except OSError:
            pass  # there are no locks here
        finally:
            os.close(descriptor)


def _holds_packets(path: str) -> bool:
    """Whether a file has packets, as far as can be told; those that never came to have one are the first to go."""
    try:
        with open(path, "rb") as file:
            head = file.read(_SCANNED)
    except OSError:
        return True
    order = section_order(head)
    if order is None:
        return bool(head)
    at = 0
    while at + 12 <= len(head):
        kind, size = struct.unpack_from(order + "II", head, at)
        if kind in PACKETS or size < 12:
            return True
        at += size
    return at > _SCANNED
