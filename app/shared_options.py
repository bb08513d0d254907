"""Options that several commands share."""

from __future__ import annotations

import argparse

from app.hand.preset_names import PRESET_NAMES
from app.option_values import clock_offset, duration, kept_packets, port, ring_bound


def add_files(parser: argparse.ArgumentParser, *, needed: bool = True) -> None:
    """The capture files; where they are not `needed`, something else may be read."""
    count = "+" if needed else "*"
    parser.add_argument("files", nargs=count, metavar="FILE", help="pcap, pcapng or recording; - is standard input")
    parser.add_argument(
        "--offset",
        action="append",
        default=[],
        type=clock_offset,
        metavar="FILE=SECONDS",
        help="by how much the clock of one of several files is ahead, where that is known; it is estimated otherwise",
    )


def add_keys(parser: argparse.ArgumentParser) -> None:
    """Keys that open payloads."""
    keys = parser.add_argument_group("keys (most captures need none)")
    keys.add_argument(
        "--key",
        action="append",
        default=[],
        metavar="KEY",
        help="a server's public key: hex, z32 or a hyperdht address",
    )
    keys.add_argument(
        "--secret-key", action="append", default=[], metavar="HEX", help="a server's secret key: opens noise message 1"
    )
    keys.add_argument("--keylog", action="append", default=[], metavar="FILE", help="a key log, see `keylog-hook`")


def add_network(parser: argparse.ArgumentParser) -> None:
    """Where a peer of ours joins, and who it is."""
    network = parser.add_argument_group("network (nothing is joined that is not named)")
    network.add_argument(
        "--bootstrap",
        action="append",
        default=[],
        metavar="HOST:PORT",
        help="a node to begin at, also as IP@HOST:PORT; may be given again",
    )
    network.add_argument("--public", action="store_true", help="join the public HyperDHT network")
    network.add_argument("--host", default="0.0.0.0", metavar="IP", help="local address to bind (all)")
    network.add_argument("--port", type=port, default=0, metavar="N", help="first UDP port to try (any)")
    keys = network.add_mutually_exclusive_group()
    keys.add_argument(
        "--key-file", metavar="FILE", help="our secret key; made if it is not there (a new key each time)"
    )
    keys.add_argument("--seed", metavar="HEX", help="our secret key itself; others on this machine can see it")


def add_proxy(parser: argparse.ArgumentParser) -> None:
    """Who punches for a peer of ours."""
    parser.add_argument(
        "--proxy", metavar="KEY", help="public key of a peer that runs `peephole proxy`, to punch in our place"
    )
    parser.add_argument(
        "--proxy-after-probe", action="store_true", help="go through the probe round ourselves, then hand over"
    )


def add_hand(parser: argparse.ArgumentParser) -> None:
    """What is done to datagrams on their way through a peer of ours."""
    hand = parser.add_argument_group("by hand (docs/intercept.md)")
    hand.add_argument(
        "--intercept",
        default="",
        metavar="EXPR",
        help="hold datagrams that pass, until somebody decides in the inspector (I), as: command == PEER_HOLEPUNCH",
    )
    hand.add_argument(
        "--rules",
        action="append",
        default=[],
        metavar="FILE",
        help="drop, delay, edit, repeat datagrams by the rules of a TOML file; may be given again",
    )
    hand.add_argument(
        "--preset",
        action="append",
        default=[],
        choices=PRESET_NAMES,
        metavar="NAME",
        help=f"rules that reproduce a failure: {', '.join(PRESET_NAMES)}; may be given again",
    )


def add_running(parser: argparse.ArgumentParser) -> None:
    """How a peer of ours runs, and what is written."""
    add_saving(parser, "save all packets, as pcapng")
    parser.add_argument("--keylog", metavar="FILE", help="write the keys of our attempts, see docs/keylog.md")
    parser.add_argument("--headless", action="store_true", help="no inspector: print attempts as they conclude")
    parser.add_argument("--json", action="store_true", help="with --headless: one JSON object a line")
    parser.add_argument("--duration", type=duration, metavar="SECONDS", help="with --headless: stop by itself")


def add_bound(parser: argparse.ArgumentParser) -> None:
    """What a live run keeps and records."""
    add_recording(parser)
    add_keep(parser)


def add_keep(parser: argparse.ArgumentParser) -> None:
    """The bound of a live run."""
    parser.add_argument(
        "--keep",
        type=kept_packets,
        metavar="N",
        help="packets kept in memory; older attempts go, and are counted; 0 for all; default: the setting "
        "live.packets, which is 200000",
    )


def add_look(parser: argparse.ArgumentParser) -> None:
    """How an inspector looks, and what things are called in it."""
    add_names(parser)
    parser.add_argument(
        "--theme", metavar="NAME", help="dark, light, ansi, contrast, mono, or a theme of Textual's; see docs/config.md"
    )


def add_names(parser: argparse.ArgumentParser) -> None:
    """Names for addresses and keys."""
    parser.add_argument(
        "--alias",
        action="append",
        default=[],
        metavar="ADDRESS=NAME",
        help="show NAME for a host, host:port, network or key (or its first digits); may be given again",
    )


def add_redaction(parser: argparse.ArgumentParser) -> None:
    """Masking of addresses and keys."""
    redaction = parser.add_argument_group("redaction (docs/redaction.md)")
    redaction.add_argument(
        "--redact", action="store_true", help="put others in place of all addresses, keys, ids and tokens"
    )
    redaction.add_argument(
        "--redact-key", metavar="PHRASE", help="redact, and alike wherever this phrase is given (keep it to yourself)"
    )
    redaction.add_argument("--redact-ports", action="store_true", help="redact, and ports too")


def add_saving(parser: argparse.ArgumentParser, says: str) -> None:
    """Packets that are written to a file, or to a ring of files.

    Args:
        parser: of the command.
        says: what is saved.
    """
    parser.add_argument("-w", "--write", metavar="OUT", help=says)
    parser.add_argument(
        "-b",
        "--ring",
        dest="bounds",
        action="append",
        default=[],
        type=ring_bound,
        metavar="BOUND",
        help="with -w: go on in a new file, OUT with number and date, after filesize:KB, packets:N, duration:S or at "
        "each interval:S, and keep files:N of them; may be given again (docs/live.md)",
    )


def add_recording(parser: argparse.ArgumentParser) -> None:
    """Recordings."""
    parser.add_argument(
        "--record", metavar="OUT", help="write a recording while it happens, with marks, comments and names"
    )


def add_filter(parser: argparse.ArgumentParser) -> None:
    """The filter."""
    parser.add_argument(
        "--filter", default="", metavar="EXPR", help="only attempts that pass, as: verdict != punched and rounds > 1"
    )
