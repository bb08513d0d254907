"""Live capture against tshark, tcpdump and scapy in one run: ``python -m bench.live``, part of ``make bench``.

A sender (`bench.sender`) plays a generated capture of mixed traffic on the loopback of a network namespace of its own:
60 % dht-rpc, 30 % UDX, 5 % PEER_HANDSHAKE and PEER_HOLEPUNCH in attempts with their punches and streams, 5 % stray UDP,
TCP and ARP. Each program listens alone. It takes root, or a user who may make network namespaces.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from bench.live_capture import INTERFACE, Heard, Sender, headless, on_screen
from bench.run import make

INSIDE = "PEEPHOLE_BENCH_INSIDE"
"""Set where the namespace has been made."""
PEERS = 0.05
"""Part of the packets that are PEER_HANDSHAKE and PEER_HOLEPUNCH."""
FEW_PEERS = 0.01
"""The same of the second kind of traffic."""
_LOST = re.compile(r"(\d[\d ]*) packets came too fast")
_TSHARK_RATES = (20_000, 30_000, 40_000, 60_000, 80_000)
_SCAPY_RATES = (10_000, 20_000, 40_000, 60_000)


def main() -> None:
    """Generate, measure, print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rate", type=float, default=100_000.0)
    parser.add_argument("--seconds", type=float, default=20.0, help="that the screen is watched for")
    parser.add_argument("--short", type=float, default=6.0, help="seconds of each of the other measurements")
    parser.add_argument("--keep", default="0", help="--keep of the inspector; 0: all packets")
    parser.add_argument("--only", default="", help="names of measurements, separated by commas; all by default")
    args = parser.parse_args()
    if INSIDE not in os.environ:
        sys.exit(_in_namespace())
    with tempfile.TemporaryDirectory() as name:
        _Bench(args, Path(name)).run()


def _in_namespace() -> int:
    """Run the same again, where nobody else uses the loopback."""
    again = [sys.executable, "-m", "bench.live", *sys.argv[1:]]
    kind = ["--net"] if os.geteuid() == 0 else ["--net", "--map-root-user"]
    script = 'ip link set lo up && exec "$@"'
    return subprocess.call(["unshare", *kind, "sh", "-c", script, "sh", *again], env={**os.environ, INSIDE: "1"})


