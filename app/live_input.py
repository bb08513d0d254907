"""Where live packets come from, as the options say: interfaces, here or elsewhere, or a capture that grows."""

from __future__ import annotations

import argparse
import os
import stat
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from app.cli import complain
from app.exit_status import CommandError, ExitStatus
from app.interface_input import interface_input, opener_input

if TYPE_CHECKING:
    from capture.growing.bytes import ByteSource
    from capture.growing.capture import GrowingCapture
    from capture.live import LiveCapture, LiveSource
    from capture.sensors.source import SensorSource

STANDARD_INPUT: Final = "-"
_HEAD: Final = 4
"""Bytes that tell formats apart."""


def check_input(options: argparse.Namespace) -> None:
    """Refuse what does not go together, before anything is opened.

    Raises:
        CommandError: it says what.
    """
    said = [name for name in ("interface", "ssh", "read", "from_bus") if getattr(options, name)]
    wrong = ""
    if not said:
        wrong = "what is to be watched? -i IFACE, --ssh HOST, --read FILE or --from URL; see peephole watch --help"
    elif options.from_bus and (len(said) > 1 or options.bpf or options.sudo or options.promiscuous):
        wrong = "--from goes without -i, --ssh, --read, --sudo, --promiscuous and a capture filter"
    elif options.read and (len(said) > 1 or options.bpf):
        wrong = "--read goes without -i, --ssh and a capture filter"
    elif options.ssh and (options.promiscuous or options.sudo):
        wrong = "--promiscuous and --sudo go without --ssh"
    elif options.sudo and not options.interface:
        wrong = "--sudo goes with -i"
    elif (options.sudo or options.ssh) and len(options.interface or ()) > 1:
        wrong = (
            "--sudo and --ssh go with one interface; any is all of them" if options.ssh else "--sudo goes with one -i"
        )
    elif options.ssh and options.ssh.startswith("-"):
        wrong = f"--ssh {options.ssh}: not a host"
    if wrong:
        raise CommandError(ExitStatus.USAGE, wrong)


def opened_input(options: argparse.Namespace, *, again: bool = False) -> LiveCapture | GrowingCapture | SensorSource:
    """What `watch` listens on, not yet started.

    Args:
        options: checked.
        again: whether a program that captures for us may be started again when it ended too early, or that is an error.

    Raises:
        CommandError: it can't be opened.
        CaptureError: a file that can't be read.
    """
    if options.from_bus:
        from app.stream_input import opened_stream

        return opened_stream(options)
    if options.read:
        return growing(bytes_of(options.read))
    if options.ssh or options.sudo:
        from capture.growing.again import AgainBytes

        return growing(AgainBytes(lambda: _bytes_of_program(options)) if again else _bytes_of_program(options))
    return interface_input(options)


def _bytes_of_program(options: argparse.Namespace) -> ByteSource:
    """The output of what captures for us, started now."""
    if options.ssh:
        return _bytes_over_ssh(options.ssh, (options.interface or ["any"])[0], " ".join(options.bpf))
    return opener_input(options)


def growing(source: ByteSource) -> GrowingCapture:
    """A capture of these bytes, not yet started."""
    from capture.growing.capture import GrowingCapture

    return GrowingCapture(source)


def bytes_of(path: str) -> ByteSource:
    """The bytes of a capture that somebody writes: a file or a ring is followed, a pipe is read to its end.

    Raises:
        CaptureError: it can't be opened.
    """
    from capture.disk_ring.names import parts_of
    from capture.errors import CaptureError
    from capture.growing.bytes import DescriptorBytes
    from capture.growing.followed_file import FollowedFile

    if path == STANDARD_INPUT:
        return DescriptorBytes(os.dup(sys.stdin.fileno()), "standard input")
    try:
        if not os.path.lexists(path) and parts_of(path):
            from capture.growing.followed_ring import FollowedRing

            return FollowedRing(path)
        if stat.S_ISREG(os.stat(path).st_mode):
            return FollowedFile(path)
        if Path(path).is_dir():
            raise CaptureError(path, "is a directory, not a capture")
        return DescriptorBytes(os.open(path, os.O_RDONLY), path)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise CaptureError(path, reason.lower()) from error


def growing_standard_input() -> GrowingCapture | None:
    """Standard input as a capture that grows, if it is a pipe that somebody writes one into.

    It waits for the first bytes. What is no bare pcap or pcapng (a compressed capture, a recording) is left to be read
    to its end.
    """
    if stat.S_ISREG(os.fstat(sys.stdin.fileno()).st_mode):
        return None
    from capture.growing.bytes import DescriptorBytes
    from capture.opening import PCAPNG
    from capture.pcap import is_pcap
    from capture.waiting_input import put_back

    begun = b""
    while len(begun) < _HEAD and (piece := os.read(sys.stdin.fileno(), 1 << 16)):
        begun += piece
    if not is_pcap(begun[:_HEAD]) and begun[:_HEAD] != PCAPNG:
        put_back(begun)
        return None
    return growing(DescriptorBytes(os.dup(sys.stdin.fileno()), "standard input", begun))


def await_first(capture: LiveSource) -> None:
    """Wait until a growing capture has begun, while whoever writes it may still use the terminal to ask something.

    Raises:
        CommandError: there will be none.
    """
    from capture.growing.capture import GrowingCapture

    if not isinstance(capture, GrowingCapture):
        return
    if not capture.wait(0.5):
        complain(f"waiting for {capture.file.path}; Ctrl-C ends")
    capture.wait_for_first()
    capture.collect()
    if capture.error is not None and not capture.file.packets:
        raise CommandError(ExitStatus.UNREADABLE, str(capture.error))


def keys_from_terminal() -> None:
    """Have keys come from the terminal, where standard input is a capture."""
    terminal = os.open("/dev/tty", os.O_RDWR)
    os.dup2(terminal, 0)
    os.close(terminal)


def _bytes_over_ssh(host: str, interface: str, bpf: str) -> ByteSource:
    from capture.errors import LiveError
    from capture.growing.command_bytes import CommandBytes, capture_over_ssh
    from capture.ways_of_capture import Way

    try:
        return CommandBytes(
            capture_over_ssh(host, interface, bpf), f"{host} {interface}", way=Way.SSH, promiscuous=False
        )
    except LiveError as error:
        raise CommandError(ExitStatus.USAGE, str(error)) from None
