"""`peephole config`, `--version`, and what is said of a word or option that is nearly right."""

from __future__ import annotations

import json
import sys
import tomllib
from pathlib import Path

import pytest

from app.config import SETTINGS
from app.exit_status import ExitStatus
from app.own_options import CONFIG_WORDS
from app.tui.keys.registry import ACTIONS, use_keys
from app.versions import CHECKED_AGAINST
from tests.app.running import Run, run

__all__ = ["run"]


@pytest.fixture(autouse=True)
def _keys_as_they_are() -> object:
    yield
    use_keys({})


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    file = tmp_path / "config.toml"
    monkeypatch.setenv("PEEPHOLE_CONFIG", str(file))
    return file


def test_every_word_of_config_is_explained(run: Run) -> None:
    _, out, _ = run("config", "--help")
    for word in CONFIG_WORDS:
        assert f"{word}:" in " ".join(out.split())


def test_the_path(run: Run, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert run("config", "path") == (0, f"{path}\n", "")
    monkeypatch.setenv("PEEPHOLE_CONFIG", "")
    status, out, err = run("config", "path")
    assert (status, out) == (ExitStatus.USAGE, "")
    assert "set to nothing" in err


def test_values_and_origins(run: Run, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path.write_text('theme = "light"\n[aliases]\n"10.0.0.1" = "left\\u001b[31m"\n')
    monkeypatch.setenv("PEEPHOLE_MOUSE", "no")
    status, out, err = run("config")
    assert (status, err) == (0, "")
    lines = [line.split("  # ") for line in out.splitlines()]
    found = {text.split(" = ")[0].strip(): (text.split(" = ")[1].strip(), origin) for text, origin in lines}
    assert found["theme"] == ('"light"', f"{path}, line 1")
    assert found["mouse"] == ("false", "PEEPHOLE_MOUSE")
    assert found["ladder.time"] == ('"relative"', "default")
    assert found['aliases."10.0.0.1"'] == ('"left\\u001b[31m"', f"{path}, line 2")
    assert {name for name in SETTINGS if name not in ("keys", "aliases")} <= set(found)
    assert "\x1b" not in out


def test_the_example(run: Run) -> None:
    status, out, _ = run("config", "example")
    assert status == 0
    assert not any(tomllib.loads(out).values())


def test_checking(run: Run, path: Path) -> None:
    path.write_text('theme = "light"\n')
    assert run("config", "check") == (0, f"{path} is sound.\n", "")
    path.write_text('theme = "lihgt"\n[keys]\n"main.verdict" = "?"\n')
    status, out, err = run("config", "check")
    assert (status, out) == (ExitStatus.USAGE, "")
    assert f"peephole: {path}, line 1: theme: there is no theme 'lihgt'; did you mean light?\n" in err
    assert f"peephole: {path}, line 3: keys.main.verdict: ? is the key of everywhere.help" in err


def test_where_there_is_no_file_the_defaults_are_sound(run: Run) -> None:
    status, out, err = run("config", "check")
    assert (status, err) == (0, "")
    assert "every setting has its default" in out


def test_all_actions_with_their_keys(run: Run, path: Path) -> None:
    path.write_text('[keys]\n"main.verdict" = "f12"\n')
    status, out, err = run("config", "keys")
    assert (status, err) == (0, "")
    lines = {line[2:].split()[0]: line for line in out.splitlines() if not line.startswith("#")}
    assert set(lines) == {action.id for action in ACTIONS}
    assert lines["main.verdict"].startswith("* ")
    assert lines["main.verdict"].split()[2] == "F12"
    assert lines["main.nat"].startswith("  ")


def test_editing_opens_the_editor_and_checks(run: Run, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script = path.with_name("editor.py")
    script.write_text("import sys\nopen(sys.argv[1], 'a').write('mouse = 3\\n')\n")
    monkeypatch.setenv("VISUAL", f"{sys.executable} {script}")
    status, _, err = run("config", "edit")
    assert status == ExitStatus.USAGE
    assert "aliases.mouse: has to be text, not 3" in err, "the file ended in that table"
    assert path.read_text().startswith("# Settings of Peephole")
    monkeypatch.setenv("VISUAL", "no-such-editor-here")
    status, _, err = run("config", "edit")
    assert status == ExitStatus.USAGE
    assert "no-such-editor-here can't be started" in err


def test_versions_of_what_works_together(run: Run) -> None:
    status, out, _ = run("--version")
    assert status == 0
    assert out.startswith("peephole ")
    assert "\nPython 3." in out
    assert "textual " in out
    assert "checked against hyperdht 6." in out
    pinned = json.loads((Path(__file__).parents[1] / "node" / "package.json").read_text())["dependencies"]
    assert {name: pinned[name] for name in CHECKED_AGAINST} == CHECKED_AGAINST


@pytest.mark.parametrize(("word", "meant"), [("reprot", "report"), ("exprot", "export"), ("lisen", "listen")])
def test_a_misspelt_command_is_told_from_a_file(run: Run, word: str, meant: str) -> None:
    status, out, err = run(word, "x.pcap")
    assert (status, out) == (ExitStatus.USAGE, "")
    assert err == f"peephole: {word} is no command, and no file is called so; did you mean {meant}?\n"


def test_a_file_may_be_called_nearly_like_a_command(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("reprot").write_text("x")
    status, _, err = run("reprot")
    assert "did you mean" not in err
    assert status != 0


def test_a_misspelt_option_is_named_with_what_is_near(run: Run) -> None:
    status, _, err = run("report", "x", "--fliter", "y")
    assert status == ExitStatus.USAGE
    assert "unrecognized arguments: --fliter" in err
    assert "did you mean --filter?" in err
