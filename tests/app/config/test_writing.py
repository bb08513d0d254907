"""Writing settings back: what changes changes, the rest of the file stays as it was."""

from __future__ import annotations

import os
import stat
import tomllib
from pathlib import Path

import pytest

from app.config import ConfigError, keep, read_config
from app.config.writing import file_to_edit

MINE = """\
# my settings
theme = "light"  # for the balcony

[ladder]
# what I always forget
time = "clock"

[aliases]
"10.0.0.1" = "left"  # the old box
"10.0.0.2" = "right"
"""


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PEEPHOLE_CONFIG", str(tmp_path / "deep" / "config.toml"))
    return tmp_path / "deep" / "config.toml"


def written(path: Path, text: str) -> Path:
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    return path


def test_comments_and_order_stay(path: Path) -> None:
    written(path, MINE)
    assert (
        keep({"theme": "dark", "ladder.bursts": "hidden", "aliases": {"10.0.0.1": None, "10.0.0.3": "third"}}) == path
    )
    text = path.read_text()
    for comment in ("# my settings", "# for the balcony", "# what I always forget"):
        assert comment in text
    assert text.index("theme") < text.index("time") < text.index("bursts") < text.index("[aliases]")
    tree = tomllib.loads(text)
    assert tree == {
        "theme": "dark",
        "ladder": {"time": "clock", "bursts": "hidden"},
        "aliases": {"10.0.0.2": "right", "10.0.0.3": "third"},
    }


def test_what_is_kept_is_what_is_read(path: Path) -> None:
    keep({"mouse": False, "list.columns": ("client", "state"), "list.reverse": True, "keys": {"main.verdict": "f9"}})
    config = read_config().config
    assert (config.mouse, config.list_columns, config.list_reverse) == (False, ("client", "state"), True)
    assert config.keys == {"main.verdict": "f9"}
    assert path.read_text().startswith("# Settings of Peephole")
    keep({"list.columns": None, "keys": None, "redact": True})
    config = read_config().config
    assert (config.list_columns, dict(config.keys), config.redact) == (None, {}, True)


def test_a_first_setting_goes_before_the_tables(path: Path) -> None:
    written(path, '[ladder]\ntime = "clock"\n')
    keep({"theme": "dark"})
    assert tomllib.loads(path.read_text()) == {"theme": "dark", "ladder": {"time": "clock"}}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"them": "dark"}, "them: there is no such setting; did you mean theme?"),
        ({"colours": "blue"}, "colours: has to be auto or never"),
        ({"mouse": "yes"}, "mouse: has to be true or false"),
    ],
)
def test_what_is_not_allowed_is_not_written(path: Path, changes: dict[str, object], said: str) -> None:
    written(path, MINE)
    with pytest.raises(ConfigError, match="^" + said.replace("?", r"\?")):
        keep(changes)
    assert path.read_text() == MINE


def test_a_damaged_file_is_left_as_it_is(path: Path) -> None:
    for text in ("[[[", "ladder = 3\n"):
        written(path, text)
        with pytest.raises(ConfigError, match="mend it first, nothing was written"):
            keep({"ladder.time": "clock"})
        assert path.read_text() == text


def test_rights_and_links_stay_and_nothing_is_left_behind(path: Path, tmp_path: Path) -> None:
    real = written(path, MINE)
    real.chmod(0o640)
    link = tmp_path / "link.toml"
    link.symlink_to(real)
    keep({"theme": "dark"}, {"PEEPHOLE_CONFIG": str(link)})
    assert link.is_symlink()
    assert stat.S_IMODE(real.stat().st_mode) == 0o640
    assert "dark" in real.read_text()
    assert os.listdir(real.parent) == ["config.toml"]


def test_a_new_file_is_its_owners_alone(path: Path) -> None:
    keep({"theme": "dark"})
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_where_nothing_can_be_kept(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="PEEPHOLE_CONFIG is set to nothing"):
        keep({"theme": "dark"}, {"PEEPHOLE_CONFIG": ""})
    in_the_way = tmp_path / "file"
    in_the_way.write_text("")
    with pytest.raises(ConfigError, match="can't be"):
        keep({"theme": "dark"}, {"PEEPHOLE_CONFIG": str(in_the_way / "config.toml")})


def test_the_file_to_edit_is_made_with_everything_explained(path: Path) -> None:
    assert file_to_edit() == path
    assert "# theme = " in path.read_text()
    path.write_text(MINE)
    file_to_edit()
    assert path.read_text() == MINE
