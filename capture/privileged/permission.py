"""Who on this machine may open an interface for a user who may not: what can be run, and what would help.

A program may capture without its user being root where its file has the capability CAP_NET_RAW, or is set-user-id root,
as dumpcap is on systems whose group ``wireshark`` may capture. A script can't have that: the kernel looks at the
interpreter's file, and an interpreter with a capability gives it to every script of everybody.

File capabilities are the attribute ``security.capability``, integers little-endian: revision and flags u32 (the lowest
bit: permitted capabilities are effective at once), permitted and inheritable u32 each, for capabilities 0 to 31, then
32 to 63.

Source: Linux, include/uapi/linux/capability.h, capabilities(7); wireshark, doc/README.Debian of its package.
"""

from __future__ import annotations

import os
import shutil
import socket
import stat
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Final, NamedTuple

CAP_NET_RAW: Final = 13
ROOT_BY: Final = ("sudo", "pkexec", "doas")
"""Programs that run another one as root, the likeliest first."""
CAPTURERS: Final = ("dumpcap", "tcpdump")
"""Programs that may capture by themselves; dumpcap tells what was dropped, so it is first."""
OPENERS: Final = (*ROOT_BY, *CAPTURERS)
"""Who may be asked to open an interface."""

_ATTRIBUTE: Final = "security.capability"
_EFFECTIVE: Final = 1


class Offer(NamedTuple):
    """One way to get packets for somebody who may not capture."""

    option: str
    """Option of `watch` that takes it; empty where it takes something else."""
    says: str
    """What it is, or what to do."""


def has_capability(path: str) -> bool:
    """Whether a program may open packet sockets whoever runs it: it has CAP_NET_RAW, or runs as root."""
    try:
        mode = os.stat(path)
        if mode.st_mode & stat.S_ISUID and mode.st_uid == 0:
            return True
        value = os.getxattr(path, _ATTRIBUTE)
    except (OSError, AttributeError):  # none is set; or a system without them
        return False
    if len(value) < 12:
        return False
    flags, permitted = struct.unpack_from("<II", value)
    return bool(flags & _EFFECTIVE and permitted >> CAP_NET_RAW & 1)


def may_capture() -> bool:
    """Whether this user may open packet sockets."""
    try:
        socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0).close()
    except (OSError, AttributeError):  # not permitted; or a system without such sockets
        return False
    return True


def setcap(path: str) -> str:
    """The command that gives a program what it takes to capture."""
    return f"setcap cap_net_raw+ep {path}"


def may_gain() -> bool:
    """Whether programs that this process starts can gain a privilege at all: containers and services often can't."""
    try:
        lines = Path("/proc/self/status").read_bytes().splitlines()
    except OSError:
        return True
    return b"NoNewPrivs:\t1" not in lines


def own_capturer(which: Callable[[str], str | None] = shutil.which) -> str | None:
    """Path of a program that may capture for this user; None if there is none.

    Args:
        which: finds a program that this user may run.
    """
    if not may_gain():
        return None
    return next((path for name in CAPTURERS if (path := which(name)) is not None and has_capability(path)), None)


def offers(interfaces: str, which: Callable[[str], str | None] = shutil.which) -> list[Offer]:
    """What works on this machine for somebody who may not capture, the best first.

    Args:
        interfaces: the options that name them, as ``-i eth0``.
        which: finds a program that this user may run.
    """
    found: list[Offer] = []
    if may_gain():
        for name in ROOT_BY:
            if which(name) is not None:
                option = "--sudo" if name == "sudo" else f"--open-with {name}"
                found.append(
                    Offer(option, "a helper opens the interface as root, gives up every privilege, and streams")
                )
        dumpcap = which("dumpcap")
        if dumpcap is not None and not has_capability(dumpcap):
            found.append(Offer("", f"once, as root: {setcap(dumpcap)}; then it is used by itself"))
    elif any(which(name) is not None for name in OPENERS):
        found.append(Offer("", "no program can gain a privilege here (no_new_privs): start from outside this sandbox"))
    for hidden in _for_a_group():
        found.append(Offer("", hidden))
    found.append(Offer("", f"tcpdump {interfaces} -U -w - udp | peephole - , run by whoever may"))
    found.append(Offer("", "peephole node, connect, listen or demo: packets of our own sockets take no permission"))
    found.append(Offer("", "peephole FILE: a capture that somebody made"))
    return found


def _for_a_group() -> list[str]:
    """Programs that would do, but for their group alone."""
    found = []
    for folder in os.get_exec_path():
        path = os.path.join(folder, "dumpcap")
        try:
            status = os.stat(path)
        except OSError:
            continue
        if not os.access(path, os.X_OK) and status.st_mode & stat.S_IXGRP:
            found.append(f"{path} may be run by the group {_group(status.st_gid)}: have yourself put into it")
    return found


def _group(number: int) -> str:
    import grp

    try:
        return grp.getgrgid(number).gr_name
    except KeyError:
        return str(number)
