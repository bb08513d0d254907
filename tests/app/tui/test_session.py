"""Attempts are worked out by whoever may: the screens for files, in slices; the taking-in thread for live sources."""

from __future__ import annotations

import asyncio
import dataclasses
import threading
from dataclasses import replace
from typing import Any

import pytest

from app.tui.session import SLICE, SLICES, Session
from capture.filter import parse_filter
from capture.flows.deferred import DeferredFlow, StageList
from capture.model import Flow
from tests.app.flows_by_hand import BOTH_RANDOM, FAST_OPEN, STORY, UNANSWERED, story
from tests.app.tui.test_live import Growing, Quiet

CORE = ("id", "started", "target")


def deferred(flow: Flow, readers: list[int], flow_id: str = "") -> Flow:
    """The flow as a capture gives it: most fields are made when they are first read. Notes the reading threads."""
    values: dict[str, Any] = {one.name: getattr(flow, one.name) for one in dataclasses.fields(flow)}
    core = {name: values.pop(name) for name in CORE}
    drawn = {name: values.pop(name) for name in ("steps", "messages", "lanes", "rounds")}

    def stage(made: dict[str, Any]) -> Any:
        def make() -> dict[str, Any]:
            readers.append(threading.get_ident())
            return made

        return tuple(made), make

    return DeferredFlow(StageList((stage(values), stage(drawn))), **(core | ({"id": flow_id} if flow_id else {})))


def test_live_attempts_are_worked_out_by_the_thread_that_takes_in() -> None:
    readers: list[int] = []
    stages = ((deferred(FAST_OPEN, readers),), (deferred(FAST_OPEN, readers), deferred(BOTH_RANDOM, readers)))
    session = Session(Growing(iter(stages)), Quiet())  # type: ignore[arg-type]
    idents = []
    for _ in stages:
        thread = threading.Thread(target=session.take_in)
        thread.start()
        idents.append(thread.ident)
        thread.join()
        assert session.refresh()
    assert len(readers) == 3, "what lists do without is not made"
    assert threading.get_ident() not in readers
    for flow in session.flows:
        assert flow.verdict
    assert len(readers) == 3, "reading them again made nothing again"
    assert session.failed == 1
    assert session.counted


def test_the_attempt_on_screen_is_worked_out_whole_when_it_is_chosen_and_by_the_thread_as_it_grows() -> None:
    readers: list[int] = []
    stages = ((deferred(FAST_OPEN, readers),), (deferred(FAST_OPEN, readers), deferred(BOTH_RANDOM, readers)))
    session = Session(Growing(iter(stages)), Quiet())  # type: ignore[arg-type]
    session.take_in()
    session.refresh()
    session.work_out(session.flows[0])
    assert len(readers) == 2
    session.take_in()
    session.refresh()
    assert len(readers) == 5, "two stages of that one, one of the other"
    assert session.flows[0].steps
    assert len(readers) == 5
    assert session.flows[1].steps
    assert len(readers) == 6


async def test_outcomes_of_a_big_capture_are_counted_between_turns_of_the_event_loop() -> None:
    readers: list[int] = []
    number = SLICE * SLICES + 5
    flows = tuple(deferred((FAST_OPEN, UNANSWERED)[i % 2], readers, f"{i:016x}") for i in range(number))
    session = Session(story(flows))
    assert not readers, "nothing is worked out before somebody looks"
    turns = 0

    async def others() -> None:
        nonlocal turns
        while not session.counted:
            turns += 1
            await asyncio.sleep(0)

    other = asyncio.create_task(others())
    await session.count_some()
    assert not session.counted
    await session.count_some()
    assert session.counted
    assert session.failed == number // 2
    await other
    assert turns >= SLICES


async def test_a_filter_looks_at_every_attempt_and_keeps_their_order() -> None:
    session = Session(STORY)
    await session.apply(parse_filter("outcome == failed"))
    assert session.shown == (BOTH_RANDOM, UNANSWERED)
    await session.apply(parse_filter(""))
    assert session.shown == STORY.flows


def test_an_attempt_that_goes_on_is_counted_once() -> None:
    later = replace(UNANSWERED, outcome=FAST_OPEN.outcome)
    session = Session(Growing(iter(((UNANSWERED,), (later,)))), Quiet())  # type: ignore[arg-type]
    for failed in (1, 0):
        session.take_in()
        session.refresh()
        assert session.failed == failed


def test_a_search_that_becomes_an_attempt_has_not_failed() -> None:
    session = Session(Growing(iter(((UNANSWERED,), (FAST_OPEN,)))), Quiet())  # type: ignore[arg-type]
    assert UNANSWERED.id != FAST_OPEN.id
    for failed in (1, 0):
        session.take_in()
        session.refresh()
        assert session.failed == failed
        assert session.counted


def test_what_a_story_holds_before_it_is_watched_is_shown_too() -> None:
    session = Session(Growing(iter(()), flows=(BOTH_RANDOM,)), Quiet())  # type: ignore[arg-type]
    assert session.flows == ()
    session.take_in()
    assert session.refresh() == {BOTH_RANDOM.id}
    assert session.flows == (BOTH_RANDOM,)


async def test_background_work_stays_away_while_the_user_does_something(monkeypatch: pytest.MonkeyPatch) -> None:
    from app.tui import giving_way

    now, slept = 100.0, []

    async def sleep(seconds: float) -> None:
        nonlocal now
        slept.append(seconds)
        now += seconds

    monkeypatch.setattr(giving_way, "sleep", sleep)
    monkeypatch.setattr(giving_way, "monotonic", lambda: now)
    way = giving_way.GivingWay()
    await way.breathe()
    assert slept == [0]
    way.note()
    await way.breathe()
    assert sum(slept) == pytest.approx(giving_way.PAUSE)
    await way.breathe()
    assert slept[-1] == 0
