"""`peephole script`: what it ends with, and what it says of a script that fails."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from app.cli import main

HEAD = "from app.script import Act, Hand\n\n\n"


def script(tmp_path: Path, body: str, head: str = HEAD) -> str:
    path = tmp_path / "try_it.py"
    path.write_text(head + body)
    return str(path)


def test_a_script_that_passes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = script(tmp_path, "async def main(hand):\n    hand.say(f'given {hand.args}')\n    hand.check('it', 1, 1)\n")
    assert main(["script", path, "one", "--two"]) == 0
    out = capsys.readouterr().out.splitlines()
    assert out[0] == "given ('one', '--two')"
    assert out[1].startswith(f"{path}: passed in ")


def test_an_expectation_says_both_values_and_the_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    body = "async def main(hand):\n    inner(hand)\n\ndef inner(hand):\n    hand.check('the answer', 41, 42)\n"
    path = script(tmp_path, body)
    assert main(["script", path]) == 13
    said = capsys.readouterr().err.splitlines()
    assert "the answer is 41, and should be 42" in said[0]
    assert said[1:] == [f"  {path}:5: inner(hand)", f"  {path}:8: hand.check('the answer', 41, 42)"]


def test_an_error_of_the_script_shows_its_own_lines_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    body = "async def main(hand):\n    network = await hand.join('not an address:x')\n"
    path = script(tmp_path, body)
    assert main(["script", path]) == 13
    body = "async def main(hand):\n    hand.check('too few')\n"
    path = script(tmp_path, body)
    assert main(["script", path]) == 1
    said = capsys.readouterr().err
    assert "TypeError: Hand.check() missing 2 required positional arguments" in said
    assert f"{path}:5: hand.check('too few')" in said
    assert "app/script" not in said
    assert "Traceback" not in said


def test_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = script(tmp_path, "async def main(hand):\n    hand.say('\\x1b[31mred')\n    hand.expect(False, 'more')\n")
    assert main(["script", "--json", path]) == 13
    result = json.loads(capsys.readouterr().out)
    assert (result["result"], result["failure"]) == ("failed", "more")
    assert result["places"] == [{"file": path, "line": 6, "text": "hand.expect(False, 'more')"}]
    assert "\x1b" not in result["said"][0]
    assert result["attempts"] == []


def test_a_script_that_takes_too_long(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = script(tmp_path, "async def main(hand):\n    await hand.sleep(60)\n")
    assert main(["script", "--timeout", "0.05", path]) == 13
    said = capsys.readouterr().err
    assert "the script was not done after 0.05 s" in said
    assert f"{path}:5: await hand.sleep(60)" in said


@pytest.mark.parametrize(
    ("source", "says"),
    [
        ("async def main(hand:\n", "line 1: "),
        ("def main(hand): pass\n", "has no `async def main(hand)`"),
        ("x = 1\n", "has no `async def main(hand)`"),
        ("\0", "null bytes"),
    ],
)
def test_files_that_are_no_scripts(tmp_path: Path, capsys: pytest.CaptureFixture[str], source: str, says: str) -> None:
    assert main(["script", script(tmp_path, source, "")]) == 2
    assert says in capsys.readouterr().err


def test_a_script_that_breaks_while_it_is_loaded(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = script(tmp_path, "1 / 0\n", "")
    assert main(["script", path]) == 1
    assert f"{path}:1: 1 / 0" in capsys.readouterr().err


def test_a_file_that_is_not_there(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["script", "nowhere.py"]) == 2
    assert "nowhere.py can't be read: No such file or directory" in capsys.readouterr().err


def test_the_first_expectation_of_a_group_counts(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    body = (
        "import asyncio\n\nasync def main(hand):\n    async with asyncio.TaskGroup() as group:\n"
        "        group.create_task(other(hand))\n\nasync def other(hand):\n    hand.expect(0, 'of a task')\n"
    )
    assert main(["script", script(tmp_path, body)]) == 13
    assert "of a task" in capsys.readouterr().err
