"""What the inspector's measurements stand on: a terminal that knows when a frame is complete, and sound arithmetic."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from bench.generate import generate_attempts, write
from bench.inspector import count_of, in_list, inspector, share
from bench.terminal import Frame, Terminal, TooSlowError
from capture.story import Story

FRAMES = r"""
import sys, time
ask = "\x1b[?2026$p"
sys.stdout.write(ask); sys.stdout.flush()
answer = sys.stdin.buffer.raw.read(11)
for text in ("one", "two"):
    sys.stdout.write(f"\x1b[?2026h\x1b[31m{text}\x1b[0m {len(answer)}\x1b[?2026l"); sys.stdout.flush()
sys.stdin.read()
"""


def test_frames_are_told_apart_and_control_sequences_are_no_text() -> None:
    raw = f"import tty; tty.setraw(0)\n{FRAMES}"
    with Terminal([sys.executable, "-c", raw]) as terminal:
        two = terminal.wait_for_text("two")
    assert two.text == "two 11", "the terminal said that it knows synchronised output"
    assert [frame.text.split()[0] for frame in terminal.frames] == ["one", "two"]
    assert terminal.started < terminal.frames[0].time <= two.time
    assert terminal.peak_mib > 1
    assert terminal.cpu > 0


def test_a_command_that_ends_or_says_nothing_is_no_measurement() -> None:
    with Terminal([sys.executable, "-c", "pass"]) as terminal, pytest.raises(TooSlowError, match="has ended"):
        terminal.wait_for_text("never")
    with Terminal(["sleep", "60"]) as terminal, pytest.raises(TooSlowError, match="nothing in"):
        terminal.wait_for_text("never", 0.05)


def test_counts_are_read_off_the_status_line() -> None:
    assert count_of(Frame(0.0, " peephole x  3 attempts · 12 345 packets · 1 DHT")) == 12345
    assert count_of(Frame(0.0, " 1 packet · 0 DHT")) == 1
    assert count_of(Frame(0.0, "nothing")) is None


def test_a_share_of_values() -> None:
    values = [float(number) for number in range(100)]
    assert share(values[::-1], 0.5) == 50
    assert share(values, 0.99) == 99
    assert share([7.0], 0.99) == 7


def test_generated_attempts_open_and_some_of_them_end_early(tmp_path: Path) -> None:
    path = tmp_path / "attempts.pcap"
    write(generate_attempts(40, 1), path, "pcap")
    flows = Story.open([str(path)]).flows
    assert len(flows) == 40
    assert all(flow.key.server_public_key for flow in flows)
    ended = {str(flow.verdict.code) for flow in flows}
    assert "punched" in ended
    assert len(ended) > 1


def test_the_real_inspector_paints_takes_keys_and_is_measured(tmp_path: Path) -> None:
    path = tmp_path / "attempts.pcap"
    write(generate_attempts(400, 2), path, "pcap")
    with inspector(path) as terminal:
        terminal.wait_for_text("peephole")
        terminal.wait_for_text("attempts ·")
        keys = in_list(terminal, "attempts", 4, 4)
    assert len(keys.pages) == 4
    assert min(keys.pages) > 0
    assert keys.frames_per_second > 0
