"""The command as a shell sees it: signals, pipes, and what is loaded to start."""

from __future__ import annotations

import fcntl
import gc
import os
import signal
import subprocess
import sys
import termios
from collections.abc import Iterator

import pytest

from app.exit_status import ExitStatus
from app.options import parser_of
from tests.app.running import PUNCHED, RANDOM, Run, pcap, run

__all__ = ["run"]


def test_a_reader_that_goes_away_is_no_error() -> None:
    script = f"{sys.executable} -m app report -v {RANDOM} {RANDOM} | head -c 1; echo ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=True)
    assert done.stderr == ""
    assert done.stdout[1:].strip() in ("0", "141")


def test_output_into_a_closed_pipe() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(
        [sys.executable, "-m", "app", "report", "--json", PUNCHED],
        stdout=writer,
        stderr=subprocess.PIPE,
        check=False,
    )
    os.close(writer)
    assert (done.returncode, done.stderr) == (ExitStatus.BROKEN_PIPE, b"")


@pytest.mark.parametrize(
    "arguments",
    [
        ("report", "--json", PUNCHED),
        ("report", "--check", RANDOM),
        ("report", "/no/such/file"),
        ("export", PUNCHED, "--flow", "", "--format", "svg"),
    ],
    ids=["report", "check", "error", "export"],
)
def test_the_process_ends_with_all_output_written(run: Run, arguments: tuple[str, ...]) -> None:
    done = subprocess.run([sys.executable, "-m", "app", *arguments], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == run(*arguments)


def test_the_collector_runs_again_after_a_command(run: Run) -> None:
    assert gc.isenabled()
    run("report", PUNCHED)
    run("report", "/no/such/file")
    assert gc.isenabled()


@pytest.fixture
def ctrl_c_is_heard() -> Iterator[None]:
    """Also where the tests run in the background of a shell, which has all that is started there ignore it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("ctrl_c_is_heard")
def test_ctrl_c_leaves_quietly() -> None:
    reader, writer = os.pipe()
    process = subprocess.Popen(
        [sys.executable, "-m", "app", "report", "-"], stdin=reader, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    os.write(writer, pcap()[:24])
    while unread(reader) and process.poll() is None:
        os.sched_yield()
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=20)
    os.close(reader)
    os.close(writer)
    assert (process.returncode, out, err) == (130, b"", b"")


def unread(pipe: int) -> int:
    """Bytes in a pipe that nobody has read."""
    return int.from_bytes(fcntl.ioctl(pipe, termios.FIONREAD, bytes(4)), sys.byteorder)


def test_nothing_heavy_is_imported_to_start() -> None:
    code = "import sys; from app.cli import main; main(['--help']); print(*sorted(sys.modules))"
    modules = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    loaded = set(modules.split("\n")[-2].split())
    assert "app.cli" in loaded
    assert not loaded & {"numpy", "scapy", "textual", "rich", "nacl", "cbor2", "capture.story", "capture.table"}


def test_parsers_take_no_abbreviations() -> None:
    with pytest.raises(SystemExit):
        parser_of("report").parse_args(["x", "--sec"])
