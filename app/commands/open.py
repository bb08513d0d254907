"""`peephole FILE...`: the terminal inspector on captures; on one that somebody still writes, live."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping
from contextlib import ExitStack
from functools import partial
from typing import TYPE_CHECKING

from app.exit_status import CommandError, ExitStatus
from app.live_input import STANDARD_INPUT, await_first, bytes_of, growing, growing_standard_input, keys_from_terminal
from app.live_saving import saved
from app.nats_options import check_from
from app.reading import check_paths, chosen_filter, clocks_of, keys_of, with_rings

if TYPE_CHECKING:
    from capture.given_keys import Keys
    from capture.growing.capture import GrowingCapture


def run(options: argparse.Namespace) -> int:
    """Open the inspector; whatever can be refused is refused before the screen is entered."""
    if options.filter:
        chosen_filter(options)
    _check(options)
    check_paths(with_rings(options.files))
    if not options.follow:
        options.files = with_rings(options.files)
    keys = keys_of(options)
    ahead = clocks_of(options)
    if not (sys.stdout.isatty() and (sys.stdin.isatty() or "-" in options.files)):
        raise CommandError(ExitStatus.USAGE, "the inspector needs a terminal; `peephole report` works without one")
    if options.from_bus:
        return _inspect_stream(options, keys)
    if options.follow and len(options.files) > 1:
        return _inspect_several(options, keys, ahead)
    if options.follow or options.files == [STANDARD_INPUT]:
        growing = _growing(options)
        if growing is not None:
            return _inspect_growing(options, growing, keys)
    if options.write or options.bounds:
        raise CommandError(ExitStatus.USAGE, "-w and -b go with a pipe, or with --follow")
    from app.configured import configured
    from app.tui.app import run as run_screen

    return run_screen(options.files, keys, filter_text=options.filter, reading=configured(options), ahead=ahead)


def _check(options: argparse.Namespace) -> None:
    """Refuse what does not go together.

    Raises:
        CommandError: it says what.
    """
    check_from(options)
    wrong = ""
    if options.from_bus and (options.files or options.follow or options.offset):
        wrong = "--from goes without FILE, --follow and --offset"
    elif not (options.from_bus or options.files):
        wrong = "what is to be opened? FILE, or --from URL; see peephole --help"
    if wrong:
        raise CommandError(ExitStatus.USAGE, wrong)


def _inspect_stream(options: argparse.Namespace, keys: Keys) -> int:
    from app.commands.watch import inspect
    from app.configured import packets_kept
    from app.live_feed import LiveFeed
    from app.live_story import retention_of, story_of
    from app.stream_input import opened_stream

    with opened_stream(options) as source:
        story = story_of(source, keys)
        return inspect(options, story, LiveFeed(source, retention=retention_of(story, source, packets_kept(options))))


def _growing(options: argparse.Namespace) -> GrowingCapture | None:
    """The one file as a capture that grows; None if standard input is to be read to its end."""
    if options.offset:
        raise CommandError(ExitStatus.USAGE, "--offset goes with several files, or with one that is not followed")
    [path] = options.files
    return growing_standard_input() if path == STANDARD_INPUT else growing(bytes_of(path))


def _inspect_several(options: argparse.Namespace, keys: Keys, ahead: Mapping[str, float]) -> int:
    """Follow several files as vantages of one story."""
    from app.commands.watch import inspect
    from app.live_feed import LiveFeed
    from app.live_story import retention_of
    from app.several_input import together
    from capture.story import Story

    with ExitStack() as stack:
        out = stack.enter_context(saved(options))
        openers = [partial(_followed, path) for path in options.files]
        source = together(openers, stack, {options.files.index(path): seconds for path, seconds in ahead.items()})
        story = Story(source.table, keys)
        feed = LiveFeed(source, out, retention_of(story, source, options.keep or 0))
        if STANDARD_INPUT in options.files:
            keys_from_terminal()
        return inspect(options, story, feed)


def _followed(path: str) -> GrowingCapture:
    return growing(bytes_of(path))


def _inspect_growing(options: argparse.Namespace, capture: GrowingCapture, keys: Keys) -> int:
    from app.commands.watch import inspect
    from app.live_feed import LiveFeed
    from capture.retention import Retention
    from capture.story import Story

    with capture, saved(options) as out:
        await_first(capture)
        story = Story(capture.table, keys)
        # A pipe may bring a whole capture, of which nothing is to be missing; what goes on for days has to be bounded.
        feed = LiveFeed(capture, out, Retention(story, capture, options.keep or 0))
        if options.files == [STANDARD_INPUT]:
            keys_from_terminal()
        return inspect(options, story, feed)
