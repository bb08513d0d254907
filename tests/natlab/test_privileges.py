"""Capturing as somebody without a capability: the message, and dumpcap as it is where a group may capture; times."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from capture.direction import Direction, direction_of
from capture.opening import read_capture
from tests.needs import need_tools

ROOT = Path(__file__).parents[2]
POWERLESS = ("setpriv", "--securebits", "+noroot,+noroot_locked", "--inh-caps", "-all", "--ambient-caps", "-all")
"""Runs a program as somebody who has no capability, but may gain some by the file of another program."""
WATCH = (sys.executable, "-m", "app", "watch", "--report", "-i", "lo")

pytestmark = [pytest.mark.lab, pytest.mark.usefixtures("lab")]


def test_who_may_not_capture_is_told_what_works() -> None:
    need_tools("setpriv", "dumpcap")
    done = subprocess.run(
        [*POWERLESS, *WATCH, "--duration", "1"], cwd=ROOT, capture_output=True, text=True, check=False, timeout=60
    )
    assert (done.returncode, done.stdout) == (5, "")
    lines = done.stderr.splitlines()
    assert lines[0] == "peephole: lo: you are not permitted to capture, which takes CAP_NET_RAW. What works here:"
    dumpcap = shutil.which("dumpcap")
    assert f"  once, as root: setcap cap_net_raw+ep {dumpcap}; then it is used by itself" in lines
    assert any(line.startswith("  peephole node") for line in lines)


def test_a_dumpcap_that_may_is_used_by_itself(tmp_path: Path) -> None:
    need_tools("setpriv", "setcap", "dumpcap")
    program = tmp_path / "dumpcap"
    shutil.copy(str(shutil.which("dumpcap")), program)
    subprocess.run(["setcap", "cap_net_raw+ep", str(program)], check=True)
    written = tmp_path / "written.pcapng"
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.bind(("127.0.0.1", 0))
        bpf = f"udp src port {sender.getsockname()[1]}"
        process = subprocess.Popen(
            [*POWERLESS, *WATCH, "-w", str(written), bpf],
            cwd=ROOT,
            env={**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"},
            stderr=subprocess.PIPE,
            text=True,
        )
        assert process.stderr is not None
        assert process.stderr.readline() == "peephole: listening on lo, dumpcap; Ctrl-C ends\n"
        for number in range(5):
            sender.sendto(b"\x20" + bytes([number]), ("127.0.0.1", 9))
        process.terminate()
        assert process.communicate(timeout=60)[1] == ""
    table = read_capture(written.read_bytes())
    assert table.payloads(range(len(table))) == [b"\x20" + bytes([number]) for number in range(5)]


def test_the_ring_stamps_frames_as_tcpdump_does(tmp_path: Path) -> None:
    """The kernel's own times, which both are given; and both ends of a cable see opposite directions."""
    need_tools("tcpdump", "ip", "unshare")
    code = (
        "import socket, subprocess, sys\n"
        "from pathlib import Path\n"
        "from capture.live import LiveCapture\n"
        "from capture.pcapng_writer import write_pcapng\n"
        "other = subprocess.Popen(['tcpdump', '-i', 'd0', '-p', '-n', '--time-stamp-precision=nano', '-U', '-w', "
        "sys.argv[1] + '/theirs', 'udp'], stderr=subprocess.PIPE, text=True)\n"
        "while 'listening on' not in other.stderr.readline(): pass\n"
        "sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\n"
        "with LiveCapture(['d0', 'd1'], 'udp') as live:\n"
        "    for number in range(50): sender.sendto(bytes([number]), ('10.7.0.2', 9))\n"
        "    while len(live.table) < 100: assert live.wait(10); live.collect()\n"
        "while Path(sys.argv[1] + '/theirs').stat().st_size < 24 + 50 * 59: pass\n"
        "other.send_signal(2); other.wait()\n"
        "write_pcapng(sys.argv[1] + '/ours', live.table, range(100))\n"
    )
    script = (
        "ip link set lo up; ip link add d0 type veth peer name d1; ip link set d0 up; ip link set d1 up; "
        "ip addr add 10.7.0.1/24 dev d0; ip neigh add 10.7.0.2 lladdr 02:00:00:00:00:02 dev d0; "
        f'exec {sys.executable} -c "$0" "$1"'
    )
    subprocess.run(["unshare", "--net", "sh", "-c", script, code, str(tmp_path)], cwd=ROOT, check=True, timeout=60)
    ours, theirs = (read_capture((tmp_path / name).read_bytes()) for name in ("ours", "theirs"))
    assert len(theirs) == 50
    sent = [row for row in range(len(ours)) if ours.files[0].interfaces[int(ours.interface[row])].name == "d0"]
    came = [row for row in range(len(ours)) if row not in sent]
    assert [ours.time_ns[row] for row in sent] == theirs.time_ns.tolist()
    assert any(time_ns % 1000 for time_ns in theirs.time_ns.tolist())
    assert {direction_of(int(ours.direction[row])) for row in sent} == {Direction.OUT}
    # The frames are for an address that the other end has not.
    assert {direction_of(int(ours.direction[row])) for row in came} == {Direction.PASSING}
