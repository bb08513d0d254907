"""The command line as argparse parsers, one for each command; what several share is in `shared_options`."""

from __future__ import annotations

from typing import Final

from app.nats_options import add_from
from app.option_parser import Parser
from app.option_values import (
    duration,
    network_size,
    round_number,
    speed,
    story_number,
    stream_bytes,
    text_width,
)
from app.own_options import add_by_hand, completion_parser, config_parser, man_parser, script_parser
from app.sensor_options import sensor_parser
from app.shared_options import (
    add_bound,
    add_files,
    add_filter,
    add_hand,
    add_keep,
    add_keys,
    add_look,
    add_names,
    add_network,
    add_proxy,
    add_redaction,
    add_running,
    add_saving,
)
from app.source_options import add_sources

REPORT_FORMATS: Final = ("text", "json", "markdown", "junit", "github")
EXPORT_FORMATS: Final = ("text", "markdown", "mermaid", "svg", "json", "pcapng", "recording")

OVERVIEW: Final = """\
usage: peephole FILE...                      open captures in the terminal inspector
       peephole report FILE...               print attempts and verdicts, headless
       peephole export FILE... --flow ID     one attempt as text, Markdown, Mermaid, SVG, JSON, pcapng, recording
       peephole record FILE... -o OUT        captures as one recording, with marks, comments and names
       peephole --from nats://HOST/STREAM    what sensors publish, as one story; `report` takes it too
       peephole watch -i IFACE [BPF]         inspect live traffic, with --ssh HOST that of another host
       peephole sensor -i IFACE --to URL     publish what is captured here to NATS, for `--from` elsewhere
       peephole node --bootstrap HOST:PORT   run a DHT node of our own and watch its life
       peephole connect KEY --bootstrap ...  connect to a server and watch how it goes
       peephole listen --bootstrap ...       be a server and watch who comes
       peephole proxy --bootstrap ...        punch for peers that can't, and watch it
       peephole script FILE [ARGS]           play clients, servers, relays and proxies from Python
       peephole demo                         peers and NATs inside this process, live: no root, no internet
       peephole interfaces                   list what `watch -i` can listen on
       peephole keylog-hook                  print the path of the Node preload that writes a key log
       peephole config                       settings: their values, origins and faults
       peephole completion SHELL             completion for bash, zsh or fish
       peephole man                          the manual page of all commands
       peephole COMMAND --help               options of a command
       peephole --version

FILE is a pcap or pcapng capture or a recording, gzip or not; `-` is standard input, shown while it comes.
Several files are several vantages of one story. A file named like a command is given as ./report.

Exit status: 0 done; 2 usage; 3 a file can't be read as a capture; 4 bad filter; 5 not permitted to capture;
with `report --check`: 10 an attempt failed, 11 a token mismatch; with `demo --headless`: 12 an unexpected verdict;
with `script`: 1 an error of the script, 13 an expectation that failed.
"""


def parser_of(command: str) -> Parser:
    """The parser of a command; ``open`` is the one without a name."""
    return {
        "open": _open,
        "report": _report,
        "export": _export,
        "record": _record,
        "watch": _watch,
        "sensor": sensor_parser,
        "node": _node,
        "connect": _connect,
        "listen": _listen,
        "proxy": _proxy,
        "script": script_parser,
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
    "sensor",
    "node",
    "connect",
    "listen",
    "proxy",
    "script",
    "demo",
    "interfaces",
    "keylog-hook",
    "config",
    "completion",
    "man",
)


def _open() -> Parser:
    parser = Parser("", "Open captures in the terminal inspector. `peephole --help` lists the other commands.")
    add_files(parser, needed=False)
    parser.add_argument(
        "-f",
        "--follow",
        action="store_true",
        help="show what comes while each FILE is being written, also when it is rotated; one pipe is followed anyway",
    )
    add_saving(parser, "save what comes of a FILE that is followed, as pcapng")
    add_from(parser)
    add_keep(parser)
    add_keys(parser)
    add_filter(parser)
    add_look(parser)
    return parser


def _report() -> Parser:
    parser = Parser("report", "Print one row and a verdict for each hole-punch attempt.")
    add_files(parser, needed=False)
    add_from(parser)
    add_keys(parser)
    add_filter(parser)
    parser.add_argument("--json", action="store_true", help="one JSON object instead of rows (docs/report.md)")
    parser.add_argument(
        "-v", "--verbose", action="store_true", help="rounds, NAT evidence and messages of each attempt"
    )
    parser.add_argument("--secrets", action="store_true", help="give the holepunch secrets in the JSON")
    parser.add_argument("--flow", metavar="ID", help="only this attempt: its id or the beginning of it")
    parser.add_argument(
        "--format",
        choices=REPORT_FORMATS,
        help="text, json as --json, markdown: one attempt for a bug thread, with --flow, junit: a test case for each "
        "attempt, github: annotations of a workflow",
    )
    parser.add_argument(
        "--statistics", action="store_true", help="not the attempts but figures of all: outcomes, NATs, times, relays"
    )
    parser.add_argument("--check", action="store_true", help="exit 10 if an attempt failed, 11 on a token mismatch")
    add_names(parser)
    add_redaction(parser)
    return parser


