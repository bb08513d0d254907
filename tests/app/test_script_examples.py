"""The scripts in examples/ run, and pass."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.cli import main

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.mark.parametrize("name", sorted(path.stem for path in EXAMPLES.glob("*.py")))
def test_an_example_passes(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    path = EXAMPLES / f"{name}.py"
    assert f"peephole script examples/{name}.py" in path.read_text()
    assert main(["script", str(path)]) == 0, capsys.readouterr().err
