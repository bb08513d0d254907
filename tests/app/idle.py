"""When the inspector has nothing left to do: a pilot's keys wait for that, and not for the clock.

Textual's own wait sleeps for a fiftieth of a second and then looks at the processor time of the process, twice for
every key: a test is asleep for most of its time, and on a busy machine a process that gets no time looks idle. Here
nothing is left to do when no callback of the loop is ready, no timer is due soon, and no thread works for the loop.
While a thread does, Textual's rule holds.
"""

from __future__ import annotations

import asyncio
from typing import Any, Final

from textual._wait import wait_for_idle as asleep

SOON: Final = 0.02
"""Seconds from the key on in which what a timer brings is waited for."""
QUIET_TURNS: Final = 3
"""Turns of the loop in a row without anything to do."""
WAITING_IN_TEXTUAL: Final = ("textual.app.wait_for_idle", "textual.pilot.wait_for_idle")
"""Where Textual's pilot waits."""


def _threads_work(loop: Any) -> bool:
    pool = loop._default_executor
    return pool is not None and (not pool._work_queue.empty() or pool._idle_semaphore._value < len(pool._threads))


def _next_timer(loop: Any) -> float | None:
    """When the next timer is due, by the clock of the loop; None without one."""
    return min((timer.when() for timer in loop._scheduled if not timer.cancelled()), default=None)


async def idle(min_sleep: float = 0, max_sleep: float = 1) -> None:
    """Wait until there is nothing left to do.

    Args:
        min_sleep: Of no meaning: as in Textual's own function.
        max_sleep: Seconds to wait at most, for what never gets idle.
    """
    loop: Any = asyncio.get_running_loop()
    began = loop.time()
    quiet = 0
    while quiet < QUIET_TURNS and loop.time() < began + max_sleep:
        await asyncio.sleep(0)
        quiet += 1
        if loop._ready:
            quiet = 0
        elif _threads_work(loop):
            quiet = 0
            await asleep(0, max_sleep - (loop.time() - began))
            if not loop._ready:
                return
        else:
            due = _next_timer(loop)
            if due is not None and due < began + SOON:
                quiet = 0
                await asyncio.sleep(due - loop.time())
