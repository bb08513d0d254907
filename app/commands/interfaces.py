"""`peephole interfaces`: what `peephole watch -i` can listen on."""

from __future__ import annotations

import argparse
import json
import sys
from typing import TYPE_CHECKING

from app.exit_status import ExitStatus
from app.terminal_text import cell_width, pad, safe_text

if TYPE_CHECKING:
    from capture.interfaces import NetworkInterface


def run(options: argparse.Namespace) -> int:
    """Print a line for each interface, and whether capturing is permitted."""
    from capture.interfaces import interfaces
    from capture.privileged.permission import may_capture, offers, own_capturer

    found = interfaces()
    permitted = may_capture()
    capturer = None if permitted else own_capturer()
    if options.json:
        listed = [_plain(one) for one in found]
        whole = {"interfaces": listed, "permitted": permitted or capturer is not None, "by": capturer}
        sys.stdout.write(json.dumps(whole, indent=2) + "\n")
        return ExitStatus.OK
    for line in table_of(found):
        sys.stdout.write(f"{line}\n")
    if capturer is not None:
        sys.stderr.write(f"You may capture by {safe_text(capturer)}, which is used by itself.\n")
    elif not permitted:
        sys.stderr.write("You are not permitted to capture on them. What works here:\n")
        for offer in offers("-i IFACE"):
            text = f"watch {offer.option} -i IFACE: {offer.says}" if offer.option else offer.says
            sys.stderr.write(f"  {safe_text(text)}\n")
    return ExitStatus.OK


def table_of(found: list[NetworkInterface]) -> list[str]:
    """A line for each: number, name, what it is, whether it is up, link type, addresses."""
    rows = [
        (str(one.number), safe_text(one.name), safe_text(one.kind), _state(one), _link(one), " ".join(one.addresses))
        for one in found
    ]
    widths = [max((cell_width(row[column]) for row in rows), default=0) for column in range(5)]
    return [
        "  ".join((row[0].rjust(widths[0]), *(pad(row[at], widths[at]) for at in range(1, 5)), row[5])).rstrip()
        for row in rows
    ]


def _state(one: NetworkInterface) -> str:
    return "up" if one.up else "down"


def _link(one: NetworkInterface) -> str:
    return one.linktype_name


def _plain(one: NetworkInterface) -> dict[str, object]:
    return {
        "number": one.number,
        "name": one.name,
        "kind": one.kind,
        "up": one.up,
        "addresses": list(one.addresses),
        "linktype": one.linktype,
        "linktype_name": one.linktype_name,
        "packets": one.packets,
    }
