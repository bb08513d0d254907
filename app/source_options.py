"""Options for what is listened on."""

from __future__ import annotations

import argparse

from app.input_order import InOrder
from app.option_values import clock_offset


def add_sources(parser: argparse.ArgumentParser) -> None:
    """Interfaces, here and elsewhere, captures that grow, and a capture filter."""
    parser.add_argument(
        "-i",
        "--interface",
        action=InOrder,
        metavar="IFACE",
        help="see `peephole interfaces`; may be given again; any is all of them; behind --ssh it is one of that host",
    )
    parser.add_argument(
        "--sudo",
        action="store_const",
        const="sudo",
        help="have sudo open the interface for you: a helper that does nothing else as root (docs/security.md)",
    )
    parser.add_argument(
        "--open-with",
        dest="sudo",
        choices=("sudo", "pkexec", "doas", "dumpcap", "tcpdump"),
        help="the same by another program: pkexec or doas start that helper, dumpcap and tcpdump capture themselves "
        "where they may (which is what happens by itself where they may and you may not)",
    )
    parser.add_argument(
        "--ssh",
        action=InOrder,
        metavar="HOST",
        help="capture on HOST, as ssh takes it, with its dumpcap or tcpdump; the -i behind it is one of its interfaces "
        "(any); may be given again",
    )
    parser.add_argument(
        "--read",
        action=InOrder,
        metavar="FILE",
        help="a capture that somebody writes: a file, which is followed, also when it is rotated, a named pipe, or - "
        "for standard input; may be given again",
    )
    parser.add_argument(
        "--offset",
        action="append",
        default=[],
        type=clock_offset,
        metavar="SOURCE=SECONDS",
        help="of several sources: by how much the clock of one (file, host or interface) is ahead of the first one's; "
        "estimated otherwise",
    )
    parser.add_argument("bpf", nargs="*", metavar="BPF", help="capture filter, as tcpdump takes it")
    parser.add_argument(
        "--promiscuous",
        action="store_true",
        help="take frames for other hosts too (a mirror port, a hub); puts the interface into promiscuous mode",
    )
    parser.set_defaults(inputs=())
