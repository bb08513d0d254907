"""Reading the configuration: what holds, where it comes from, and what is said of what is wrong."""

from __future__ import annotations

import os
import re
from dataclasses import fields
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.config import SETTINGS, Config, Kind, load, read_config
from app.config.example import example, toml_of
from app.config.place import config_path
from app.draw.attempt_columns import BY_ID
from app.draw.ladder_options import Bursts, ColourMode, Level, TimeMode
from app.exit_status import ExitStatus
from tests.app.running import Run, run

__all__ = ["run"]


def reading_of(path: Path, text: str, **variables: str) -> tuple[Config, list[str], dict[str, str]]:
    path.write_text(text)
    reading = read_config({"PEEPHOLE_CONFIG": str(path), **variables})
    faults = [str(fault).removeprefix(f"{path}") for fault in reading.faults]
    return reading.config, faults, {name: str(origin) for name, origin in reading.origins.items()}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "config.toml"


def test_every_setting_has_its_place_in_the_value_and_its_default() -> None:
    assert {setting.attribute for setting in SETTINGS.values()} == {field.name for field in fields(Config)}
    assert read_config({"PEEPHOLE_CONFIG": ""}).config == Config() == load()
    for setting in SETTINGS.values():
        assert setting.says.endswith("."), setting.name
        assert setting.kind is not Kind.CHOICE or setting.default in setting.choices


def test_choices_are_those_of_what_they_set() -> None:
    def words(name: str) -> set[str]:
        return set(SETTINGS[name].choices)

    # A mark, and several attempts in one ladder, are not there when one begins.
    assert words("ladder.time") == {mode.name.lower() for mode in TimeMode} - {"mark"}
    assert words("ladder.colour") == {mode.name.lower() for mode in ColourMode} - {"attempt"}
    assert words("ladder.bursts") == {mode.name.lower() for mode in Bursts}
    assert words("ladder.level") == {level.name.lower() for level in Level}
    assert SETTINGS["list.sort"].default in BY_ID


def test_where_the_file_is(tmp_path: Path) -> None:
    assert config_path({"PEEPHOLE_CONFIG": "/x/y.toml", "XDG_CONFIG_HOME": "/z"}) == Path("/x/y.toml")
    assert config_path({"PEEPHOLE_CONFIG": "", "XDG_CONFIG_HOME": "/z"}) is None
    assert config_path({"XDG_CONFIG_HOME": "/z"}) == Path("/z/peephole/config.toml")
    assert config_path({"XDG_CONFIG_HOME": "relative", "HOME": "/h"}) == Path("/h/.config/peephole/config.toml")
    assert config_path({"HOME": "/h"}) == Path("/h/.config/peephole/config.toml")


def test_values_and_where_they_come_from(path: Path) -> None:
    text = '# mine\ntheme = "light"\n\n[ladder]\ntime = "clock"\n[list]\ncolumns = ["client", "state"]\n'
    text += '[keys]\n"main.verdict" = ["v", "f9"]\n"main.nat" = "B"\n[aliases]\n"10.0.0.1" = "left"\n'
    config, faults, origins = reading_of(path, text, PEEPHOLE_LADDER_TIME="delta", PEEPHOLE_MOUSE="off")
    assert not faults
    assert config.theme == "light"
    assert config.ladder_time == "delta"
    assert config.list_columns == ("client", "state")
    assert config.keys == {"main.verdict": "v,f9", "main.nat": "B"}
    assert config.aliases == {"10.0.0.1": "left"}
    assert config.mouse is False
    assert origins["theme"] == f"{path}, line 2"
    assert origins["list.columns"] == f"{path}, line 7"
    assert origins["ladder.time"] == "PEEPHOLE_LADDER_TIME"
    assert origins["ladder.bursts"] == "default"


def test_options_win() -> None:
    reading = read_config({"PEEPHOLE_CONFIG": "", "PEEPHOLE_THEME": "light"}, {"theme": "nord"})
    assert reading.config.theme == "nord"
    assert str(reading.origins["theme"]) == "option"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("themes = 1\n", ", line 1: themes: there is no such setting; did you mean theme?"),
        ("\n[ladder]\ntiem = 1\n", ", line 3: ladder.tiem: there is no such setting; did you mean ladder.time?"),
        ("[ladder]\ncolumns = []\n", ", line 2: ladder.columns: there is no such setting; did you mean list.columns?"),
        ("sort = 1\n", ", line 1: sort: there is no such setting; did you mean list.sort?"),
        ("mouse = 1\n", ", line 1: mouse: has to be true or false, not 1"),
        ('mouse = "yes"\n', ', line 1: mouse: has to be true or false, not "yes"'),
        ("theme = true\n", ", line 1: theme: has to be auto or dark or light or ansi or contrast or mono, "
         "or a theme of Textual's, not true"),
        ('colours = "nevr"\n', ', line 1: colours: has to be auto or never, not "nevr"; did you mean never?'),
        ('[list]\ncolumns = "client"\n', ', line 2: list.columns: has to be a list of words, not "client"'),
        ("[aliases]\n'10.0.0.1' = 4\n", ", line 2: aliases.10.0.0.1: has to be text, not 4"),
        ("[keys]\nx = 4\n", ", line 2: keys.x: has to be text, or a list of texts, not 4"),
        ("keys = 4\n", ", line 1: keys: has to be a table of texts, not 4"),
        ("ladder = 4\n", ", line 1: ladder: there is no such setting; [ladder] is a table of them"),
        ("a = \n", ", line 1: is not TOML: invalid value"),
        ("[a\n", ", line 1: is not TOML: expected ']' at the end of a table declaration"),
        ('a = "\n', ", line 1: is not TOML: illegal character '\\n'"),
        ("a = 'x", ", line 1: is not TOML: expected \"'\""),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named_with_its_line_and_what_is_allowed(path: Path, text: str, said: str) -> None:
    config, faults, _ = reading_of(path, text)
    assert faults == [said]
    assert config.theme == "auto"