class _Bench:
    def __init__(self, args: argparse.Namespace, folder: Path) -> None:
        self._args = args
        self._folder = folder
        self._wanted = {one for one in args.only.split(",") if one}
        self._rows: dict[str, Heard] = {}
        self._alone_us = 0.0
        """Microseconds of processor time that it takes to send a packet when nobody listens."""
        self._floor: Heard | None = None
        """What tcpdump took."""

    def run(self) -> None:
        """All that is wanted."""
        args, rate = self._args, self._args.rate
        make("compileall", "-q", "app", "bench", "capture", "protocol")
        long = self._generated("long", rate * args.seconds, args.seconds)
        few = self._generated("few", rate * args.seconds, args.seconds, FEW_PEERS)
        brief = self._generated("brief", rate * args.short, args.short)
        sender = Sender(brief, rate, round(rate * args.short), self._folder)
        sender.begin()
        alone = sender.end()
        self._alone_us = alone.cpu / alone.count * 1e6
        print(f"To send a packet takes {self._alone_us:.2f} µs of processor when nobody listens.")
        watch = [sys.executable, "-m", "app", "watch", "-i", INTERFACE]
        keep = ["--keep", args.keep]
        listed = f"{rate / 1000:.0f} k packets a second"
        tcpdump, tshark = shutil.which("tcpdump"), shutil.which("tshark")
        if tcpdump:
            command = [tcpdump, "-i", INTERFACE, "-w", "/dev/null"]
            self._silent("tcpdump -w", "tcpdump", command, brief, rate, _tcpdump)
            self._floor = self._rows.get("tcpdump -w")
        self._screen(f"inspector, {PEERS:.0%} PEER_*", "screen", [*watch, *keep], long, rate, args.seconds)
        self._screen(f"inspector, {FEW_PEERS:.0%} PEER_*", "few", [*watch, *keep], few, rate, args.seconds)
        self._silent("watch --report", "report", [*watch, "--report", *keep], brief, rate, _ours)
        self._silent("watch --report --write", "write",
                     [*watch, "--report", *keep, "--write", "/dev/null"], brief, rate, _ours)  # fmt: skip
        ring = [sys.executable, "-m", "bench.ring", INTERFACE]
        self._silent("our ring alone", "ring", ring, brief, rate, _ring)
        self._silent("our ring, rows of the table", "rows", [*ring, "--rows"], brief, rate, _ring)
        self._table(f"Live, {listed} of mixed traffic")
        if tshark:
            self._rows = {}
            for each in _TSHARK_RATES:
                self._silent(f"tshark -i, {each / 1000:.0f} k/s", "tshark", [tshark, "-n", "-i", INTERFACE],
                             brief, each, _tshark)  # fmt: skip
            self._table("tshark -i, its lines to /dev/null")
        self._rows = {}
        without = [sys.executable, "-m", "bench.no_ring", "watch", "-i", INTERFACE]
        for each in _SCAPY_RATES:
            self._screen(f"inspector on scapy's socket, {each / 1000:.0f} k/s", "scapy", [*without, *keep],
                         brief, each, args.short)  # fmt: skip
        self._table("The inspector without a ring: scapy's socket")

    def _generated(self, name: str, packets: float, span: float, peers: float = PEERS) -> Path:
        path = self._folder / f"{name}.pcap"
        make("bench.generate", str(path), "--packets", str(round(packets)), "--span", str(span), "--peers", str(peers))
        return path

    def _screen(self, name: str, kind: str, command: list[str], path: Path, rate: float, seconds: float) -> None:
        if not self._wanted or kind in self._wanted:
            _say(name)
            self._rows[name] = on_screen(command, Sender(path, rate, round(rate * seconds), self._folder))

    def _silent(
        self,
        name: str,
        kind: str,
        command: list[str],
        path: Path,
        rate: float,
        said: Callable[[str, int], tuple[int, int]],
    ) -> None:
        if not self._wanted or kind in self._wanted:
            _say(name)
            sender = Sender(path, rate, round(rate * self._args.short), self._folder)
            self._rows[name] = headless(command, sender, said)

    def _table(self, title: str) -> None:
        if not self._rows:
            return
        titles = (
            "", "sent/s", "sent", "taken in", "dropped", "µs a packet", "x tcpdump",
            "with the kernel's", "x tcpdump", "behind s", "frames/s", "age ms p50", "p99", "peak MiB",
        )  # fmt: skip
        print(f"\n### {title}\n\n| {' | '.join(titles)} |\n|{'---|' * len(titles)}")
        for name, one in self._rows.items():
            print(f"| {name} | {' | '.join((*self._counts(one), *_screen(one)))} |")
        sys.stdout.flush()

    def _counts(self, one: Heard) -> Sequence[str]:
        floor = self._floor
        whole = one.with_kernel_us(self._alone_us)
        return (
            f"{one.sent.rate:,.0f}",
            f"{one.sent.count:,}",
            f"{one.received:,}",
            f"{one.dropped:,}",
            f"{one.cpu_us:.2f}",
            f"{one.cpu_us / floor.cpu_us:.1f}" if floor else "-",
            f"{whole:.2f}",
            f"{whole / floor.with_kernel_us(self._alone_us):.1f}" if floor else "-",
            f"{one.caught_up:.1f}",
        )


def _screen(one: Heard) -> Sequence[str]:
    if not one.ages:
        return ("-",) * 4
    ages = f"{one.age(0.5):.0f}", f"{one.age(0.99):.0f}"
    return f"{one.frames_per_second:.0f}", *ages, f"{one.peak_mib:.0f}"


def _say(name: str) -> None:
    print(f"  {name}", file=sys.stderr, flush=True)


def _ours(said: str, sent: int) -> tuple[int, int]:
    lost = _LOST.search(said)
    dropped = int(lost[1].replace(" ", "")) if lost else 0
    return sent - dropped, dropped


def _ring(said: str, _sent: int) -> tuple[int, int]:
    return _number(r"(\d+) taken", said), _number(r"(\d+) dropped", said)


def _tcpdump(said: str, sent: int) -> tuple[int, int]:
    # Its count of drops has frames on their way out in it, which it leaves out itself.
    captured = _number(r"(\d+) packets? captured", said)
    return captured, sent - captured


def _tshark(said: str, sent: int) -> tuple[int, int]:
    return _number(r"(\d+) packets? captured", said), max(
        _number(r"(\d+) packets? dropped", said), sent - _number(r"(\d+) packets? captured", said)
    )


def _number(wanted: str, said: str) -> int:
    found = re.search(wanted, said)
    return int(found[1]) if found else 0


if __name__ == "__main__":
    main()
