"""The program that opens an interface as root: what it may load, what it keeps of its privileges, what it writes."""

from __future__ import annotations

import ast
import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from capture import packet_ring
from capture.direction import BY_PACKET_TYPE, Direction, direction_of
from capture.errors import BadFilterError, LiveError
from capture.growing.capture import GrowingCapture
from capture.growing.command_bytes import CommandBytes
from capture.live import LiveCapture
from capture.opening import read_capture
from capture.privileged import opener
from capture.privileged.command import OPENER, compiled, opener_command
from tests.needs import need

Stat = dict[str, str]


@pytest.fixture
def permission() -> None:
    """Capturing is permitted."""
    try:
        socket.socket(socket.AF_PACKET, socket.SOCK_RAW).close()
    except OSError:
        need("capturing takes CAP_NET_RAW: nothing to listen with")


@pytest.fixture
def sender() -> Iterator[socket.socket]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sending:
        sending.bind(("127.0.0.1", 0))
        yield sending


def listening(sender: socket.socket) -> GrowingCapture:
    """The loopback through the opener, once it listens."""
    command = opener_command("lo", f"udp src port {sender.getsockname()[1]}")
    capture = GrowingCapture(CommandBytes(command, "lo", ends_with_input=True))
    capture.start()
    capture.wait_for_first()
    capture.collect()
    assert capture.error is None
    return capture


def processes_running(file: Path) -> list[int]:
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and str(file).encode() in (entry / "cmdline").read_bytes().split(b"\0"):
            found.append(int(entry.name))
    return found


def children(capture: GrowingCapture) -> list[int]:
    del capture
    ours = os.getpid()
    return [one for one in processes_running(OPENER) if status_of(one)["PPid"] == str(ours)]


def status_of(process: int) -> Stat:
    lines = Path(f"/proc/{process}/status").read_text().splitlines()
    return {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}


def test_it_loads_nothing_but_the_standard_library() -> None:
    imported = set()
    for node in ast.walk(ast.parse(OPENER.read_text())):
        if isinstance(node, ast.Import):
            imported |= {name.name.partition(".")[0] for name in node.names}
        elif isinstance(node, ast.ImportFrom):
            imported.add((node.module or "").partition(".")[0])
    assert imported <= sys.stdlib_module_names
    assert not {"importlib", "runpy", "pickle"} & imported
    called = {node.func.id for node in ast.walk(ast.parse(OPENER.read_text())) if _is_call_by_name(node)}
    assert not {"exec", "eval", "open", "__import__", "compile"} & called


def _is_call_by_name(node: ast.AST) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name)


def test_it_reads_the_ring_as_we_do() -> None:
    for name in ("BLOCK_BYTES", "BLOCKS", "RETIRE_MS"):
        assert getattr(opener, name) == getattr(packet_ring, name)
    for name in ("PACKET_RX_RING", "PACKET_VERSION", "PACKET_STATISTICS", "PACKET_IGNORE_OUTGOING", "TPACKET_V3"):
        assert getattr(opener, name) == getattr(packet_ring, f"_{name}")


