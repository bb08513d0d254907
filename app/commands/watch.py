"""`peephole watch`: live traffic, or a capture that grows, in the inspector or as a headless report."""

from __future__ import annotations

import argparse
import signal
import sys
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from typing import TYPE_CHECKING, Final

from app.cli import complain
from app.configured import configured, packets_kept
from app.exit_status import CommandError, ExitStatus
from app.interface_choice import is_to_choose, opened_choice, opened_or_chosen
from app.live_feed import LiveFeed, created
from app.live_input import keys_from_terminal
from app.live_saving import saved
from app.nats_options import check_from
from app.printed_flows import FlowPrinter
from app.reading import chosen_filter, keys_of
from app.several_input import check_inputs, reads_standard_input
from app.way_words import way_of
from capture.model import Flow

if TYPE_CHECKING:
    from capture.live import LiveSource
    from capture.story import Story

TICK: Final = 0.25
"""Seconds between two looks at what arrived."""


def run(options: argparse.Namespace) -> int:
    """Watch until the user leaves, Ctrl-C, or the duration is over."""
    check_from(options)
    choosing = is_to_choose(options)
    if not choosing:
        check_inputs(options)
    if not options.report:
        for option in ("json", "duration"):
            if getattr(options, option):
                raise CommandError(ExitStatus.USAGE, f"--{option} goes with --report")
        if not (sys.stdout.isatty() and (sys.stdin.isatty() or reads_standard_input(options))):
            raise CommandError(ExitStatus.USAGE, "the inspector needs a terminal; add --report to work without one")
    chosen = chosen_filter(options)
    keys = keys_of(options, may_come_later=True)
    with ExitStack() as stack:
        capture = opened_choice(options, stack) if choosing else opened_or_chosen(options, stack)
        if capture is None:
            return ExitStatus.OK
        out = stack.enter_context(saved(options))
        record = stack.enter_context(created(options.record)) if options.record else None
        from app.live_story import retention_of, story_of

        story = story_of(capture, keys)
        feed = LiveFeed(capture, out, retention_of(story, capture, packets_kept(options)), record)
        if options.report:
            return _Headless(options, story, feed, capture, chosen.on(story).matches).run()
        if reads_standard_input(options):
            keys_from_terminal()
        return inspect(options, story, feed)


def inspect(options: argparse.Namespace, story: Story, feed: LiveFeed) -> int:
    """Open the inspector on a feed, which is ended when the user leaves."""
    from app.tui.app import run_live

    try:
        return run_live(story, feed, filter_text=options.filter, reading=configured(options))
    finally:
        feed.finish()


Passes = Callable[[Flow], bool]


class _Headless:
    """Prints attempts as they conclude."""

    def __init__(self, options: argparse.Namespace, story: Story, feed: LiveFeed, capture: LiveSource, passes: Passes):
        self._options = options
        self._story = story
        self._feed = feed
        self._capture = capture
        self._printer = FlowPrinter(story, passes, as_json=options.json)
        self._leave = threading.Event()

    def run(self) -> int:
        from capture.errors import LiveError
        from capture.growing.capture import EndedError

        old = {number: signal.signal(number, self._asked_to_leave) for number in (signal.SIGINT, signal.SIGTERM)}
        status: int = ExitStatus.OK
        complain(f"listening on {self._feed.name}, {way_of(self._feed)}; Ctrl-C ends")
        try:
            self._watch()
        except EndedError:
            pass  # all of it was read
        except LiveError as error:
            complain(str(error))
            status = ExitStatus.UNREADABLE
        finally:
            for number, handler in old.items():
                signal.signal(number, handler)
        self._feed.finish()
        self._story.update()
        self._feed.let_go(self._printer.wants)
        self._printer.print_rest()
        self._feed.tell_losses()
        told: tuple[str, ...] = getattr(self._story, "told", ())
        for line in told:
            complain(line)
        return status

    def _watch(self) -> None:
        limit = self._options.duration
        end = None if limit is None else time.monotonic() + limit
        while not self._leave.is_set() and (end is None or time.monotonic() < end):
            self._capture.wait(TICK)
            self._feed.poll()
            self._feed.tell_changes()
            self._story.update()
            self._printer.print_fresh()
            self._feed.let_go(self._printer.wants)

    def _asked_to_leave(self, *_: object) -> None:
        self._leave.set()