def test_one_bad_value_leaves_the_others(path: Path) -> None:
    text = 'theme = "light"\nmouse = 3\n[aliases]\na = 1\n"10.0.0.1" = "left"\n'
    config, faults, _ = reading_of(path, text)
    assert len(faults) == 2
    assert (config.theme, config.mouse, dict(config.aliases)) == ("light", True, {"10.0.0.1": "left"})


@pytest.mark.parametrize("text", ['redact = "maybe"\n', "[[[\n"])
def test_what_may_have_asked_for_masking_masks(path: Path, text: str) -> None:
    config, faults, _ = reading_of(path, text)
    assert faults
    assert config.redact
    config, faults, _ = reading_of(path, "", PEEPHOLE_REDACT="perhaps")
    assert faults == ['PEEPHOLE_REDACT: has to be true or false, not "perhaps"']
    assert config.redact


def test_files_that_can_not_be_read(path: Path, tmp_path: Path) -> None:
    named = read_config({"PEEPHOLE_CONFIG": str(path)})
    assert [str(fault) for fault in named.faults] == [f"{path}: no such file"]
    assert not named.config.redact
    assert not read_config({"XDG_CONFIG_HOME": str(tmp_path)}).faults, "it need not be there"
    path.write_bytes(b"# fine\ntheme = '\xff'\n")
    (fault,) = read_config({"PEEPHOLE_CONFIG": str(path)}).faults
    assert str(fault) == f"{path}, line 2: is not UTF-8"
    (fault,) = read_config({"PEEPHOLE_CONFIG": str(tmp_path)}).faults
    assert "can't be read" in str(fault)
    (fault,) = read_config({"PEEPHOLE_CONFIG": "a\0b"}).faults
    assert "can't be read" in str(fault)


def test_a_setting_in_the_environment_that_is_wrong_is_named(path: Path) -> None:
    config, faults, _ = reading_of(path, 'colours = "never"\n', PEEPHOLE_COLOURS="blue", PEEPHOLE_LIST_COLUMNS="a, b,")
    assert faults == ['PEEPHOLE_COLOURS: has to be auto or never, not "blue"']
    assert config.colours == "never"
    assert config.list_columns == ("a", "b")


def test_the_example_sets_nothing_and_names_everything(path: Path) -> None:
    config, faults, origins = reading_of(path, example())
    assert not faults
    assert config == Config()
    # A line that shows a setting begins like one, and is no sentence.
    shown = re.compile(r'# ((?:[a-z_]+|"[a-z0-9.]+") = .*)')
    uncommented = "\n".join(shown.sub(r"\1", line) for line in example().splitlines())
    config, faults, origins = reading_of(path, uncommented)
    assert not faults
    assert {name for name, origin in origins.items() if origin == "default"} == set()
    assert all(setting.says.split()[0] in example() for setting in SETTINGS.values())


@given(st.binary(max_size=200))
def test_no_file_breaks_the_reading(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    path = tmp_path_factory.getbasetemp() / "any.toml"
    path.write_bytes(content)
    reading = read_config({"PEEPHOLE_CONFIG": str(path)})
    assert isinstance(reading.config, Config)
    assert all(fault.source == str(path) for fault in reading.faults)


def test_a_broken_configuration_does_not_stop_a_report(run: Run, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from tests.app.running import PUNCHED

    monkeypatch.setenv("PEEPHOLE_CONFIG", str(path))
    path.write_text("[[[")
    status, out, _ = run("report", PUNCHED)
    assert status == ExitStatus.OK
    assert "punched" in out
    status, _, err = run("config", "check")
    assert status == ExitStatus.USAGE
    assert f"{path}, line 1: is not TOML" in err
    assert os.linesep in err


def test_the_page_has_every_setting_with_its_default() -> None:
    page = (Path(__file__).parents[3] / "docs" / "config.md").read_text()
    rows = re.findall(r"^\| `([a-z_.]+)` \| (.+) \| (.*) \|$", page, re.MULTILINE)
    assert [name for name, _, _ in rows] == list(SETTINGS)
    for name, says, default in rows:
        setting = SETTINGS[name]
        assert says.startswith(setting.says), name
        assert all(choice in says for choice in setting.choices), name
        plain = setting.kind is Kind.TABLE or setting.default is None
        assert default == ("" if plain else f"`{toml_of(setting.default)}`"), name
