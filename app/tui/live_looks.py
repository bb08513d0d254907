"""Looks at a live source: what came, then the screen, then what takes longer, then a pause."""

from __future__ import annotations

import asyncio
import time

from app.tui.attempt_list import AttemptList
from app.tui.main_actions import MainActions
from app.tui.pace import CROWD, pause_after, pause_alone


class LiveLooks(MainActions):
    """The main screen's looks."""

    _looking = False
    _spent = 0.0
    """Processor time of this thread and of the session when the last look was over."""
    _began = 0.0
    """When the last look began, on the monotonic clock."""

    def look_later(self) -> None:
        """Look after a pause that is due to what the last look took."""
        main = self._main
        spent = main.session.spent + time.thread_time()
        if main.node is None and main.demo is None:
            pause = pause_alone(time.monotonic() - self._began, main.tick)
        else:
            pause = pause_after(spent - self._spent, main.tick)
        self._spent = spent
        main.set_timer(pause, self._look_soon)

    def _look_soon(self) -> None:
        self._main.run_worker(self._look_on(), group="live")

    async def _look_on(self) -> None:
        main = self._main
        self._began = time.monotonic()
        await self.look(brisk=True)
        retention = main.session.retention
        if not main.session.trouble or (retention is not None and retention.busy and not main.session.paused):
            # What it takes to paint what is new counts, too.
            main.call_after_refresh(self._work_off_soon)

    def _work_off_soon(self) -> None:
        self._main.run_worker(self._work_off(), group="live")

    async def _work_off(self) -> None:
        """What is new is on screen: work out the rest."""
        if not self._looking:
            self._looking = True
            try:
                await asyncio.to_thread(self._main.session.work_off)
            finally:
                self._looking = False
        self.look_later()

    async def look(self, *, brisk: bool = False) -> None:
        """Let the story grow in a thread, then show what changed. Does nothing while an earlier look goes on.

        Args:
            brisk: leave what takes longer until the screen has been painted.
        """
        main, session = self._main, self._main.session
        if self._looking:
            return
        self._looking = True
        try:
            session.may_let_go = main.app.screen is main
            # Followed in a crowd, these rows are gone with the next frame.
            leaving = brisk and main.follow and session.story.waiting > CROWD
            session.seen = () if leaving else main.query_one(AttemptList).seen
            await asyncio.to_thread(session.take_in, brisk=brisk)
        finally:
            self._looking = False
        if session.refresh():
            main.show_flows()
            if main.follow:
                main.ladder.go_to_end()
        else:
            main.show_status()
        main.tell_troubles()
        main.ladder.show_time(session.last_time)
        main.look_at_touches()
