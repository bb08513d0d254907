"""What `watch` listens on, where that is several things at once: interfaces, other hosts, captures that grow."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from app.cli import complain
from app.exit_status import CommandError, ExitStatus
from app.input_order import Kind
from app.live_input import STANDARD_INPUT, await_first, check_input, opened_input

if TYPE_CHECKING:
    from capture.growing.capture import GrowingCapture
    from capture.live import LiveCapture, LiveSource
    from capture.sensors.source import SensorSource
    from capture.several.sources import SeveralSources

    Opened = LiveCapture | GrowingCapture | SensorSource


@dataclass(frozen=True, slots=True)
class Wanted:
    """One source."""

    kind: Kind
    name: str
    """Host or file; empty for interfaces of this machine."""
    interfaces: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """What the user may call it."""
        if self.kind is Kind.INTERFACE:
            return (", ".join(self.interfaces), *self.interfaces)
        if self.kind is Kind.SSH:
            return f"{self.name} {self.interfaces[0] if self.interfaces else 'any'}", self.name
        return self.name, os.path.basename(self.name)


def wanted_of(inputs: Sequence[tuple[Kind, str]]) -> list[Wanted]:
    """The sources in the order in which they were named.

    An interface belongs to the host that was named before it, and without one to this machine, whose interfaces are
    one source together.

    Raises:
        CommandError: a host has two interfaces.
    """
    found: list[Wanted] = []
    host: int | None = None
    for kind, value in inputs:
        if kind is not Kind.INTERFACE:
            host = len(found) if kind is Kind.SSH else host
            found.append(Wanted(kind, value))
        elif host is not None:
            one = found[host]
            if one.interfaces:
                hint = f"one -i for each --ssh; any is all of them, and --ssh {one.name} may be given again"
                raise CommandError(ExitStatus.USAGE, hint)
            found[host] = Wanted(one.kind, one.name, (value,))
        else:
            here = next((place for place, one in enumerate(found) if one.kind is Kind.INTERFACE), None)
            if here is None:
                found.append(Wanted(Kind.INTERFACE, "", (value,)))
            else:
                found[here] = Wanted(Kind.INTERFACE, "", (*found[here].interfaces, value))
    return found


def check_inputs(options: argparse.Namespace) -> None:
    """Refuse what does not go together, before anything is opened.

    Raises:
        CommandError: it says what.
    """
    wanted = wanted_of(options.inputs)
    if len(wanted) < 2 or options.from_bus:
        check_input(options)
        if options.offset:
            raise CommandError(ExitStatus.USAGE, "--offset goes with several sources")
        return
    kinds = {one.kind for one in wanted}
    wrong = ""
    if len(set(wanted)) < len(wanted):
        wrong = "the same source is named twice"
    elif options.bpf and kinds == {Kind.READ}:
        wrong = "a capture filter goes with -i and --ssh"
    elif Kind.INTERFACE not in kinds and (options.promiscuous or options.sudo):
        wrong = "--promiscuous and --sudo go with an -i before any --ssh: an interface of this machine"
    if wrong:
        raise CommandError(ExitStatus.USAGE, wrong)
    for one in wanted:
        check_input(_options_of(one, options))
    offsets_of(options, wanted)


def offsets_of(options: argparse.Namespace, wanted: Sequence[Wanted]) -> dict[int, float]:
    """By how many seconds the clocks of some sources are known to be ahead of the first one's, by number.

    Raises:
        CommandError: a name is that of none, or of several.
    """
    ahead: dict[int, float] = {}
    for name, seconds in options.offset:
        numbers = [number for number, one in enumerate(wanted) if name in one.names]
        if len(numbers) != 1:
            known = ", ".join(one.names[0] for one in wanted)
            raise CommandError(ExitStatus.USAGE, f"--offset {name}: not one of the sources: {known}")
        ahead[numbers[0]] = seconds
    return ahead


def opened_inputs(options: argparse.Namespace, stack: ExitStack) -> LiveSource:
    """What `watch` listens on, started; `stack` ends it.

    Args:
        options: checked.
        stack: gets what is opened.

    Raises:
        CommandError: it can't be opened, or nothing will come.
        CaptureError: a file that can't be read.
    """
    wanted = wanted_of(options.inputs)
    if len(wanted) < 2:
        capture = opened_input(options, again=not options.report)
        stack.enter_context(capture)
        await_first(capture)
        return capture
    return together(
        [partial(opened_input, _options_of(one, options), again=not options.report) for one in wanted],
        stack,
        offsets_of(options, wanted),
    )


def together(openers: Sequence[Callable[[], Opened]], stack: ExitStack, ahead: Mapping[int, float]) -> SeveralSources:
    """Several sources as one, started one after the other: each may ask something on the terminal.

    Args:
        openers: open one each.
        stack: gets what is opened.
        ahead: by how many seconds clocks are known to be ahead of the first one's, by number.

    Raises:
        CommandError: one can't be opened, or all of them failed.
        CaptureError: a file that can't be read.
    """
    from capture.several.sources import SeveralSources

    sources: list[LiveSource] = []
    for opener in openers:
        source = opener()
        stack.enter_context(source)
        _await_begun(source)
        sources.append(source)
    errors = [source.error for source in sources if source.error is not None and not source.file.packets]
    if len(errors) == len(sources):
        for error in errors[:-1]:
            complain(str(error))
        raise CommandError(ExitStatus.UNREADABLE, str(errors[-1]))
    several = stack.enter_context(SeveralSources(sources, ahead))
    several.collect()
    return several


def reads_standard_input(options: argparse.Namespace) -> bool:
    """Whether one of the sources is standard input."""
    return (Kind.READ, STANDARD_INPUT) in options.inputs


def _options_of(wanted: Wanted, options: argparse.Namespace) -> argparse.Namespace:
    """The options as if one source were the only one."""
    one = argparse.Namespace(**vars(options))
    one.interface = list(wanted.interfaces)
    one.ssh = wanted.name if wanted.kind is Kind.SSH else None
    one.read = wanted.name if wanted.kind is Kind.READ else None
    one.bpf = [] if wanted.kind is Kind.READ else options.bpf
    if wanted.kind is not Kind.INTERFACE:
        one.sudo, one.promiscuous = None, False
    return one


def _await_begun(source: Opened) -> None:
    """Wait until what may ask something on the terminal has begun, or has failed, which ends none of the others."""
    from capture.growing.capture import GrowingCapture
    from capture.ways_of_capture import Way

    if not isinstance(source, GrowingCapture) or source.way in (Way.PIPE, Way.FILE):
        return
    if not source.wait(0.5):
        complain(f"waiting for {source.file.path}; Ctrl-C ends")
    source.wait_for_first()
    source.collect()
