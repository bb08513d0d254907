"""Interfaces as the user wants them opened: by ourselves, by a helper that becomes root, or by a program that may."""

from __future__ import annotations

import argparse
import shutil
from typing import TYPE_CHECKING

from app.exit_status import CommandError, ExitStatus

if TYPE_CHECKING:
    from capture.errors import LiveError, NotPermittedError
    from capture.growing.bytes import ByteSource
    from capture.growing.capture import GrowingCapture
    from capture.live import LiveCapture


class NotPermittedHereError(CommandError):
    """The user may not capture; it says what does work.

    Attributes:
        reason: what was refused.
        offers: what works here, one sentence each.
    """

    def __init__(self, error: NotPermittedError, interfaces: list[str]) -> None:
        from capture.privileged.permission import offers

        found = offers(" ".join(f"-i {name}" for name in interfaces))
        self.reason = str(error)
        self.offers = [f"{one.option}: {one.says}" if one.option else one.says for one in found]
        super().__init__(ExitStatus.NOT_PERMITTED, f"{self.reason}. What works here:")

    @property
    def more(self) -> list[str]:
        """Lines behind the first."""
        return [f"  {offer}" for offer in self.offers]


def interface_input(options: argparse.Namespace) -> LiveCapture | GrowingCapture:
    """The interfaces of `watch`, opened by ourselves where that is permitted, else by a program that may.

    Raises:
        CommandError: they can't be opened.
    """
    from capture.errors import LiveError, NotPermittedError
    from capture.growing.capture import GrowingCapture
    from capture.interfaces import named
    from capture.live import LiveCapture
    from capture.privileged.capturers import captured_by
    from capture.privileged.permission import own_capturer

    names, bpf, promiscuous = (
        [named(one) for one in options.interface],
        " ".join(options.bpf),
        bool(options.promiscuous),
    )
    try:
        return LiveCapture(names, bpf, promiscuous=promiscuous)
    except NotPermittedError as error:
        path = own_capturer()
        if path is None:
            raise NotPermittedHereError(error, names) from None
        try:
            return GrowingCapture(captured_by(path, names, bpf, promiscuous=promiscuous))
        except LiveError as failed:
            raise refused(failed) from None
    except LiveError as error:
        raise refused(error) from None


def opener_input(options: argparse.Namespace) -> ByteSource:
    """The bytes of an interface that a program opens which the user names; what it asks, it asks on the terminal.

    Raises:
        CommandError: it can't be started.
    """
    from capture.errors import LiveError
    from capture.growing.command_bytes import CommandBytes
    from capture.interfaces import named
    from capture.packet_socket import ALL
    from capture.privileged.capturers import captured_by
    from capture.privileged.command import opener_command
    from capture.privileged.permission import CAPTURERS, has_capability, may_capture, setcap
    from capture.ways_of_capture import Way

    who: str = options.sudo
    names = [named(one) for one in options.interface]
    path, bpf, promiscuous = shutil.which(who), " ".join(options.bpf), bool(options.promiscuous)
    if path is None:
        raise CommandError(ExitStatus.USAGE, f"{who} can't be run: there is none, or not for you")
    if who in CAPTURERS and not (may_capture() or has_capability(path)):
        needed = f"{path} may not capture either: it has no capability for it. Once, as root: {setcap(path)}"
        raise CommandError(ExitStatus.NOT_PERMITTED, needed)
    try:
        if who in CAPTURERS:
            return captured_by(path, names, bpf, promiscuous=promiscuous)
        become = (path,) if who == "pkexec" else (path, "--")
        command = opener_command(names[0], bpf, promiscuous=promiscuous, become=become)
        way = f"{Way.OPENER}, {who}"
        return CommandBytes(
            command, names[0], ends_with_input=True, way=way, promiscuous=promiscuous and names[0] != ALL
        )
    except LiveError as error:
        raise refused(error) from None


def refused(error: LiveError) -> CommandError:
    """A refusal of the system, as commands end with it."""
    from capture.errors import BadFilterError

    bad = isinstance(error, BadFilterError)
    return CommandError(ExitStatus.BAD_FILTER if bad else ExitStatus.USAGE, str(error))
