"""Captures that grow, as a shell gives them: pipes, followed files, ssh; told as the same capture read at once."""

from __future__ import annotations

import gzip
import json
import os
import pty
import select
import shutil
import socket
import subprocess
import sys
import termios
from collections.abc import Callable
from pathlib import Path
from typing import IO

import pytest

from tests.app.running import PUNCHED, Run, run
from tests.app.test_watch import ETHERNET_IPV4, OURS, packets
from tests.needs import need

__all__ = ["run"]

CONTENT = gzip.decompress(Path(PUNCHED).read_bytes())
WATCH = [sys.executable, "-m", "app", "watch", "--report", "--json"]


def said(process: subprocess.Popen[bytes]) -> IO[bytes]:
    assert process.stderr is not None
    return process.stderr


def until_listening(process: subprocess.Popen[bytes]) -> None:
    for line in said(process):
        if b"listening on" in line:
            return


def told(out: bytes) -> list[tuple[str, str]]:
    flows = [json.loads(line) for line in out.splitlines()]
    return [(flow["id"], flow["verdict"]["code"]) for flow in flows]


def expected(run: Run) -> list[tuple[str, str]]:
    _, out, _ = run("report", PUNCHED, "--json")
    return [(flow["id"], flow["verdict"]["code"]) for flow in json.loads(out)["flows"]]


def test_a_pipe_is_told_as_the_file(run: Run) -> None:
    content = CONTENT
    process = subprocess.Popen([*WATCH, "--read", "-"], stdin=subprocess.PIPE, stdout=-1, stderr=-1)
    assert process.stdin is not None
    process.stdin.write(content[:1000])
    process.stdin.flush()
    until_listening(process)
    out, err = process.communicate(content[1000:], timeout=30)
    assert (process.returncode, err) == (0, b"")
    assert told(out) == expected(run)


