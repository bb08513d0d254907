"""`peephole demo`: the embedded network, in the inspector or as lines on standard output."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import threading
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from queue import SimpleQueue
from typing import TYPE_CHECKING, Final, TextIO

from app.cli import complain
from app.configured import configured, packets_kept
from app.exit_status import CommandError, ExitStatus
from app.hand.from_options import intercepting_of
from app.live_feed import LiveFeed, created
from app.live_saving import saved
from app.reading import chosen_filter
from app.wording import counted

if TYPE_CHECKING:
    from app.demo.demo_thread import DemoThread
    from app.demo.director import Attempt
    from app.demo.judging import Judged
    from app.hand.rules import Intercepting
    from capture.story import Story
    from protocol.noise_handshake import KeyLine

TICK: Final = 0.25
"""Seconds between two looks at what happened."""


def run(options: argparse.Namespace) -> int:
    """Run the demo until the user leaves, or as long as the options say."""
    if options.headless is None and not (sys.stdout.isatty() and sys.stdin.isatty()):
        raise CommandError(ExitStatus.USAGE, "the inspector needs a terminal; add --headless SECONDS to work without")
    if options.headless is not None and (options.rules or options.preset or options.intercept):
        raise CommandError(
            ExitStatus.USAGE, "--headless checks what the demo stages: --intercept, --rules and --preset go without it"
        )
    chosen_filter(options)
    intercepted = intercepting_of(options) if options.headless is None else None
    with ExitStack() as stack:
        out = stack.enter_context(saved(options))
        record = stack.enter_context(created(options.record)) if options.record else None
        keylog = stack.enter_context(_keylog(options.keylog)) if options.keylog else None
        from capture.retention import Retention
        from capture.story import Story

        attempts: SimpleQueue[Attempt] = SimpleQueue()
        thread = stack.enter_context(_started(options, attempts, keylog, intercepted))
        tap = thread.demo.tap
        story = Story(tap.table)
        feed = LiveFeed(tap, out, Retention(story, tap, packets_kept(options)), record)
        stack.callback(feed.finish)
        if options.headless is not None:
            return _Headless(thread, story, feed, attempts).run(options.headless)
        from app.demo.watching import WatchedDemo
        from app.tui.app import run_live

        watched = WatchedDemo(thread, story, feed, attempts)
        try:
            return run_live(story, watched, filter_text=options.filter, reading=configured(options), demo=watched)
        finally:
            feed.finish()


@contextmanager
def _started(
    options: argparse.Namespace,
    attempts: SimpleQueue[Attempt],
    keylog: TextIO | None,
    intercepted: Intercepting | None,
) -> Iterator[DemoThread]:
    from app.demo.demo_thread import DemoThread
    from app.demo.embedded_network import TooFewFilesError
    from app.demo.loopback_network import NoLoopbackError
    from app.demo.show import Demo

    def on_key(line: KeyLine) -> None:
        if keylog is not None:
            keylog.write(line.text + "\n")

    demo = Demo(seed=options.seed, nodes=options.count, on_attempt=attempts.put, on_key=on_key, intercepted=intercepted)
    thread = DemoThread(demo, options.speed)
    try:
        thread.__enter__()
    except (NoLoopbackError, TooFewFilesError) as error:
        raise CommandError(ExitStatus.USAGE, f"no demo here: {error}") from None
    except OSError as error:
        raise CommandError(ExitStatus.USAGE, f"the embedded network can't start: {error.strerror or error}") from None
    try:
        yield thread
    finally:
        thread.__exit__(None, None, None)


@contextmanager
def _keylog(path: str) -> Iterator[TextIO]:
    """A file for secrets: for its owner alone, and never in place of another file."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise CommandError(ExitStatus.USAGE, f"--keylog {path}: {reason}") from None
    with os.fdopen(descriptor, "w", buffering=1, encoding="ascii") as file:
        yield file


class _Headless:
    """Prints a line for each attempt: what was staged, and what the packets say."""

    def __init__(self, thread: DemoThread, story: Story, feed: LiveFeed, attempts: SimpleQueue[Attempt]) -> None:
        from app.demo.judging import Judge

        self._thread = thread
        self._story = story
        self._feed = feed
        self._attempts = attempts
        self._judge = Judge()
        self._leave = threading.Event()
        self._told = 0
        self._wrong = 0

    def run(self, seconds: float) -> int:
        old = {number: signal.signal(number, self._asked_to_leave) for number in (signal.SIGINT, signal.SIGTERM)}
        size = counted(len(self._thread.demo.network.nodes), "node")
        complain(f"{size}, bootstrap at {':'.join(map(str, self._thread.demo.network.bootstrap))}; Ctrl-C ends")
        try:
            self._watch(seconds)
        finally:
            for number, handler in old.items():
                signal.signal(number, handler)
        self._take_in()
        self._print(self._judge.rest(self._story.flows))
        complain(f"{counted(self._told, 'attempt')}, {self._told - self._wrong} with the verdict that was staged")
        self._feed.tell_losses()
        if self._thread.error is not None:
            raise CommandError(ExitStatus.USAGE, f"the demo could not go on: {_reason(self._thread.error)}")
        return ExitStatus.UNEXPECTED_VERDICT if self._wrong else ExitStatus.OK

    def _watch(self, seconds: float) -> None:
        from app.demo.judging import SETTLING_NS

        end = self._thread.world_seconds() + seconds
        quiet_since: int | None = None
        while not self._leave.wait(TICK):
            self._take_in()
            now_ns = self._thread.time_ns()
            self._print(self._judge.ripe(self._story.flows, now_ns))
            if self._thread.world_seconds() >= end:
                self._thread.finish()
            if not self._thread.idle:
                continue
            quiet_since = now_ns if quiet_since is None else quiet_since
            if now_ns - quiet_since > SETTLING_NS or self._thread.error is not None:
                return

    def _take_in(self) -> None:
        while not self._attempts.empty():
            self._judge.add(self._attempts.get())
        self._feed.poll()
        self._feed.tell_changes()
        self._story.update()
        self._feed.let_go(self._judge.wants)

    def _asked_to_leave(self, *_: object) -> None:
        self._leave.set()

    def _print(self, judged: Iterable[Judged]) -> None:
        for each in judged:
            self._told += 1
            self._wrong += not each.agrees
            sys.stdout.write(_line(each) + "\n")
        sys.stdout.flush()


def _line(judged: Judged) -> str:
    attempt = judged.attempt
    said = judged.verdict or "not in the capture"
    wanted = " or ".join(sorted(attempt.wanted))
    ending = attempt.ending
    closing = "given up" if ending.closing is None else ending.closing.text
    told = f"echoed, {closing}" if ending.echoed else closing
    again = ", once more" if attempt.again else ""
    mark = "✓" if judged.agrees else "✗"
    return f"{mark} {said:<20} wanted {wanted:<26} {ending.seconds:6.2f} s  {attempt.scene.title}{again}: {told}"


def _reason(error: BaseException) -> str:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return str(error) or type(error).__name__
