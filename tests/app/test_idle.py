"""What a pilot waits for after a key, and that it waits for nothing else."""

from __future__ import annotations

import asyncio
import threading

from tests.app.idle import idle


async def test_callbacks_of_callbacks_are_waited_for() -> None:
    loop, ran = asyncio.get_running_loop(), []

    def again(left: int) -> None:
        ran.append(left)
        if left:
            loop.call_soon(again, left - 1)

    loop.call_soon(again, 50)
    await idle()
    assert ran[-1] == 0


async def test_a_timer_that_is_due_soon_is_waited_for_and_a_later_one_not() -> None:
    loop, ran = asyncio.get_running_loop(), []
    loop.call_later(0.005, ran.append, "soon")
    loop.call_later(3600, ran.append, "later")
    loop.call_later(0.001, ran.append, "cancelled").cancel()
    await idle()
    assert ran == ["soon"]


async def test_what_a_thread_brings_is_waited_for() -> None:
    loop, ran, go = asyncio.get_running_loop(), [], threading.Event()

    async def bring() -> None:
        ran.append(await asyncio.to_thread(lambda: go.wait(60)))

    task = asyncio.create_task(bring())
    loop.call_later(0.005, go.set)
    await idle()
    assert ran == [True]
    await task


async def test_what_never_gets_idle_is_not_waited_for_forever() -> None:
    loop, ran = asyncio.get_running_loop(), []

    def again() -> None:
        ran.append(1)
        timer[0] = loop.call_soon(again)

    timer = [loop.call_soon(again)]
    began = loop.time()
    await idle(max_sleep=0.01)
    timer[0].cancel()
    assert loop.time() >= began + 0.01