def test_a_named_pipe(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "fifo"
    os.mkfifo(path)
    process = subprocess.Popen([*WATCH, "--read", str(path)], stdout=-1, stderr=-1)
    path.write_bytes(CONTENT)
    out, err = process.communicate(timeout=30)
    assert process.returncode == 0, err
    assert told(out) == expected(run)


def test_a_file_is_followed_until_one_has_enough(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "growing.pcap"
    content = CONTENT
    path.write_bytes(content[:2000])
    process = subprocess.Popen([*WATCH, "--read", str(path)], stdout=-1, stderr=-1)
    until_listening(process)
    with path.open("ab") as out:
        out.write(content[2000:])
    process.terminate()
    answer, err = process.communicate(timeout=30)
    assert (process.returncode, err) == (0, b"")
    assert told(answer) == expected(run)


Put = Callable[[str, str], None]


@pytest.fixture
def put(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Put:
    """Put a script in the place of a program."""

    def place(name: str, script: str) -> None:
        program = tmp_path / "bin" / name
        program.parent.mkdir()
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o755)
        monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")

    return place


def test_what_the_other_host_says_of_its_failure_is_told(put: Put) -> None:
    put(
        "ssh",
        'echo "Warning: added to the list of known hosts" >&2; echo "tcpdump: eth9: No such device exists" >&2; exit 1',
    )
    done = subprocess.run([*WATCH, "--ssh", "me@there", "-i", "eth9"], capture_output=True, check=False, timeout=30)
    assert (done.returncode, done.stdout) == (3, b"")
    assert done.stderr.decode().splitlines()[-1] == "peephole: me@there eth9: tcpdump: eth9: No such device exists"


def test_a_host_is_no_option(run: Run) -> None:
    status, _, err = run("watch", "--report", "--ssh", "-oProxyCommand=x", "-i", "eth0")
    assert status == 2
    assert "ssh" in err


def test_the_command_that_ssh_is_given_captures(put: Put, tmp_path: Path) -> None:
    """A shell runs what is for the other host, with a tcpdump that shows what it was told and reads a file instead."""
    content = tmp_path / "there.pcap"
    content.write_bytes(CONTENT)
    program = tmp_path / "there" / "tcpdump"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nprintf "%s\\n" "$@" >{tmp_path}/told\ncat {content}\n')
    program.chmod(0o755)
    for name in ("sh", "id", "cat"):
        (program.parent / name).symlink_to(str(shutil.which(name)))
    put("ssh", f'for last; do :; done; PATH={program.parent} exec sh -c "$last"')
    command = [*WATCH, "--ssh", "me@there", "-i", "it's", "udp and not (port 53)"]
    done = subprocess.run(command, capture_output=True, check=False, timeout=30)
    assert done.returncode == 0, done.stderr
    assert len(told(done.stdout)) == 1
    assert (tmp_path / "told").read_text().splitlines() == [
        *("-p", "-i", "it's", "-U", "-s", "0", "-w", "-", "udp and not (port 53)")
    ]


def test_what_goes_with_what(run: Run) -> None:
    for arguments in (
        (),
        ("--read", PUNCHED, "udp"),
        ("--ssh", "there", "--promiscuous"),
    ):
        assert run("watch", "--report", *arguments)[0] == 2, arguments
    status, _, err = run("watch", "--report", "--read", "/no/such/file")
    assert (status, err) == (3, "peephole: /no/such/file: no such file or directory\n")


@pytest.mark.parametrize(
    ("content", "shown"),
    [(CONTENT, b"ended"), (gzip.compress(CONTENT), b"1 attempt")],
    ids=["a capture is shown while it comes", "a compressed one when it is whole"],
)
def test_standard_input_in_the_inspector(content: bytes, shown: bytes) -> None:
    """A terminal of our own: the inspector shows the capture that comes through a pipe, and its keys still work."""
    reader, writer = os.pipe()
    child, terminal = pty.fork()
    if not child:
        os.dup2(reader, 0)
        os.close(writer)
        os.environ["TERM"] = "xterm-256color"
        os.execv(sys.executable, [sys.executable, "-m", "app", "-"])
    os.close(reader)
    termios.tcsetwinsize(terminal, (40, 120))
    with os.fdopen(writer, "wb") as out:
        out.write(content)
    seen = b""
    while shown not in seen:
        assert select.select([terminal], [], [], 60)[0], seen[-2000:]
        seen += os.read(terminal, 1 << 16)
    os.write(terminal, b"Q")
    while select.select([terminal], [], [], 60)[0]:
        try:
            seen = os.read(terminal, 1 << 16)
        except OSError:  # the child closed it
            assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
            os.close(terminal)
            return
    pytest.fail(f"it did not leave: {seen!r}")


def test_sudo_opens_the_interface(put: Put, run: Run, tmp_path: Path) -> None:
    put("sudo", f'printf "%s\\n" "$@" >{tmp_path}/told; echo "sudo: a password is required" >&2; exit 1')
    status, out, err = run("watch", "--report", "--sudo", "-i", "lo", "udp")
    assert (status, out) == (3, "")
    assert err.splitlines()[-1] == "peephole: lo: sudo: a password is required"
    told = (tmp_path / "told").read_text().splitlines()
    assert told[:3] == ["--", sys.executable, "-I"]
    assert told[3].endswith("/capture/privileged/opener.py")
    assert told[4:6] == ["lo", "1"]
    assert run("watch", "--report", "--sudo", "--ssh", "there")[0] == 2
    assert run("watch", "--report", "--sudo", "-i", "lo", "host", "host")[0] == 4


def test_what_sudo_opens_is_told(put: Put, run: Run) -> None:
    """A script in the place of sudo, as a user has it who is asked for nothing."""
    try:
        raw = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
    except PermissionError:
        need("live capture takes CAP_NET_RAW")
        raise
    put("sudo", 'shift; exec "$@"')
    process = subprocess.Popen([*WATCH, "--sudo", "-i", "lo", OURS], stdout=-1, stderr=-1)
    until_listening(process)
    with raw:
        raw.bind(("lo", 0))
        for packet in packets():
            raw.send(ETHERNET_IPV4 + packet)
    process.terminate()
    out, err = process.communicate(timeout=30)
    assert (process.returncode, err) == (0, b"")
    [(_, verdict)] = [one for one in told(out) if one in expected(run)]
    assert verdict == "punched"
