"""What the first screen needs is little: the rest is imported while files are read."""

import subprocess
import sys


def imported(statement: str) -> set[str]:
    code = f"import sys\n{statement}\nprint(*sys.modules)"
    return set(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split())


def test_the_first_screen_brings_in_nothing_that_reads_captures() -> None:
    heavy = {"numpy", "scapy", "nacl", "capture.model", "capture.story", "protocol.dissect", "app.tui.main_screen"}
    assert not imported("import app.tui.app") & heavy


def test_drawing_needs_no_textual() -> None:
    drawing = "attempts help_page hexdump ladder message nat rounds verdict"
    found = imported("\n".join(f"import app.draw.{name}" for name in drawing.split()))
    assert not {name for name in found if name.split(".")[0] == "textual"}
    assert not found & {"numpy", "scapy"}
