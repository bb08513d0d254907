"""`peephole watch`: refusals anywhere; listening, with captured packets sent again, as root."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from capture.story import Story
from tests.app.running import PUNCHED, Run, run
from tests.needs import need

__all__ = ["run"]

NOBODY = 65534
LOOPBACK = "lo"
SLL2_HEADER = 20
OURS = "udp and net 11.0.0.0/8"
"""What the captured attempt has, and other tests' traffic on the loopback interface has not."""
ETHERNET_IPV4 = bytes(12) + b"\x08\x00"


def test_an_interface_that_is_not_there(run: Run) -> None:
    status, out, err = run("watch", "-i", "no\x1bpe", "--report")
    assert (status, out) == (2, "")
    assert err.startswith("peephole: no\\epe: no such interface; there are ")


def test_what_goes_with_what(run: Run) -> None:
    assert run("watch", "-i", LOOPBACK, "--json")[0] == 2
    assert run("watch", "-i", LOOPBACK, "--duration", "1")[0] == 2
    assert run("watch", "-i", LOOPBACK, "--report", "--duration", "-1")[0] == 2
    assert run("watch", "-i", LOOPBACK, "--report", "--filter", "verdict ==")[0] == 4
    status, _, err = run("watch", "-i", LOOPBACK)
    assert status == 2
    assert "needs a terminal" in err


def test_an_interface_is_made_promiscuous_only_if_asked(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    from capture.errors import LiveError

    asked = []

    def refusing(interface: list[str], bpf: str, *, promiscuous: bool) -> None:
        asked.append((bpf, promiscuous))
        raise LiveError(interface[0], "refused")

    monkeypatch.setattr("capture.live.LiveCapture", refusing)
    assert run("watch", "-i", LOOPBACK, "--report", "udp")[0] == 2
    assert run("watch", "-i", LOOPBACK, "--report", "--promiscuous", "udp")[0] == 2
    assert asked == [("udp", False), ("udp", True)]


def test_who_may_not_capture_is_told(run: Run) -> None:
    import scapy.arch.linux  # noqa: F401 - while its files may be read

    import capture.growing.capture
    import capture.interfaces
    import capture.live
    import capture.privileged.capturers

    assert capture
    is_root = os.geteuid() == 0
    if is_root:
        os.seteuid(NOBODY)
    try:
        status, out, err = run("watch", "-i", LOOPBACK, "--report", "--duration", "0.1")
    finally:
        if is_root:
            os.seteuid(0)
    assert (status, out) == (5, "")
    assert err.startswith("peephole: lo: you are not permitted to capture")


@pytest.fixture
def sender() -> Iterator[socket.socket]:
    """A socket that puts frames on the loopback interface."""
    try:
        raw = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
    except PermissionError:
        need("live capture takes CAP_NET_RAW")
        raise
    with raw:
        raw.bind((LOOPBACK, 0))
        yield raw


def packets() -> list[bytes]:
    """IP packets of a captured attempt, each once, in order."""
    table = Story.open([PUNCHED]).table
    return [table.frame_bytes(row)[SLL2_HEADER:] for row in range(len(table)) if table.copy_of[row] < 0]


def listening(*arguments: str) -> subprocess.Popen[str]:
    """The command, once it listens."""
    command = [sys.executable, "-m", "app", "watch", "-i", LOOPBACK, "--report", *arguments]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    assert process.stderr.readline() == "peephole: listening on lo, packet ring; Ctrl-C ends\n"
    return process


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_live_attempt_is_told_and_saved(sender: socket.socket, tmp_path: Path, number: int) -> None:
    (expected,) = Story.open([PUNCHED]).flows
    saved = tmp_path / "live.pcapng"
    process = listening("--json", "-w", str(saved), OURS)
    for packet in packets():
        sender.send(ETHERNET_IPV4 + packet)
    process.send_signal(number)
    out, err = process.communicate(timeout=30)
    assert (process.returncode, err) == (0, "")
    (flow,) = [flow for flow in map(json.loads, out.splitlines()) if flow["id"] == expected.id]
    assert flow["verdict"]["code"] == "punched"
    assert flow["tokens"] == {"server": "verified", "client": "verified"}
    again = [flow for flow in Story.open([str(saved)]).flows if flow.id == expected.id]
    assert [flow.verdict.code for flow in again] == ["punched"]


def test_a_capture_filter_keeps_the_rest_out(sender: socket.socket) -> None:
    (expected,) = Story.open([PUNCHED]).flows
    process = listening("--json", "udp and host 203.0.113.77")
    for packet in packets():
        sender.send(ETHERNET_IPV4 + packet)
    process.send_signal(signal.SIGINT)
    out, _ = process.communicate(timeout=30)
    assert process.returncode == 0
    assert expected.id not in out


def test_it_stops_by_itself(sender: socket.socket) -> None:
    process = listening("--duration", "0.2")
    _, err = process.communicate(timeout=30)
    assert (process.returncode, err) == (0, "")


def test_a_bad_capture_filter_is_status_4(run: Run, sender: socket.socket) -> None:
    status, out, err = run("watch", "-i", LOOPBACK, "--report", "host", "host")
    assert (status, out) == (4, "")
    assert err.startswith("peephole: lo: bad capture filter 'host host'")
