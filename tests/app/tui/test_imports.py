"""What the first screen needs is little: the rest is imported while files are read."""

import subprocess
import sys
from pathlib import Path

TOUR = Path(__file__).parents[3] / "app/samples/tour.pcapng"
HEAVY = {"numpy", "scapy", "nacl", "capture.model", "capture.story", "capture.filter", "protocol.dissect"}
HEAVY |= {"app.tui.main_screen", "app.draw.terms", "app.wording", "tomllib", "tomlkit", "cbor2"}


def imported(statement: str) -> set[str]:
    code = f"import sys\n{statement}\nprint(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(done.stdout.splitlines()[-1].split())


def test_the_first_screen_brings_in_nothing_that_reads_captures() -> None:
    assert not imported("import app.tui.app") & HEAVY


def test_neither_does_the_way_from_the_command_line_to_it() -> None:
    """The command as a shell starts it, up to the moment when the first screen would be put up."""
    code = f"""
import app.cli, app.tui.app
class Terminal:
    def __init__(self, stream): self.stream = stream
    def isatty(self): return True
    def __getattr__(self, name): return getattr(self.stream, name)
sys.stdin, sys.stdout = Terminal(sys.stdin), Terminal(sys.stdout)
shown = []
app.tui.app._show = lambda one: shown.append(one) or 0
assert app.cli.main([{str(TOUR)!r}]) == 0 and shown
"""
    found = imported(code)
    assert "app.commands.open" in found
    assert not found & HEAVY


def test_drawing_needs_no_textual() -> None:
    drawing = "attempts help_page hexdump ladder message nat problems rounds verdict"
    found = imported("\n".join(f"import app.draw.{name}" for name in drawing.split()))
    assert not {name for name in found if name.split(".")[0] == "textual"}
    assert not found & {"numpy", "scapy"}
