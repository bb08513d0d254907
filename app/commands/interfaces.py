"""`peephole interfaces`: what `peephole watch -i` can listen on."""

from __future__ import annotations

import argparse
import fcntl
import socket
import struct
import sys
from pathlib import Path
from typing import Final

from app.exit_status import ExitStatus
from app.terminal_text import pad, safe_text

_SIOCGIFADDR: Final = 0x8915
"""Linux: the IPv4 address of an interface."""


def run(options: argparse.Namespace) -> int:
    """Print a line for each interface: name, state, IPv4 address."""
    del options
    names = [name for _, name in socket.if_nameindex()]
    width = max((len(safe_text(name)) for name in names), default=0)
    for name in names:
        line = f"{pad(safe_text(name), width)}  {_state(name):7}  {_address(name)}"
        sys.stdout.write(line.rstrip() + "\n")
    return ExitStatus.OK


def _state(name: str) -> str:
    """``up``, ``down`` or ``unknown``, as the kernel says; a loopback is always ``unknown`` to it."""
    try:
        return Path("/sys/class/net", name, "operstate").read_text(encoding="ascii").strip()
    except OSError:
        return "unknown"


def _address(name: str) -> str:
    request = struct.pack("256s", name.encode()[:15])
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            answer: bytes = fcntl.ioctl(probe.fileno(), _SIOCGIFADDR, request)
        except OSError:  # it has none
            return ""
    return socket.inet_ntoa(answer[20:24])
