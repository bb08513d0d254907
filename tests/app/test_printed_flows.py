"""Attempts of a live story on standard output."""

from __future__ import annotations

import gzip
import os
from pathlib import Path

import pytest

from app.printed_flows import FlowPrinter
from capture.growing.bytes import DescriptorBytes
from capture.growing.capture import GrowingCapture
from capture.story import Story
from tests.app.running import PUNCHED


def test_an_old_attempt_is_not_told_before_all_of_it_has_come(capsys: pytest.CaptureFixture[str]) -> None:
    """Its packets are weeks old when they arrive, and silence is on their clock."""
    content = gzip.decompress(Path(PUNCHED).read_bytes())
    out, into = os.pipe()
    with GrowingCapture(DescriptorBytes(out, "a pipe")) as capture:
        story = Story(capture.table)
        printer = FlowPrinter(story, lambda flow: True, as_json=True)
        seen = 0
        for at in range(0, len(content), 997):
            os.write(into, content[at : at + 997])
            capture.wait(10)
            seen += bool(capture.collect())
            story.update()
            printer.print_fresh()
        assert seen > 3
        assert capsys.readouterr().out == ""
        os.close(into)
    story.update()
    printer.print_rest()
    assert capsys.readouterr().out.count("\n") == 1
