"""Ending when the terminal is gone: its window was closed, the connection to its machine broke.

Textual's threads do not notice. The one that reads keys finds an end of file again and again, the one that paints dies
of an error, and the event loop then waits for it for ever.
"""

from __future__ import annotations

import asyncio
import os
import select
import signal
import sys
from collections.abc import Callable
from threading import Thread
from typing import Final

PATIENCE: Final = 3.0
"""Seconds in which the screens may end by themselves, so that what runs behind them is closed as well."""


class HangUpWatch:
    """Ends the process when its terminal hangs up: by asking the screens to leave, or else as SIGHUP does.

    To be made inside the event loop of the screens. Without a terminal it does nothing.

    Args:
        leave: called in the event loop.
    """

    def __init__(self, leave: Callable[[], object]) -> None:
        self._leave = leave
        self._loop = asyncio.get_running_loop()
        self._ended, self._ending = os.pipe()
        self._thread: Thread | None = None
        if sys.__stdin__ is not None and not sys.__stdin__.closed and sys.__stdin__.isatty():
            self._thread = Thread(target=self._watch, args=(sys.__stdin__.fileno(),), name="hangup", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """Watch no longer."""
        os.close(self._ending)
        if self._thread is not None:
            self._thread.join()
        os.close(self._ended)

    def _watch(self, terminal: int) -> None:
        poll = select.poll()
        poll.register(terminal, 0)  # POLLHUP and POLLERR are told without being asked for
        poll.register(self._ended, select.POLLIN)
        if any(descriptor == self._ended for descriptor, _ in poll.poll()):
            return
        self._loop.call_soon_threadsafe(self._leave)
        if not select.select([self._ended], [], [], PATIENCE)[0]:
            os.kill(os.getpid(), signal.SIGHUP)
