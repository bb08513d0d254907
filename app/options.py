"""The command line as argparse parsers: one for each command, options that all reading commands share."""

from __future__ import annotations

import argparse
import math
from typing import TYPE_CHECKING, Final

from app.option_parser import Parser
from app.own_options import completion_parser, config_parser, man_parser

if TYPE_CHECKING:
    from collections.abc import Callable

REPORT_FORMATS: Final = ("text", "json", "markdown")
EXPORT_FORMATS: Final = ("text", "markdown", "mermaid", "svg", "json", "pcapng", "recording")

OVERVIEW: Final = """\
usage: peephole FILE...                      open captures in the terminal inspector
       peephole report FILE...               print attempts and verdicts, headless
       peephole export FILE... --flow ID     one attempt as text, Markdown, Mermaid, SVG, JSON, pcapng, recording
       peephole record FILE... -o OUT        captures as one recording, with marks, comments and names
       peephole watch -i IFACE [BPF]         inspect live traffic
       peephole node --bootstrap HOST:PORT   run a DHT node of our own and watch its life
       peephole connect KEY --bootstrap ...  connect to a server and watch how it goes
       peephole listen --bootstrap ...       be a server and watch who comes
       peephole demo                         peers and NATs inside this process, live: no root, no internet
       peephole interfaces                   list what `watch -i` can listen on
       peephole keylog-hook                  print the path of the Node preload that writes a key log
       peephole config                       settings: their values, origins and faults
       peephole completion SHELL             completion for bash, zsh or fish
       peephole man                          the manual page of all commands
       peephole COMMAND --help               options of a command
       peephole --version

FILE is a pcap or pcapng capture or a recording, gzip or not; `-` is standard input. Several files are several
vantages of one story. A file named like a command is given as ./report.

Exit status: 0 done; 2 usage; 3 a file can't be read as a capture; 4 bad filter; 5 not permitted to capture;
with `report --check`: 10 an attempt failed, 11 a token mismatch; with `demo --headless`: 12 an unexpected verdict.
"""


def parser_of(command: str) -> Parser:
    """The parser of a command; ``open`` is the one without a name."""
    return {
        "open": _open,
        "report": _report,
        "export": _export,
        "record": _record,
        "watch": _watch,
        "node": _node,
        "connect": _connect,
        "listen": _listen,
        "demo": _demo,
        "interfaces": _interfaces,
        "keylog-hook": _keylog_hook,
        "config": config_parser,
        "completion": completion_parser,
        "man": man_parser,
    }[command]()


COMMANDS: Final = (
    "report",
    "export",
    "record",
    "watch",
    "node",
    "connect",
    "listen",
    "demo",
    "interfaces",
    "keylog-hook",
    "config",
    "completion",
    "man",
)


def _open() -> Parser:
    parser = Parser("", "Open captures in the terminal inspector. `peephole --help` lists the other commands.")
    _add_files(parser)
    _add_keys(parser)
    _add_filter(parser)
    _add_look(parser)
    return parser


def _report() -> Parser:
    parser = Parser("report", "Print one row and a verdict for each hole-punch attempt.")
    _add_files(parser)
    _add_keys(parser)
    _add_filter(parser)
    parser.add_argument("--json", action="store_true", help="one JSON object instead of rows (docs/report.md)")
    parser.add_argument(
        "-v", "--verbose", action="store_true", help="rounds, NAT evidence and messages of each attempt"
    )
    parser.add_argument("--secrets", action="store_true", help="give the holepunch secrets in the JSON")
    parser.add_argument("--flow", metavar="ID", help="only this attempt: its id or the beginning of it")
    parser.add_argument(
        "--format",
        choices=REPORT_FORMATS,
        help="text, json as --json, or markdown: one attempt for a bug thread, with --flow",
    )
    parser.add_argument(
        "--statistics", action="store_true", help="not the attempts but figures of all: outcomes, NATs, times, relays"
    )
    parser.add_argument("--check", action="store_true", help="exit 10 if an attempt failed, 11 on a token mismatch")
    _add_names(parser)
    _add_redaction(parser)
    return parser


def _export() -> Parser:
    parser = Parser("export", "Write one attempt in another form, or what passes a filter as packets.")
    _add_files(parser)
    _add_keys(parser)
    chosen = parser.add_mutually_exclusive_group(required=True)
    chosen.add_argument("--flow", metavar="ID", help="the attempt: its id or the beginning of it")
    chosen.add_argument(
        "--filter",
        metavar="EXPR",
        help="the attempts that pass (docs/filter.md); pcapng and recording take any number, other forms one",
    )
    parser.add_argument(
        "--packets",
        action="store_true",
        help="with --filter: not whole attempts but every packet that passes (pcapng)",
    )
    parser.add_argument("--format", required=True, choices=EXPORT_FORMATS, help="the form to write it in")
    parser.add_argument(
        "--round", type=_round_number, metavar="N", help="only round N as the payloads number it (mermaid)"
    )
    parser.add_argument("-o", "--output", metavar="OUT", help="file to write; without it, standard output")
    parser.add_argument("--width", type=_width, metavar="CELLS", help="width of the text form (80 or more)")
    parser.add_argument(
        "--secrets",
        action="store_true",
        help="include the secrets of this attempt (json, pcapng, recording; the file gets mode 0600)",
    )
    _add_names(parser)
    _add_redaction(parser)
    return parser


