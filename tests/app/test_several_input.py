"""Several sources at once, as a shell names them: what belongs to what, what is refused, and what comes of it."""

from __future__ import annotations

import gzip
import json
import os
import pty
import select
import subprocess
import sys
import termios
import threading
from contextlib import suppress
from pathlib import Path
from typing import IO

import pytest

from app.exit_status import CommandError
from app.input_order import Kind
from app.options import parser_of
from app.several_input import Wanted, check_inputs, offsets_of, wanted_of
from tests.app.running import Run, run
from tests.capture.test_vantages import LAB, shifted

__all__ = ["run"]

WATCH = [sys.executable, "-m", "app", "watch", "--report", "--json"]
CLIENT, SERVER = (LAB / "consistent-consistent" / f"{side}.pcap.gz" for side in ("client", "server"))


def wanted(*arguments: str) -> list[Wanted]:
    options = parser_of("watch").parse_args(arguments)
    check_inputs(options)
    return wanted_of(options.inputs)


def test_an_interface_is_one_of_the_host_before_it() -> None:
    found = wanted("-i", "eth0", "--ssh", "a@client", "-i", "lo", "--ssh", "b@server", "--read", "other.pcap", "udp")
    assert [(one.kind, one.name, one.interfaces) for one in found] == [
        (Kind.INTERFACE, "", ("eth0",)),
        (Kind.SSH, "a@client", ("lo",)),
        (Kind.SSH, "b@server", ()),
        (Kind.READ, "other.pcap", ()),
    ]
    assert wanted("--ssh", "host", "-i", "eth0") == [Wanted(Kind.SSH, "host", ("eth0",))]
    assert wanted("-i", "eth0", "--read", "x", "-i", "eth1")[0].interfaces == ("eth0", "eth1")


@pytest.mark.parametrize(
    "arguments",
    [
        ("--ssh", "a", "-i", "x", "-i", "y", "--read", "f"),
        ("--read", "f", "--read", "f"),
        ("--read", "f", "--read", "g", "udp"),
        ("--read", "f", "--ssh", "h", "--sudo"),
        ("--read", "f", "--ssh", "h", "-i", "eth0", "--promiscuous"),
        ("--read", "f", "--ssh=-oProxyCommand=x"),
        ("--read", "f", "--read", "g", "--offset", "h=1"),
        ("--read", "d/f", "--read", "e/f", "--offset", "f=1"),
        ("--read", "f", "--offset", "f=1"),
        ("-i", "a", "-i", "b", "--sudo", "--read", "f"),
    ],
)
def test_what_does_not_go_together(arguments: tuple[str, ...]) -> None:
    with pytest.raises(CommandError):
        wanted(*arguments)


def test_offsets_are_named_by_source() -> None:
    arguments = "--ssh a@client -i lo --ssh b@server --read d/other.pcap --offset b@server=2 --offset other.pcap=-1"
    options = parser_of("watch").parse_args(arguments.split())
    assert offsets_of(options, wanted_of(options.inputs)) == {1: 2.0, 2: -1.0}


def expected(run: Run, *paths: Path) -> list[tuple[str, str, int]]:
    _, out, _ = run("report", *map(str, paths), "--json")
    return [told_of(flow) for flow in json.loads(out)["flows"]]


def told_of(flow: dict) -> tuple[str, str, int]:  # type: ignore[type-arg]
    return flow["id"], flow["verdict"]["code"], len(flow["verdict"]["evidence"])


def told(out: bytes) -> list[tuple[str, str, int]]:
    return [told_of(json.loads(line)) for line in out.splitlines()]


def said(process: subprocess.Popen[bytes]) -> IO[bytes]:
    assert process.stderr is not None
    return process.stderr


def test_two_pipes_are_told_as_the_two_files(run: Run, tmp_path: Path) -> None:
    """The clock of the second is three seconds ahead; and the first one ends long before the second."""
    contents = gzip.decompress(CLIENT.read_bytes()), shifted(SERVER, 3 * 10**9)
    paths = [tmp_path / name for name in ("client", "server")]
    for path, content in zip(paths, contents, strict=True):
        path.with_suffix(".pcap").write_bytes(content)
        os.mkfifo(path)
    process = subprocess.Popen(
        [*WATCH, "--read", str(paths[0]), "--read", str(paths[1]), "-w", str(tmp_path / "saved")], stdout=-1, stderr=-1
    )
    first = threading.Thread(target=paths[0].write_bytes, args=(contents[0],))
    first.start()
    with paths[1].open("wb") as second:
        second.write(contents[1][:900])
        second.flush()
        first.join()
        lines = [said(process).readline() for _ in range(2)]
        second.write(contents[1][900:])
    out, err = process.communicate(timeout=30)
    assert (process.returncode, err) == (0, b"")
    assert b"listening on" in lines[0]
    assert lines[1].endswith(b"client has ended; one of 2 goes on\n")
    assert told(out) == expected(run, *(path.with_suffix(".pcap") for path in paths))
    assert [row[:2] for row in told(out)] == [row[:2] for row in expected(run, tmp_path / "saved")]


