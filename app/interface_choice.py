"""`peephole watch` without a source on a terminal: the user chooses an interface, again where it can't be opened."""

from __future__ import annotations

import argparse
import os
import shutil
import sys
from contextlib import ExitStack
from typing import TYPE_CHECKING

from app.configured import configured
from app.exit_status import CommandError
from app.input_order import Kind
from app.interface_input import NotPermittedHereError
from app.listening import Listening, Openers
from app.several_input import check_inputs, opened_inputs

if TYPE_CHECKING:
    from capture.live import LiveSource


def is_to_choose(options: argparse.Namespace) -> bool:
    """Whether nothing was named to watch, and there is somebody to ask."""
    named = options.inputs or options.from_bus or options.sudo
    return not (named or options.report) and sys.stdin.isatty() and sys.stdout.isatty()


def opened_or_chosen(options: argparse.Namespace, stack: ExitStack) -> LiveSource:
    """What the options name, started; on a terminal interfaces that may not be opened become a choice.

    Args:
        options: checked.
        stack: gets what is opened.

    Raises:
        CommandError: it can't be opened, and the user chose nothing else.
    """
    try:
        return opened_inputs(options, stack)
    except NotPermittedHereError as error:
        if options.report or any(kind is not Kind.INTERFACE for kind, _ in options.inputs):
            raise
        names = tuple(name for _, name in options.inputs)
        asked = Listening(names, bool(options.promiscuous), "")
        chosen = opened_choice(options, stack, asked, _told(error))
        if chosen is None:
            raise
        return chosen


def opened_choice(
    options: argparse.Namespace, stack: ExitStack, choice: Listening | None = None, failure: tuple[str, ...] = ()
) -> LiveSource | None:
    """What the user chose, started; None: nothing.

    Args:
        options: get what was chosen, as if it had been said on the command line.
        stack: gets what is opened.
        choice: what was chosen before.
        failure: why that could not be opened.
    """
    from app.tui.interface_chooser import choose

    while True:
        choice = choose(openers(failure), configured(options), choice)
        if choice is None:
            return None
        _take(options, choice)
        try:
            check_inputs(options)
            return opened_inputs(options, stack)
        except CommandError as error:
            failure = _told(error)


def _told(error: CommandError) -> tuple[str, ...]:
    return (str(error), *(line.strip() for line in error.more))


def openers(failure: tuple[str, ...] = ()) -> Openers:
    """Who can open interfaces here, and what is to be said of that.

    Args:
        failure: why the last choice failed.
    """
    from capture.privileged.permission import (
        CAPTURERS,
        ROOT_BY,
        has_capability,
        may_capture,
        may_gain,
        offers,
        own_capturer,
    )

    there = [name for name in ROOT_BY if shutil.which(name) is not None] if may_gain() else []
    able = [name for name in CAPTURERS if (path := shutil.which(name)) is not None and has_capability(path)]
    if may_capture():
        return Openers(("", *there, *able), failure)
    capturer = own_capturer()
    if capturer is not None:
        first = os.path.basename(capturer)
        rest = [name for name in (*there, *able) if name != first]
        return Openers((first, *rest), failure or (f"You may capture by {capturer}.",))
    helped = f"{', '.join(there)} (u): a helper opens the interface as root and gives up every privilege"
    others = (one.says for one in offers("-i IFACE") if not one.option)
    said = (helped, *others) if there else tuple(others)
    known = failure or ("You are not permitted to capture, which takes CAP_NET_RAW. What works here:", *said)
    return Openers(tuple(there) or ("",), known)


def _take(options: argparse.Namespace, choice: Listening) -> None:
    """Have options say what was chosen."""
    options.interface = list(choice.interfaces)
    options.inputs = tuple((Kind.INTERFACE, name) for name in choice.interfaces)
    options.promiscuous = choice.promiscuous
    options.sudo = choice.opener or None
