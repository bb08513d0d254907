"""The command that has the opener open a packet socket as root, for a user who may not."""

from __future__ import annotations

import ctypes
import logging
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from capture.errors import BadFilterError, LiveError
from capture.links import RAW_IP, SLL2
from capture.packet_socket import ALL, LINKTYPES, hardware_of

OPENER: Final = Path(__file__).with_name("opener.py")
NOBODY: Final = 65534


def opener_command(interface: str, bpf: str, *, promiscuous: bool = False, become: Sequence[str] = ()) -> list[str]:
    """What to run.

    The capture filter is compiled here: the opener gets a program for the kernel, which checks it.

    Args:
        interface: its name; `ALL` for all of them.
        bpf: capture filter in pcap-filter(7) syntax; empty for all frames.
        promiscuous: whether to take frames for other hosts too.
        become: what runs a command as root, as ``("sudo", "--")``.

    Raises:
        LiveError: the interface is not there, or its frames can't be read.
        BadFilterError: the filter does not compile.
    """
    if interface == ALL:
        linktype, promiscuous = SLL2, False  # all at once stay as they are
    else:
        try:
            hardware = hardware_of(interface)
        except OSError as error:
            raise LiveError(interface, (error.strerror or str(error)).lower()) from error
        if hardware not in LINKTYPES:
            raise LiveError(interface, f"frames of hardware type {hardware} can't be read")
        linktype = LINKTYPES[hardware]
    uid, gid = os.getuid() or NOBODY, os.getgid() or NOBODY
    words = (interface, linktype, uid, gid, int(promiscuous), compiled(bpf, interface).hex() if bpf else "-")
    return [*become, sys.executable, "-I", str(OPENER), *map(str, words)]


def compiled(bpf: str, interface: str) -> bytes:
    """A capture filter as instructions for the kernel, 8 bytes each; libpcap compiles it, which takes no privilege.

    Raises:
        BadFilterError: it does not compile.
        LiveError: libpcap is not installed.
    """
    logging.getLogger("scapy").setLevel(logging.CRITICAL)  # what it has to say would land on the screen
    from scapy.arch.common import compile_filter
    from scapy.error import Scapy_Exception

    try:
        # Of all interfaces at once the filter sees packets from their IP header on.
        program = compile_filter(bpf, linktype=RAW_IP[0]) if interface == ALL else compile_filter(bpf, interface)
    except ImportError:
        raise LiveError(interface, "capture filters need libpcap, which is not installed") from None
    except Scapy_Exception as error:
        reason = str(error)
        raise BadFilterError(interface, f"bad capture filter {bpf!r}: {filter_reason(reason)}") from None
    return ctypes.string_at(program.bf_insns, program.bf_len * 8)


def filter_reason(reason: str) -> str:
    """libpcap's own words out of scapy's message."""
    start, end = reason.rfind("("), reason.rfind(")")
    return reason[start + 1 : end] if 0 <= start < end else reason
