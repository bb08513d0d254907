"""What is there after something ended suddenly: the inspector, whatever captures for it, the pipe between them."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from capture.disk_ring.names import parts_of
from capture.errors import CaptureError
from capture.opening import open_captures, read_capture
from capture.story import Story
from tests.app.inspector_child import InspectorChild
from tests.app.running import PUNCHED

CONTENT = gzip.decompress(Path(PUNCHED).read_bytes())
EVERY = read_capture(PUNCHED)
FILE_HEADER, RECORD_HEADER = 24, 16
HALF = 560
"""Packets: the attempt goes on."""
WATCH = [sys.executable, "-m", "app", "watch", "--report", "--json"]


def end_of(packets: int) -> int:
    """Where in the capture so many packets end."""
    return EVERY.frame_at.item(packets - 1) + EVERY.frame_length.item(packets - 1)


def packets_in(base: Path) -> int:
    """Packets in all files of a ring; -1 if one goes away at this moment."""
    try:
        return sum(len(read_capture(part.path)) for part in parts_of(str(base)) if os.path.getsize(part.path))
    except (FileNotFoundError, CaptureError):
        return -1


def test_the_inspector_is_killed_and_started_again_on_the_same_ring(tmp_path: Path) -> None:
    """Everything that it had taken in is in the files, nothing of it is written over, and old files count."""
    base, pipe = tmp_path / "ring.pcapng", tmp_path / "pipe"
    os.mkfifo(pipe)
    command = ("watch", "--read", str(pipe), "-w", str(base), "-b", "packets:200", "-b", "files:3")
    with InspectorChild(*command) as child, pipe.open("wb", buffering=0) as out:
        out.write(CONTENT[: end_of(HALF) + 5])
        child.until(lambda: packets_in(base) == HALF)
        child.kill()
    before = {part.path: Path(part.path).read_bytes() for part in parts_of(str(base))}
    assert [len(read_capture(path)) for path in before] == [200, 200, 160]
    with open([*before][-1], "ab") as cut:
        cut.write(b"\x06\0\0\0\x40\0\0\0\0\0")  # it could have been in the midst of a block
    with InspectorChild(*command) as child, pipe.open("wb", buffering=0) as out:
        out.write(CONTENT[:FILE_HEADER] + CONTENT[end_of(HALF) :])
        child.until(lambda: packets_in(base) == len(EVERY) - 200)
        assert child.leave() == 0
    parts = parts_of(str(base))
    assert [part.number for part in parts] == [2, 3, 4]
    kept = [path for path in before if os.path.exists(path)]
    assert [Path(path).read_bytes()[: len(before[path])] for path in kept] == [before[path] for path in kept]
    table = open_captures([part.path for part in parts])
    assert table.payloads(range(len(table))) == EVERY.payloads(range(200, len(EVERY)))
    assert table.files[0].truncated is not None
    assert table.files[0].truncated.startswith(f"{Path(parts[1].path).name}: truncated")


@pytest.fixture
def dying_ssh(tmp_path: Path) -> dict[str, str]:
    """An environment whose ssh brings half of a capture and a part of one more record, and is killed."""
    (tmp_path / "half").write_bytes(CONTENT[: end_of(HALF) + 9])
    program = tmp_path / "ssh"
    program.write_text(f"#!/bin/sh\ncat {tmp_path}/half\nkill -9 $$\n")
    program.chmod(0o755)
    return {"PATH": f"{tmp_path}:{os.environ['PATH']}"}


def test_what_captures_elsewhere_is_killed(dying_ssh: dict[str, str], tmp_path: Path) -> None:
    out = tmp_path / "out.pcapng"
    command = [*WATCH, "--ssh", "me@there", "-i", "eth0", "-w", str(out)]
    done = subprocess.run(command, capture_output=True, check=False, timeout=60, env={**os.environ, **dying_ssh})
    assert done.returncode == 3
    said = done.stderr.decode().splitlines()
    assert said[-3] == "peephole: me@there eth0: was ended by signal 9"
    assert said[-2] == "peephole: 1 packet cut off where a capture ends in its midst"
    assert said[-1].startswith("peephole: me@there eth0: truncated at byte ")
    assert [json.loads(line)["id"] for line in done.stdout.splitlines()] == [flow.id for flow in Story(EVERY).flows]
    assert len(read_capture(str(out))) == HALF


def test_the_inspector_goes_on_when_what_captures_is_killed(dying_ssh: dict[str, str], tmp_path: Path) -> None:
    out = tmp_path / "out.pcapng"
    with InspectorChild("watch", "--ssh", "me@there", "-i", "eth0", "-w", str(out), env=dying_ssh) as child:
        child.until_shown(b"was ended by signal 9")
        child.press(b"E")
        child.until_shown(b"truncated at byte")
        child.press(b"\x1b")
        child.until_shown(b"ladder")  # of the main screen: keys that come at once with Esc are another key
        child.press(b"\x12")
        child.until(lambda: len(read_capture(str(out))) == 2 * HALF)
        assert child.leave() == 0
    table = read_capture(str(out))
    assert table.payloads(range(len(table))) == EVERY.payloads(range(HALF)) * 2


def test_a_pipe_that_ends_in_the_midst_of_a_record(tmp_path: Path) -> None:
    ring = tmp_path / "ring.pcapng"
    command = [*WATCH, "--read", "-", "-w", str(ring), "-b", "packets:400"]
    done = subprocess.run(command, input=CONTENT[: end_of(HALF) + 3], capture_output=True, check=False, timeout=60)
    assert done.returncode == 0
    assert done.stderr.decode().splitlines()[-2:] == [
        "peephole: 1 packet cut off where a capture ends in its midst",
        f"peephole: standard input: truncated at byte {end_of(HALF)}: 3 of 16 bytes of a record header",
    ]
    assert [len(read_capture(part.path)) for part in parts_of(str(ring))] == [400, 160]