def test_one_that_fails_leaves_the_other(run: Run, tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    program = tmp_path / "bin" / "ssh"
    program.write_text("#!/bin/sh\necho 'Permission denied (publickey).' >&2\nexit 255\n")
    program.chmod(0o755)
    whole = tmp_path / "client.pcap"
    whole.write_bytes(gzip.decompress(CLIENT.read_bytes()))
    os.mkfifo(tmp_path / "pipe")
    environment = {**os.environ, "PATH": f"{program.parent}:{os.environ['PATH']}"}
    command = [*WATCH, "--ssh", "me@there", "--read", str(tmp_path / "pipe")]
    process = subprocess.Popen(command, stdout=-1, stderr=-1, env=environment)
    with (tmp_path / "pipe").open("wb") as pipe:
        lines = [said(process).readline() for _ in range(2)]
        pipe.write(whole.read_bytes())
    out, err = process.communicate(timeout=30)
    assert b"(1 ended)" in lines[0]
    assert lines[1] == b"peephole: me@there any: Permission denied (publickey).; one of 2 goes on\n"
    assert (process.returncode, err) == (3, b"peephole: me@there any: Permission denied (publickey).\n")
    assert told(out) == expected(run, whole)


def test_where_all_fail_it_ends(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "ssh"
    program.write_text('#!/bin/sh\necho "no way to $4" >&2\nexit 255\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    status, out, err = run("watch", "--report", "--ssh", "one", "--ssh", "two")
    assert (status, out) == (3, "")
    assert (
        err.splitlines() == ["peephole: one any: no way to --", "peephole: two any: no way to --"] or "two any" in err
    )


def test_several_files_are_followed_in_the_inspector(tmp_path: Path) -> None:
    """A terminal of our own: what is written to two files comes together while it is shown."""
    contents = gzip.decompress(CLIENT.read_bytes()), shifted(SERVER, 3 * 10**9)
    paths = [tmp_path / name for name in ("client", "server")]
    for path, content in zip(paths, contents, strict=True):
        path.write_bytes(content[:900])
    child, terminal = pty.fork()
    if not child:
        os.environ["TERM"] = "xterm-256color"
        os.execv(sys.executable, [sys.executable, "-m", "app", "--follow", *map(str, paths)])
    termios.tcsetwinsize(terminal, (40, 120))
    until_shown(terminal, b"Waiting for packets")
    for path, content in zip(paths, contents, strict=True):
        with path.open("ab") as out:
            out.write(content[900:])
    until_shown(terminal, b"punched")
    os.write(terminal, b"Q")
    until_shown(terminal, b"still capturing")
    os.write(terminal, b"\r")
    with suppress(OSError):  # the child closes it
        while select.select([terminal], [], [], 60)[0]:
            os.read(terminal, 1 << 16)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    os.close(terminal)


def until_shown(terminal: int, text: bytes) -> None:
    seen = b""
    while text not in seen:
        assert select.select([terminal], [], [], 60)[0], seen[-2000:]
        seen += os.read(terminal, 1 << 16)


def test_two_hosts_are_one_story(run: Run, tmp_path: Path) -> None:
    """A script in the place of ssh, which captures on either host what the lab captured there."""
    contents = gzip.decompress(CLIENT.read_bytes()), shifted(SERVER, 3 * 10**9)
    files = [tmp_path / f"{name}.pcap" for name in ("client", "server")]
    for path, content in zip(files, contents, strict=True):
        path.write_bytes(content)
    program = tmp_path / "ssh"
    program.write_text(f'#!/bin/sh\nexec cat "{tmp_path}/${{4#*@}}.pcap"\n')
    program.chmod(0o755)
    environment = {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"}
    hosts = ["--ssh", "me@client", "-i", "lan0", "--ssh", "me@server", "--offset", "me@server=3"]
    done = subprocess.run([*WATCH, *hosts, "udp"], capture_output=True, env=environment, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    assert b"me@client lan0" in done.stderr
    assert b"me@server any" in done.stderr
    assert told(done.stdout) == expected(run, *files)
