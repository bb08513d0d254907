"""Speed against tshark, tcpdump and scapy on the same files in one run: ``make bench``.

A generated capture of a million packets (`bench.generate`) and a real one: the laboratory's captures, one after the
other, up to twenty thousand packets. Reported are medians over whole processes run in turns, peak memory, and the
ratios that count.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from bench.measure import Contender, run_in_turns

ROOT = Path(__file__).parents[1]
_FIELDS = ("frame.number", "frame.time_epoch", "ip.src", "ip.dst", "udp.srcport", "udp.dstport", "udp.payload")
_SCAPY = "import sys\nfrom scapy.utils import RawPcapReader\nfor packet in RawPcapReader(sys.argv[1]): pass"


def contenders(path: Path, slow_rounds: int) -> dict[str, Contender]:
    """The commands that read one file, by a short name; those whose tools are missing are left out."""
    file = str(path)
    python, tshark, tcpdump = sys.executable, shutil.which("tshark"), shutil.which("tcpdump")
    found = {
        "flows": Contender("peephole, complete flow table", [python, "-m", "bench.flow_table", file]),
        "packets": Contender("peephole, packet table", [python, "-m", "bench.flow_table", "--packets-only", file]),
    }
    if tshark:
        fields = [word for name in _FIELDS for word in ("-e", name)]
        command = [tshark, "-n", "-r", file, "-T", "fields", *fields]
        found["fields"] = Contender("tshark -T fields (7 fields)", command, slow_rounds)
        found["conv"] = Contender(
            "tshark -q -z conv,udp", [tshark, "-n", "-r", file, "-q", "-z", "conv,udp"], slow_rounds
        )
    if tcpdump:
        found["tcpdump"] = Contender("tcpdump -r -w /dev/null", [tcpdump, "-r", file, "-w", "/dev/null"])
    report = [python, "-m", "app", "report", file]
    found["report"] = Contender("peephole report: every verdict in text", report, slow_rounds)
    found["json"] = Contender("peephole report --json: everything", [*report, "--json"], slow_rounds)
    found["scapy"] = Contender("scapy RawPcapReader", [python, "-c", _SCAPY, file], slow_rounds)
    return found


def make(module: str, *arguments: str) -> None:
    """Run one of the generators: in a process of its own, or its memory would be counted as that of the contenders."""
    subprocess.run([sys.executable, "-m", module, *arguments], check=True, cwd=ROOT)


def report(title: str, entries: dict[str, Contender]) -> None:
    """Print one table in Markdown."""
    print(f"\n### {title}\n\n| reading it | s | processor s | peak MiB | times the flow table |\n|---|---|---|---|---|")
    flows = entries["flows"].median
    for entry in entries.values():
        print(
            f"| {entry.name} | {entry.median:.2f} | {entry.cpu:.2f} | {entry.peak:.0f} | {entry.median / flows:.1f} |"
        )


def main() -> None:
    """Generate, measure, print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--packets", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--slow-rounds", type=int, default=3, help="rounds of the slow contenders")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        # As an installation does: nothing is compiled while the clock runs.
        make("compileall", "-q", "app", "bench", "capture", "protocol")
        for container in ("pcap", "pcapng"):
            path = folder / f"generated.{container}"
            make("bench.generate", str(path), "--format", container, "--packets", str(args.packets))
        make("bench.real", str(folder / "real.pcap"))
        generated = contenders(folder / "generated.pcap", args.slow_rounds)
        newer = contenders(folder / "generated.pcapng", args.slow_rounds)
        generated["flows, pcapng"], generated["packets, pcapng"] = newer["flows"], newer["packets"]
        for key in ("flows, pcapng", "packets, pcapng"):
            generated[key].name += ", pcapng"
        run_in_turns(list(generated.values()), args.rounds)
        report(f"A generated capture of {args.packets:,} packets", generated)
        real = contenders(folder / "real.pcap", 0)
        run_in_turns(list(real.values()), args.rounds * 2)
        report("A real capture", real)
        print("\n### Filters over all packets\n", flush=True)
        make("bench.filters", str(folder / "generated.pcap"))
    flows, packets = generated["flows"], generated["packets"]
    print("\n| goal | measured |\n|---|---|")
    if "fields" in generated:
        fields, conv = generated["fields"], generated["conv"]
        print(f"| flow table 40x faster than tshark -T fields | {fields.median / flows.median:.1f}x |")
        print(f"| flow table 15x faster than tshark conv,udp | {conv.median / flows.median:.1f}x |")
        print(f"| peak memory below tshark's | {flows.peak:.0f} of {min(fields.peak, conv.peak):.0f} MiB |")
        print(f"| real capture 5x faster than tshark -T fields | {real['fields'].median / real['flows'].median:.1f}x |")
    ratio = generated["flows, pcapng"].median / flows.median
    print(
        f"| pcapng within 1.5x of pcap | {ratio:.2f}x (packets alone {newer['packets'].median / packets.median:.2f}x) |"
    )


if __name__ == "__main__":
    main()
