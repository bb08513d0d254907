"""A headless run with a bound says at its end what was let go, and with which verdicts."""

from __future__ import annotations

import re
from collections import Counter, OrderedDict
from types import SimpleNamespace
from typing import Any

import pytest

from app.live_feed import LiveFeed
from app.printed_flows import FlowPrinter
from app.stream_story import StreamStory
from app.wording import counted
from capture.given_keys import NO_KEYS
from capture.retention import Retention
from capture.sensors.receiving import Told
from capture.story import Story
from tests.capture.test_retention import SETTLED, TOUR, Replay


def test_what_was_let_go_is_told_by_verdict(capsys: pytest.CaptureFixture[str]) -> None:
    source = Replay(TOUR)
    story = Story(source.table)
    retention = Retention(story, source, len(source.left) // 4, SETTLED)
    feed = LiveFeed(source, None, retention)
    printer = FlowPrinter(story, lambda _: True, as_json=False)
    while source.left:
        source.bring(300)
        feed.poll()
        story.update()
        printer.print_fresh()
        feed.let_go(printer.wants)
    feed.finish()
    printer.print_rest()
    feed.tell_losses()
    said = capsys.readouterr().err
    gone = retention.let_go
    assert gone.attempts
    assert f"{gone.attempts} attempts and {counted(gone.packets, 'packet')} were let go to stay within --keep" in said
    (line,) = re.findall(r"of these attempts: (.*)", said)
    told = Counter({code: int(count) for count, code in (part.split() for part in line.split(", "))})
    assert told == Counter({str(code): count for code, count in gone.verdicts.items()})


def test_what_is_cleared_is_forgotten() -> None:
    source = Replay(TOUR)
    source.bring(len(source.left))
    story = Story(source.table)
    retention = Retention(story, source, len(story.table) // 4, SETTLED)
    retention.step()
    assert len(retention.ledger)
    retention.ledger.clear()
    assert (len(retention.ledger), retention.ledger.attempts, retention.ledger.verdicts) == (0, 0, {})
    assert retention.let_go.attempts


@pytest.mark.parametrize("format_", ["live", "pcap"])
def test_a_clock_that_jumped_is_said_once(format_: str, capsys: pytest.CaptureFixture[str]) -> None:
    source = Replay(TOUR)
    source.file.format = format_
    feed = LiveFeed(source)
    for _ in range(2):
        source.bring(200)
        source.left = [one._replace(time_ns=one.time_ns - 3600 * 10**9) for one in source.left]
        feed.poll()
        feed.tell_changes()
    feed.finish()
    feed.tell_losses()
    said = capsys.readouterr().err
    assert said.count("the clock jumped back by 60.0 minutes before packet 201") == 1


def test_attempts_that_were_let_go_are_not_said_to_be_missing() -> None:
    source = Replay(TOUR)
    source.bring(len(source.left))
    everything = Story(source.table).flows
    told = OrderedDict(
        (("a", flow.id), Told("a", flow.id, str(flow.verdict.code), str(flow.outcome), final=True))
        for flow in everything
    )
    receiver: Any = SimpleNamespace(told=told, whole=True)
    story = StreamStory(source.table, NO_KEYS, receiver)
    assert story.told == ()
    retention = Retention(story, source, len(story.table) // 4, SETTLED)
    retention.step()
    assert retention.let_go.attempts
    assert story.told == ()
    assert {key[1] for key in told} == {flow.id for flow in story.flows}
