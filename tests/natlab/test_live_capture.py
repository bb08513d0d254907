"""Live capture where disks fill up, interfaces go away and what captures as root is killed; takes root."""

from __future__ import annotations

import gzip
import os
import signal
import struct
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from capture.disk_ring.names import parts_of
from capture.opening import open_captures, read_capture
from capture.privileged.command import OPENER
from tests.app.inspector_child import PATIENCE, InspectorChild
from tests.app.running import PUNCHED
from tests.needs import need, need_tools

from .namespaces import Namespaces

pytestmark = pytest.mark.lab

CONTENT = gzip.decompress(Path(PUNCHED).read_bytes())
FILE_HEADER = 24
PACKETS = len(read_capture(PUNCHED))
SMALL = 512 << 10
"""Bytes of the small disk."""
PEEPHOLE = [sys.executable, "-m", "app"]
ROOT = Path(__file__).parents[2]


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk that is soon full."""
    need("" if os.geteuid() == 0 else "a file system is mounted by root")
    place = tmp_path / "disk"
    place.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={SMALL}", "none", str(place)], check=True)
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


def until(happened: Callable[[], object]) -> None:
    end = time.monotonic() + PATIENCE
    while not happened():
        assert time.monotonic() < end
        time.sleep(0.01)


class Watching:
    """A headless run that reads a pipe, and the lines that it says."""

    def __init__(self, folder: Path, *arguments: str) -> None:
        pipe, self.log = folder / "pipe", folder / "said"
        os.mkfifo(pipe)
        with self.log.open("wb") as log:
            command = [*PEEPHOLE, "watch", "--report", "--json", "--read", str(pipe), *arguments]
            self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=log)
        self._out = pipe.open("wb", buffering=0)
        self._out.write(CONTENT[:FILE_HEADER])
        self.sent = 0

    @property
    def said(self) -> str:
        return self.log.read_text()

    def send(self) -> None:
        """All packets once more, an hour later each time."""
        records, at = bytearray(CONTENT[FILE_HEADER:]), 0
        while at < len(records):
            seconds, _, length, _ = struct.unpack_from("<IIII", records, at)
            struct.pack_into("<I", records, at, seconds + 3600 * (self.sent // PACKETS))
            at += 16 + length
        self._out.write(records)
        self.sent += PACKETS

    def send_until(self, words: str) -> None:
        """Send again and again until it says something."""
        end = time.monotonic() + PATIENCE
        while words not in self.said:
            assert time.monotonic() < end, self.said
            self.send()
            time.sleep(0.05)

    def end(self) -> list[str]:
        self._out.close()
        assert self.process.wait(PATIENCE) == 0, self.said
        return self.said.splitlines()


def whole(path: str) -> int:
    """How many packets a file has, as Wireshark says, which finds nothing wrong with it."""
    done = subprocess.run(["capinfos", "-Tmc", path], capture_output=True, text=True, check=True)
    assert done.stderr == ""
    number = int(done.stdout.splitlines()[1].rsplit(",", 1)[1].strip('"'))
    table = read_capture(path)
    assert (table.files[0].truncated, len(table)) == (None, number)
    return number


def test_a_disk_fills_up_and_has_room_again(small_disk: Path, tmp_path: Path) -> None:
    need_tools("capinfos")
    out, filler = small_disk / "out.pcapng", small_disk / "filler"
    filler.write_bytes(bytes(SMALL * 3 // 4))
    watching = Watching(tmp_path, "-w", str(out))
    watching.send_until("can't be written: No space left on device")
    first = whole(str(out))
    watching.send()
    filler.unlink()
    watching.send_until("writing goes on in")
    said = watching.end()
    parts = [part.path for part in parts_of(str(out))]
    saved = whole(str(out)) + sum(map(whole, parts))
    assert whole(str(out)) == first
    lost = watching.sent - saved
    assert lost > 0
    assert f"peephole: {lost:,} packets that could not be written to the capture file".replace(",", " ") in said
    assert len(open_captures([str(out), *parts])) == saved


def test_a_ring_on_a_disk_that_is_too_small_for_it(small_disk: Path, tmp_path: Path) -> None:
    """Old files go before their time, and what comes is written."""
    need_tools("capinfos")
    base = small_disk / "ring.pcapng"
    watching = Watching(tmp_path, "-w", str(base), "-b", "filesize:100", "-b", "files:50")
    for _ in range(12):
        watching.send()
    said = watching.end()
    parts = [part.path for part in parts_of(str(base))]
    kept = sum(map(whole, parts))
    assert parts_of(str(base))[-1].number > len(parts) > 2
    assert any("of the ring went before their time" in line for line in said), said
    assert not any("could not be written" in line for line in said), said
    times = open_captures(parts).payloads(range(kept))
    every = read_capture(PUNCHED)
    assert times == (every.payloads(range(PACKETS)) * 12)[-kept:]


@pytest.fixture
def network() -> Iterator[Namespaces]:
    need("" if os.geteuid() == 0 else "network namespaces are made by root")
    need_tools("ip")
    with Namespaces() as made:
        made.make("a")
        made.make("b")
        made.cable("a", "d0", "b", "d1")
        made.ip("a", "addr add 10.9.0.1/24 dev d0")
        made.ip("b", "addr add 10.9.0.2/24 dev d1")
        yield made


SENDER = "import socket,sys;s=socket.socket(socket.AF_INET,socket.SOCK_DGRAM);s.sendto(b'x',(sys.argv[1],9))"


def test_an_interface_is_removed_while_others_are_watched(network: Namespaces, tmp_path: Path) -> None:
    out, log = tmp_path / "out.pcapng", tmp_path / "said"
    command = [*PEEPHOLE, "watch", "--report", "-i", "d0", "-i", "lo", "-w", str(out), "udp port 9"]
    with log.open("wb") as said:
        process = subprocess.Popen(network.inside("a", command), stderr=said, cwd=ROOT)

    def send(to: str, packets: int) -> None:
        subprocess.run(network.inside("a", [sys.executable, "-c", SENDER, to]), check=True)
        until(lambda: out.exists() and len(read_capture(str(out))) == packets)

    until(lambda: "listening on" in log.read_text())
    send("10.9.0.2", 1)
    send("127.0.0.1", 2)
    network.ip("a", "link del d0")
    until(lambda: "d0: " in log.read_text())
    send("127.0.0.1", 3)
    network.ip("a", "link set lo down")
    assert process.wait(PATIENCE) == 3
    assert log.read_text().splitlines()[1:] == [
        "peephole: d0: network is down",
        "peephole: lo: network is down",
    ]
    table = read_capture(str(out))
    assert [table.files[0].interfaces[index].name for index in table.interface.tolist()] == ["d0", "lo", "lo"]


def test_the_helper_that_captures_as_root_is_killed(network: Namespaces, tmp_path: Path) -> None:
    """The inspector says so and keeps what came; nothing of that is missing in the file; it starts it again."""
    out, sudo = tmp_path / "out.pcapng", tmp_path / "sudo"
    sudo.write_text('#!/bin/sh\nshift\nexec "$@"\n')
    sudo.chmod(0o755)
    os.chmod(tmp_path, 0o755)
    inside = network.inside("a", [])

    def send() -> None:
        subprocess.run(network.inside("a", [sys.executable, "-c", SENDER, "10.9.0.2"]), check=True)

    env = {"PATH": f"{tmp_path}:{os.environ['PATH']}"}
    arguments = ("watch", "--sudo", "-i", "d0", "-w", str(out), "udp port 9")
    with InspectorChild(*arguments, env=env, inside=inside) as child:
        child.until(lambda: out.exists() and out.stat().st_size)
        for number in range(1, 4):
            send()
            child.until(lambda number=number: len(read_capture(str(out))) == number)
        pids = subprocess.run(
            ["ip", "netns", "pids", network.full("a")], capture_output=True, text=True, check=True
        ).stdout.split()
        [helper] = [
            int(pid) for pid in pids if str(OPENER).encode() in Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        ]
        os.kill(helper, signal.SIGKILL)
        child.until_shown(b"was ended by signal 9")
        child.press(b"\x12")
        child.until_shown(b"live")
        send()
        child.until(lambda: len(read_capture(str(out))) == 4)
        assert child.leave() == 0
    assert whole(str(out)) == 4
