"""A scenario that the peers' luck spoilt gets one more run, alone; nothing else does."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.truth.comparing import accepted_codes

from .cli import MISSED, missed, once_more


def ran(folder: Path, name: str, *right: bool) -> None:
    (folder / name).mkdir(parents=True)
    attempts = [{"label": f"{number}-client", "right": one} for number, one in enumerate(right)]
    attempts.append({"label": None, "right": False})  # a server's own search
    (folder / name / "truth.json").write_text(json.dumps({"attempts": attempts}))


def test_what_counts_as_missed(tmp_path: Path) -> None:
    ran(tmp_path, "good", True, True)
    ran(tmp_path, "bad", True, False)
    assert [missed(tmp_path / name) for name in ("good", "bad", "broken")] == [False, True, False]


@pytest.mark.parametrize("second", [True, False])
def test_one_more_run_and_both_are_told(second: bool, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ran(tmp_path, "luck", True, False)
    runs: list[str] = []

    def again(name: str) -> bool:
        assert not (tmp_path / name).exists()
        runs.append(name)
        return second

    assert once_more(["luck"], tmp_path, again) == ([] if second else ["luck"])
    assert runs == ["luck"]
    assert missed(tmp_path / MISSED / "luck")
    said = capsys.readouterr().out.splitlines()
    assert said[0].endswith("once more, alone")
    assert said[1].split(maxsplit=1)[1] == (
        "WRONG the first time, as it says the second time" if second else "WRONG twice"
    )


def test_an_error_is_no_bad_luck(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def again(name: str) -> bool:
        raise AssertionError(name)

    assert once_more(["broken"], tmp_path, again) == ["broken"]
    assert "not run again" in capsys.readouterr().out


def test_a_missed_run_is_judged_by_what_its_nodes_logged() -> None:
    truth = {"scenario": "consistent-random"}
    attempt = {"expected": "punched", "derived": "punched", "right": True, "payloads": []}
    assert accepted_codes(truth, attempt, "wan") == {"punched"}
    assert accepted_codes(truth, attempt | {"derived": "probes-lost", "right": False}, "wan") == {"probes-lost"}
    assert accepted_codes(truth, attempt | {"derived": "", "right": False}, "wan") == set()
