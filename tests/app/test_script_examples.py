"""The scripts in examples/ run, and pass."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
NAMES = sorted(path.stem for path in (ROOT / "examples").glob("*.py"))


@pytest.mark.parametrize("name", NAMES)
def test_an_example_says_how_it_is_run(name: str) -> None:
    assert f"peephole script examples/{name}.py" in (ROOT / "examples" / f"{name}.py").read_text()


async def test_all_pass_at_once() -> None:
    """They wait for time-outs of the protocol most of the time."""

    async def run(name: str) -> tuple[str, str, str | None]:
        command = (sys.executable, "-m", "app", "script", "--json", f"examples/{name}.py")
        process = await asyncio.create_subprocess_exec(*command, cwd=ROOT, stdout=asyncio.subprocess.PIPE)
        out, _ = await process.communicate()
        told = json.loads(out)
        assert (process.returncode == 0) == (told["result"] == "passed")
        return name, told["result"], told["failure"]

    assert await asyncio.gather(*map(run, NAMES)) == [(name, "passed", None) for name in NAMES]