def _record() -> Parser:
    parser = Parser("record", "Write captures into one recording, which opens as they do (docs/recordings.md).")
    _add_files(parser)
    _add_keys(parser)
    _add_filter(parser)
    parser.add_argument("-o", "--output", required=True, metavar="OUT", help="file to write, as x.peephole")
    parser.add_argument("--force", action="store_true", help="write over a file that is there")
    parser.add_argument(
        "--with-keys", action="store_true", help="record the keys that were given or found; the file gets mode 0600"
    )
    _add_names(parser)
    _add_redaction(parser)
    return parser


def _watch() -> Parser:
    parser = Parser("watch", "Inspect live traffic on an interface.")
    parser.add_argument("-i", "--interface", required=True, metavar="IFACE", help="see `peephole interfaces`")
    parser.add_argument("bpf", nargs="*", metavar="BPF", help="capture filter, as tcpdump takes it")
    parser.add_argument(
        "--promiscuous",
        action="store_true",
        help="take frames for other hosts too (a mirror port, a hub); puts the interface into promiscuous mode",
    )
    parser.add_argument("-w", "--write", metavar="OUT", help="save what is captured, as pcapng")
    parser.add_argument("--report", action="store_true", help="headless: print attempts as they conclude, until Ctrl-C")
    parser.add_argument("--json", action="store_true", help="with --report: one JSON object a line")
    parser.add_argument("--duration", type=_duration, metavar="SECONDS", help="stop by itself")
    _add_keys(parser)
    _add_bound(parser)
    _add_filter(parser)
    _add_look(parser)
    return parser


def _node() -> Parser:
    parser = Parser("node", "Run a node of the DHT and inspect every packet that it sends and receives.")
    parser.add_argument("--announce", action="store_true", help="announce the key pair, and let others connect")
    _add_network(parser)
    _add_running(parser)
    _add_bound(parser)
    _add_filter(parser)
    _add_look(parser)
    return parser


def _connect() -> Parser:
    parser = Parser("connect", "Connect to a server by its key, and inspect how it goes.")
    parser.add_argument("server", metavar="KEY", help="its public key: hex, z32 or a hyperdht address")
    parser.add_argument(
        "--send",
        metavar="TEXT",
        help="say this once connected, and end with the answer; without it, end with the server",
    )
    parser.add_argument("--no-fast-open", action="store_true", help="no punch along with the first round")
    parser.add_argument("--no-local", action="store_true", help="don't share or try addresses of local networks")
    parser.add_argument(
        "--relay",
        action="append",
        default=[],
        metavar="IP:PORT",
        help="a node that relays to the server; may be given again",
    )
    parser.add_argument(
        "--relay-through", action="append", default=[], metavar="KEY", help="public key of a blind relay to use"
    )
    _add_network(parser)
    _add_running(parser)
    _add_bound(parser)
    _add_filter(parser)
    _add_look(parser)
    return parser


def _listen() -> Parser:
    parser = Parser("listen", "Be a server that is found by its key, and inspect who comes.")
    parser.add_argument("--echo", action="store_true", help="send back what clients say")
    parser.add_argument("--never-punch", action="store_true", help="offer no hole punching")
    parser.add_argument("--no-local", action="store_true", help="don't share addresses of local networks")
    _add_network(parser)
    _add_running(parser)
    _add_bound(parser)
    _add_filter(parser)
    _add_look(parser)
    return parser


def _demo() -> Parser:
    parser = Parser(
        "demo",
        "A DHT on loopback addresses in this process, with peers behind NATs of every kind that keep connecting, "
        "failing and recovering. No root, no internet.",
    )
    parser.add_argument("--seed", type=_story, default=1, metavar="N", help="which story is told; default 1")
    parser.add_argument(
        "--speed", type=_speed, default=1.0, metavar="X", help="X times as fast, timers of the protocol included"
    )
    parser.add_argument("--count", type=_nodes, default=14, metavar="N", help="nodes of the DHT, 4 to 200; default 14")
    parser.add_argument("--keylog", metavar="OUT", help="write a key log of all attempts")
    parser.add_argument("-w", "--write", metavar="OUT", help="save the packets, as pcapng")
    parser.add_argument(
        "--headless",
        type=_duration,
        metavar="SECONDS",
        help="no screens: a line for each attempt, for so long and until what is under way is over; exit 12 if the "
        "packets of one got another verdict than was staged",
    )
    _add_bound(parser)
    _add_filter(parser)
    _add_look(parser)
    return parser


