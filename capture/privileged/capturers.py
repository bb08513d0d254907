"""Capturing with a program that may: dumpcap or tcpdump with a capability of its own, started as the user who asks."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

from capture.packet_socket import ALL
from capture.privileged.command import compiled

if TYPE_CHECKING:
    from capture.growing.command_bytes import CommandBytes


def capturer_command(path: str, interfaces: Sequence[str], bpf: str, *, promiscuous: bool = False) -> list[str]:
    """What to run: it writes a capture to its standard output until it is interrupted.

    Args:
        path: of dumpcap or tcpdump.
        interfaces: their names; tcpdump takes one.
        bpf: capture filter in pcap-filter(7) syntax; empty for all frames.
        promiscuous: whether to take frames for other hosts too.
    """
    leave_alone = () if promiscuous else ("-p",)
    if os.path.basename(path) == "dumpcap":
        # A filter counts for the interfaces behind it.
        wanted = ("-f", bpf) if bpf else ()
        listened = [word for name in interfaces for word in ("-i", name)]
        return [path, "-q", *leave_alone, *wanted, *listened, "-w", "-"]
    return [path, *leave_alone, "-i", interfaces[0], "-U", "-s", "0", "-w", "-", *((bpf,) if bpf else ())]


def captured_by(path: str, interfaces: Sequence[str], bpf: str, *, promiscuous: bool = False) -> CommandBytes:
    """The bytes that such a program writes, from now on.

    Raises:
        LiveError: it can't be started, or there is no libpcap.
        BadFilterError: the filter does not compile.
    """
    from capture.growing.command_bytes import CommandBytes

    if bpf:
        compiled(bpf, interfaces[0])  # to say what is wrong with it as everywhere
    command = capturer_command(path, interfaces, bpf, promiscuous=promiscuous)
    mode = promiscuous and set(interfaces) != {ALL}
    return CommandBytes(command, ", ".join(interfaces), interrupted=True, promiscuous=mode)
