"""`peephole demo` without screens: lines, files, exit statuses, and a sentence for whatever is wrong."""

from __future__ import annotations

import errno
import re
import stat
from pathlib import Path

import pytest

from app.demo import scenes
from app.demo.director import Director
from app.demo.embedded_network import TooFewFilesError
from app.demo.loopback_network import NoLoopbackError
from app.demo.places import CONSISTENT
from app.demo.scenes import Scene
from app.exit_status import ExitStatus
from capture.model import VerdictCode
from capture.story import Keys, Story
from tests.app.running import Run, run

__all__ = ["run"]

LINE = re.compile(r"^(✓|✗) (?P<said>[\w-]+|not in the capture) +wanted (?P<wanted>.+?) +[\d.]+ s  .+: .+$")
QUICK = tuple(scene for scene in scenes.SCENES if not scene.slow and scene.then is None and not scene.same_nat)


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only scenes that take no time, and every one that is begun is printed within seconds."""
    _play_only(monkeypatch, QUICK)


def _play_only(monkeypatch: pytest.MonkeyPatch, chosen: tuple[Scene, ...]) -> None:
    whole = Director.__init__

    def init(self: Director, *arguments: object, **options: object) -> None:
        whole(self, *arguments, **options | {"scenes": chosen, "pause": 0.2})  # type: ignore[arg-type]

    monkeypatch.setattr(Director, "__init__", init)


def test_lines_files_and_status(run: Run, quick: None, tmp_path: Path) -> None:
    packets, keys = tmp_path / "demo.pcapng", tmp_path / "demo.keys"
    status, out, err = run(
        *("demo", "--headless", "1", "--speed", "8", "--count", "6", "--seed", "3"),
        *("--write", str(packets), "--keylog", str(keys)),
    )
    lines = [LINE.match(line) for line in out.splitlines()]
    assert lines
    assert all(line is not None and line["said"] in line["wanted"].split(" or ") for line in lines), out
    assert status == ExitStatus.OK
    assert f"{len(lines)} attempts, {len(lines)} with the verdict that was staged" in err
    story = Story.open([str(packets)], Keys(keylogs=(str(keys),)))
    assert len(story.flows) >= len(lines)
    assert any(flow.key.client_public_key is not None for flow in story.flows)
    assert stat.S_IMODE(keys.stat().st_mode) == 0o600


def test_a_verdict_that_was_not_staged_is_exit_12(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = Scene("staged wrongly", CONSISTENT, None, VerdictCode.LAN)
    _play_only(monkeypatch, (wrong,))
    status, out, _ = run("demo", "--headless", "0.1", "--speed", "8", "--count", "4")
    assert status == ExitStatus.UNEXPECTED_VERDICT
    assert out.startswith("✗ open-server ")


def test_without_a_terminal_it_says_what_to_do(run: Run) -> None:
    status, _, err = run("demo")
    assert status == ExitStatus.USAGE
    assert "--headless" in err


@pytest.mark.parametrize(
    "wrong",
    [
        ("--seed", "x"), ("--seed", "-1"), ("--speed", "0"), ("--speed", "nan"), ("--speed", "1000"),
        ("--count", "3"), ("--count", "201"), ("--headless", "0"), ("--headless", "soon"), ("more",),
    ],
)  # fmt: skip
def test_bad_options(run: Run, wrong: tuple[str, ...]) -> None:
    status, out, err = run("demo", *wrong)
    assert (status, out) == (ExitStatus.USAGE, "")
    assert err.startswith("peephole demo: ")


@pytest.mark.parametrize("option", ["--write", "--keylog"])
def test_a_file_that_can_not_be_written(run: Run, option: str, tmp_path: Path) -> None:
    status, _, err = run("demo", "--headless", "1", option, str(tmp_path / "no" / "such"))
    assert status == ExitStatus.USAGE
    assert "No such file" in err


@pytest.mark.parametrize(
    "error",
    [
        NoLoopbackError("only 127.0.0.1"),
        TooFewFilesError("only 12 files"),
        OSError(errno.EMFILE, "Too many open files"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_what_the_system_refuses_is_a_sentence(run: Run, error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> None:
        raise error

    monkeypatch.setattr("app.demo.embedded_network.allow_files", refuse)
    status, out, err = run("demo", "--headless", "1")
    assert (status, out) == (ExitStatus.USAGE, "")
    assert (str(error.strerror) if isinstance(error, OSError) else str(error)) in err


@pytest.mark.parametrize(
    "option", [("--preset", "lost-reply"), ("--rules", "x.toml"), ("--intercept", "kind == punch")]
)
def test_what_is_staged_is_not_interfered_with(run: Run, option: tuple[str, str]) -> None:
    status, out, err = run("demo", "--headless", "1", *option)
    assert (status, out) == (ExitStatus.USAGE, "")
    assert "--headless checks what the demo stages" in err