@pytest.mark.usefixtures("permission")
def test_it_has_no_privilege_left_when_it_streams(sender: socket.socket) -> None:
    if os.getuid():
        need("only root has something to give up")
    capture = listening(sender)
    [process] = children(capture)
    found = status_of(process)
    capture.stop()
    assert found["Uid"].split() == found["Gid"].split() == ["65534"] * 4
    assert found["Groups"] == ""
    assert [int(found[name], 16) for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")] == [0] * 5
    assert found["NoNewPrivs"] == "1"
    assert children(capture) == []


@pytest.mark.usefixtures("permission")
def test_what_passed_before_the_end_is_there(sender: socket.socket) -> None:
    capture = listening(sender)
    sent = [number.to_bytes(2, "big") * (1 + number % 200) for number in range(3000)]
    for payload in sent:
        sender.sendto(payload, ("127.0.0.1", 9))
    capture.stop()
    table = capture.table
    assert table.payloads(range(len(table))) == sent
    assert (capture.error, capture.file.truncated, capture.file.dropped) == (None, None, 0)
    assert capture.file.interfaces[0].name == "lo"
    assert {direction_of(bits) for bits in table.direction.tolist()} == {Direction.IN}


@pytest.mark.usefixtures("permission")
def test_all_interfaces_at_once(sender: socket.socket) -> None:
    """Frames, headers and directions are those of the ring; times, too."""
    bpf = f"udp src port {sender.getsockname()[1]}"
    command = opener_command("any", bpf, promiscuous=True)
    capture = GrowingCapture(CommandBytes(command, "any", ends_with_input=True))
    capture.start()
    capture.wait_for_first()
    with LiveCapture("any", bpf) as ring:
        for number in range(50):
            sender.sendto(b"\x20" * (number + 1), ("127.0.0.1", 9))
    capture.stop()
    ours, theirs = ring.table, capture.table
    assert len(ours) == 50
    assert [theirs.frame_bytes(row) for row in range(len(theirs))] == [ours.frame_bytes(row) for row in range(50)]
    assert theirs.time_ns.tolist() == ours.time_ns.tolist()
    assert theirs.direction.tolist() == ours.direction.tolist()
    assert theirs.frame_wire_length.tolist() == ours.frame_wire_length.tolist()
    assert (capture.error, capture.file.truncated, capture.file.dropped) == (None, None, 0)


def test_it_says_which_way_packets_passed_as_we_do() -> None:
    told = [int.from_bytes(option[4:8], sys.byteorder) for option in opener.FLAGS]
    assert told == list(BY_PACKET_TYPE)
    assert packet_ring._HEADS.fields["kind"][1] == opener.PACKET_TYPE_AT  # type: ignore[index]


@pytest.mark.usefixtures("permission")
def test_one_that_is_killed_is_said(sender: socket.socket) -> None:
    capture = listening(sender)
    sender.sendto(b"before", ("127.0.0.1", 9))
    while not len(capture.table):
        assert capture.wait(10)
        capture.collect()
    [process] = children(capture)
    os.kill(process, signal.SIGKILL)
    while capture.error is None:
        assert capture.wait(10)
        capture.collect()
    capture.stop()
    assert str(capture.error) == "lo: was ended by signal 9"
    assert capture.table.payloads([0]) == [b"before"]


@pytest.mark.usefixtures("permission")
def test_an_interface_that_goes_away_is_said() -> None:
    """In a network of its own."""
    need("" if shutil.which("unshare") and shutil.which("ip") else "a network of its own takes unshare and ip")
    words = ("1", "65534", "65534", "0", "-")
    helped = " ".join([sys.executable, "-I", str(OPENER), "d0", *words])
    script = (
        "ip link add d0 type veth peer name d1 && ip link set d0 up && "
        f"{{ mkfifo $0/input; {helped} <$0/input >$0/out & exec 3>$0/input; "
        "while [ ! -s $0/out ]; do :; done; ip link del d0; wait $!; }"
    )
    folder = subprocess.run(["mktemp", "-d"], capture_output=True, text=True, check=True).stdout.strip()
    done = subprocess.run(
        ["unshare", "--net", "bash", "-c", script, folder], capture_output=True, text=True, check=False, timeout=30
    )
    assert (done.returncode, done.stderr) == (1, "network is down\n")
    assert read_capture(str(Path(folder, "out"))).files[0].interfaces[0].name == "d0"
    shutil.rmtree(folder)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("lo", "1", "0", "0", "0", "-"), "there is no user to become\n"),
        (("lo", "1", "1", "0", "0", "-"), "there is no user to become\n"),
        (("lo", "1", "65534", "65534", "0", "28"), "the capture filter is no program\n"),
        (("lo", "1", "65534", "65534", "0", "00" * 8 * 4097), "the capture filter is no program\n"),
        (("lo", "1", "x", "1", "0", "-"), "invalid literal for int() with base 10: 'x'\n"),
    ],
)
def test_what_it_refuses(words: tuple[str, ...], said: str) -> None:
    done = subprocess.run([sys.executable, "-I", str(OPENER), *words], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (1, "", said)


def test_filters_compile_without_privileges() -> None:
    program = compiled("udp and port 49737", "lo")
    assert program
    assert len(program) % opener.INSTRUCTION_BYTES == 0
    with pytest.raises(BadFilterError, match="host host"):
        compiled("host host", "lo")
    with pytest.raises(LiveError):
        opener_command("no-such-interface", "")


def test_the_words_of_the_kernels_losses_are_read() -> None:
    content = opener.head_of("eth0", 1) + opener.statistics_of(3) + opener.statistics_of(41)
    file = read_capture(content).files[0]
    assert (file.dropped, file.truncated, file.interfaces[0].name) == (41, None, "eth0")