def _export() -> Parser:
    parser = Parser("export", "Write one attempt in another form, or what passes a filter as packets.")
    add_files(parser)
    add_keys(parser)
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
        "--round", type=round_number, metavar="N", help="only round N as the payloads number it (mermaid)"
    )
    parser.add_argument(
        "--beside", metavar="ID", help="with --round: what another attempt did otherwise, as branches (mermaid)"
    )
    parser.add_argument("-o", "--output", metavar="OUT", help="file to write; without it, standard output")
    parser.add_argument("--width", type=text_width, metavar="CELLS", help="width of the text form (80 or more)")
    parser.add_argument(
        "--secrets",
        action="store_true",
        help="include the secrets of this attempt (json, pcapng, recording; the file gets mode 0600)",
    )
    add_names(parser)
    add_redaction(parser)
    return parser


def _record() -> Parser:
    parser = Parser("record", "Write captures into one recording, which opens as they do (docs/recordings.md).")
    add_files(parser)
    add_keys(parser)
    add_filter(parser)
    parser.add_argument("-o", "--output", required=True, metavar="OUT", help="file to write, as x.peephole")
    parser.add_argument("--force", action="store_true", help="write over a file that is there")
    parser.add_argument(
        "--with-keys", action="store_true", help="record the keys that were given or found; the file gets mode 0600"
    )
    add_names(parser)
    add_redaction(parser)
    return parser


def _watch() -> Parser:
    parser = Parser("watch", "Inspect live traffic on an interface, here or on another host, or a capture that grows.")
    add_sources(parser)
    add_from(parser)
    add_saving(parser, "save what is captured, as pcapng")
    parser.add_argument("--report", action="store_true", help="headless: print attempts as they conclude, until Ctrl-C")
    parser.add_argument("--json", action="store_true", help="with --report: one JSON object a line")
    parser.add_argument("--duration", type=duration, metavar="SECONDS", help="stop by itself")
    add_keys(parser)
    add_bound(parser)
    add_filter(parser)
    add_look(parser)
    return parser


def _node() -> Parser:
    parser = Parser("node", "Run a node of the DHT and inspect every packet that it sends and receives.")
    parser.add_argument("--announce", action="store_true", help="announce the key pair, and let others connect")
    parser.add_argument(
        "--persistent",
        action="store_true",
        help="take part in the DHT as soon as the port proves open, not after 20 minutes: then others relay through it",
    )
    add_network(parser)
    add_hand(parser)
    add_running(parser)
    add_bound(parser)
    add_filter(parser)
    add_look(parser)
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
    add_by_hand(parser)
    add_proxy(parser)
    add_network(parser)
    add_hand(parser)
    add_running(parser)
    add_bound(parser)
    add_filter(parser)
    add_look(parser)
    return parser


def _listen() -> Parser:
    parser = Parser("listen", "Be a server that is found by its key, and inspect who comes.")
    parser.add_argument("--echo", action="store_true", help="send back what clients say")
    parser.add_argument("--never-punch", action="store_true", help="offer no hole punching")
    parser.add_argument("--no-local", action="store_true", help="don't share addresses of local networks")
    add_by_hand(parser)
    add_proxy(parser)
    add_network(parser)
    add_hand(parser)
    add_running(parser)
    add_bound(parser)
    add_filter(parser)
    add_look(parser)
    return parser


def _proxy() -> Parser:
    parser = Parser(
        "proxy",
        "Punch for peers whose NATs let nobody through, pass their streams on unread, and inspect every packet.",
    )
    parser.add_argument(
        "--admit",
        action="append",
        default=[],
        metavar="KEY",
        help="public key of a peer that may use it; may be given again (without it, everybody who knows our key)",
    )
    parser.add_argument(
        "--max-bytes", type=stream_bytes, metavar="N", help="bytes passed on for one stream, 4 GiB unless said"
    )
    add_network(parser)
    add_hand(parser)
    add_running(parser)
    add_bound(parser)
    add_filter(parser)
    add_look(parser)
    return parser


def _demo() -> Parser:
    parser = Parser(
        "demo",
        "A DHT on loopback addresses in this process, with peers behind NATs of every kind that keep connecting, "
        "failing and recovering. No root, no internet.",
    )
    parser.add_argument("--seed", type=story_number, default=1, metavar="N", help="which story is told; default 1")
    parser.add_argument(
        "--speed", type=speed, default=1.0, metavar="X", help="X times as fast, timers of the protocol included"
    )
    parser.add_argument(
        "--count", type=network_size, default=14, metavar="N", help="nodes of the DHT, 4 to 200; default 14"
    )
    parser.add_argument("--keylog", metavar="OUT", help="write a key log of all attempts")
    add_saving(parser, "save the packets, as pcapng")
    parser.add_argument(
        "--headless",
        type=duration,
        metavar="SECONDS",
        help="no screens: a line for each attempt, for so long and until what is under way is over; exit 12 if the "
        "packets of one got another verdict than was staged",
    )
    add_hand(parser)
    add_bound(parser)
    add_filter(parser)
    add_look(parser)
    return parser


def _interfaces() -> Parser:
    parser = Parser("interfaces", "List the interfaces that `peephole watch -i` takes, by name or number.")
    parser.add_argument("--json", action="store_true", help="the same as JSON")
    return parser


def _keylog_hook() -> Parser:
    return Parser(
        "keylog-hook",
        "Print the path of the Node preload that makes an unmodified hyperdht application write a key log: "
        'PEEPHOLE_KEYLOG=keys.log node --require "$(peephole keylog-hook)" app.js',
    )