def _interfaces() -> Parser:
    return Parser("interfaces", "List the interfaces that `peephole watch -i` can listen on.")


def _keylog_hook() -> Parser:
    return Parser(
        "keylog-hook",
        "Print the path of the Node preload that makes an unmodified hyperdht application write a key log: "
        'PEEPHOLE_KEYLOG=keys.log node --require "$(peephole keylog-hook)" app.js',
    )


def _add_files(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("files", nargs="+", metavar="FILE", help="pcap, pcapng or recording; - is standard input")
    parser.add_argument(
        "--offset",
        action="append",
        default=[],
        type=_offset,
        metavar="FILE=SECONDS",
        help="by how much the clock of one of several files is ahead, where that is known; it is estimated otherwise",
    )


def _add_keys(parser: argparse.ArgumentParser) -> None:
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


def _add_network(parser: argparse.ArgumentParser) -> None:
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
    network.add_argument("--port", type=_port, default=0, metavar="N", help="first UDP port to try (any)")
    keys = network.add_mutually_exclusive_group()
    keys.add_argument(
        "--key-file", metavar="FILE", help="our secret key; made if it is not there (a new key each time)"
    )
    keys.add_argument("--seed", metavar="HEX", help="our secret key itself; others on this machine can see it")


def _add_running(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("-w", "--write", metavar="OUT", help="save all packets, as pcapng")
    parser.add_argument("--keylog", metavar="FILE", help="write the keys of our attempts, see docs/keylog.md")
    parser.add_argument("--headless", action="store_true", help="no inspector: print attempts as they conclude")
    parser.add_argument("--json", action="store_true", help="with --headless: one JSON object a line")
    parser.add_argument("--duration", type=_duration, metavar="SECONDS", help="with --headless: stop by itself")


def _add_bound(parser: argparse.ArgumentParser) -> None:
    _add_recording(parser)
    parser.add_argument(
        "--keep",
        type=_keep,
        metavar="N",
        help="packets kept in memory; older attempts go, and are counted; 0 for all; default: the setting "
        "live.packets, which is 200000",
    )


def _add_look(parser: argparse.ArgumentParser) -> None:
    _add_names(parser)
    parser.add_argument(
        "--theme", metavar="NAME", help="dark, light, ansi, contrast, mono, or a theme of Textual's; see docs/config.md"
    )


def _add_names(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--alias",
        action="append",
        default=[],
        metavar="ADDRESS=NAME",
        help="show NAME for a host, host:port, network or key (or its first digits); may be given again",
    )


def _add_redaction(parser: argparse.ArgumentParser) -> None:
    redaction = parser.add_argument_group("redaction (docs/redaction.md)")
    redaction.add_argument(
        "--redact", action="store_true", help="put others in place of all addresses, keys, ids and tokens"
    )
    redaction.add_argument(
        "--redact-key", metavar="PHRASE", help="redact, and alike wherever this phrase is given (keep it to yourself)"
    )
    redaction.add_argument("--redact-ports", action="store_true", help="redact, and ports too")


def _add_recording(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--record", metavar="OUT", help="write a recording while it happens, with marks, comments and names"
    )


def _add_filter(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--filter", default="", metavar="EXPR", help="only attempts that pass, as: verdict != punched and rounds > 1"
    )


def _whole(complaint: str, least: int, most: int) -> Callable[[str], int]:
    """A reader of whole numbers between two bounds, which says `complaint` of anything else."""

    def read(text: str) -> int:
        if not (text.isascii() and text.isdigit() and len(text) <= 20 and least <= int(text) <= most):
            raise argparse.ArgumentTypeError(complaint)
        return int(text)

    return read


_UNBOUNDED: Final = (1 << 64) - 1
_keep = _whole("a number of packets to keep is 0 for all, or a number up to 100000000", 0, 100_000_000)
_port = _whole("a port is a number from 0 to 65535", 0, 65535)
_round_number = _whole("a round is a number from 0", 0, _UNBOUNDED)
_width = _whole("a width is a number from 80 to 1000", 80, 1000)
_story = _whole("a seed is a number from 0", 0, _UNBOUNDED)
_nodes = _whole("a network has 4 to 200 nodes", 4, 200)


def _speed(text: str) -> float:
    try:
        speed = float(text)
    except ValueError:
        speed = 0.0
    if not 0.1 <= speed <= 100:
        raise argparse.ArgumentTypeError("a speed is a number from 0.1 to 100")
    return speed


def _offset(text: str) -> tuple[str, float]:
    path, _, number = text.rpartition("=")
    try:
        seconds = float(number)
    except ValueError:
        seconds = math.nan
    if not path or not abs(seconds) < 1e9:
        raise argparse.ArgumentTypeError("an offset is written FILE=SECONDS, as server.pcap=-0.25")
    return path, seconds


def _duration(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0 < seconds < 1e9:
        raise argparse.ArgumentTypeError("a duration is a positive number of seconds")
    return seconds
