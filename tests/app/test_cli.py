"""The command line: what each command prints where, its exit status, and a clear sentence for every bad input."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from app.commands.report import check_status
from app.exit_status import ExitStatus
from app.options import COMMANDS
from capture.keylog_files import HOOK
from capture.model import TokenState
from tests.app.flows_by_hand import BOTH_RANDOM, FAST_OPEN, SEALED, TWO_ROUNDS
from tests.app.running import LAB, PUNCHED, RANDOM, Run, run

__all__ = ["run"]


def test_without_arguments_it_helps(run: Run) -> None:
    for arguments in ((), ("--help",), ("-h",)):
        status, out, err = run(*arguments)
        assert (status, err) == (0, "")
        for command in COMMANDS:
            assert f"peephole {command}" in out


def test_version(run: Run) -> None:
    status, out, _ = run("--version")
    assert status == 0
    assert out.startswith("peephole ")


@pytest.mark.parametrize("command", [*COMMANDS, "open"])
def test_every_command_explains_itself(run: Run, command: str) -> None:
    status, out, err = run(
        *([] if command == "open" else [command]), *(["x", "--help"] if command == "open" else ["--help"])
    )
    assert (status, err) == (0, "")
    assert out.startswith("usage: peephole")


def test_the_hooks_path_is_printed_and_there(run: Run) -> None:
    status, out, _ = run("keylog-hook")
    assert status == 0
    assert out.strip() == str(HOOK)
    assert HOOK.is_file()


def test_report_for_people(run: Run) -> None:
    status, out, err = run("report", PUNCHED)
    assert (status, err) == (0, "")
    assert "punched" in out
    assert out.endswith("1 attempt · 1 connected\n")


def test_report_as_json(run: Run) -> None:
    status, out, err = run("report", "--json", PUNCHED)
    assert (status, err) == (0, "")
    report = json.loads(out)
    assert [flow["verdict"]["code"] for flow in report["flows"]] == ["punched"]
    assert report["flows"][0]["key"]["holepunch_secret"] is None


def test_secrets_on_demand(run: Run) -> None:
    truth = (LAB / "consistent-consistent" / "truth.json").read_text()
    _, out, _ = run("report", "--json", "--secrets", PUNCHED)
    secret = json.loads(out)["flows"][0]["key"]["holepunch_secret"]
    assert len(secret) == 64
    assert secret in truth


def test_check_tells_failures_from_successes(run: Run) -> None:
    assert run("report", "--check", PUNCHED)[0] == 0
    assert run("report", "--check", RANDOM)[0] == ExitStatus.ATTEMPT_FAILED == 10
    assert run("report", RANDOM)[0] == 0
    assert run("report", "--check", "--filter", "outcome == connected", RANDOM)[0] == 0


def test_a_token_mismatch_is_graver_than_a_failure() -> None:
    wrong = replace(TWO_ROUNDS, client_token=TokenState.MISMATCH)
    assert check_status([FAST_OPEN, TWO_ROUNDS, SEALED]) == 0
    assert check_status([FAST_OPEN, BOTH_RANDOM]) == 10
    assert check_status([wrong]) == check_status([BOTH_RANDOM, wrong]) == check_status([wrong, BOTH_RANDOM]) == 11


def test_filters_select(run: Run) -> None:
    _, out, _ = run("report", "--json", "--filter", "verdict != punched", PUNCHED)
    assert json.loads(out)["flows"] == []
    _, out, _ = run("report", "--filter", "verdict != punched", PUNCHED)
    assert "None of 1 attempts passes the filter." in out


def test_a_bad_filter_is_status_4_and_says_where(run: Run) -> None:
    status, out, err = run("report", "--filter", "verdikt == punched", PUNCHED)
    assert (status, out) == (4, "")
    assert err == "peephole: the filter is wrong at column 1: no field is named 'verdikt'; did you mean verdict?\n"


def test_a_capture_can_come_over_standard_input(run: Run) -> None:
    completed = subprocess.run(
        [sys.executable, "-m", "app", "report", "--json", "-"],
        input=Path(PUNCHED).read_bytes(),
        capture_output=True,
        check=True,
    )
    piped = json.loads(completed.stdout)
    assert piped["files"][0]["path"] == "-"
    _, out, _ = run("report", "--json", PUNCHED)
    assert [flow["id"] for flow in piped["flows"]] == [flow["id"] for flow in json.loads(out)["flows"]]


def test_several_vantages_are_one_story(run: Run) -> None:
    folder = LAB / "consistent-consistent"
    _, out, _ = run("report", "--json", *(str(folder / f"{name}.pcap.gz") for name in ("client", "wan", "server")))
    report = json.loads(out)
    assert len(report["files"]) == 3
    assert len(report["flows"]) == 1


def test_the_clock_of_a_file_can_be_given(run: Run) -> None:
    client, server = (str(LAB / "consistent-consistent" / f"{name}.pcap.gz") for name in ("client", "server"))
    status, out, _ = run("report", "--json", client, server, "--offset", "server.pcap.gz=0.25")
    assert status == 0
    assert [file["clock_offset"] for file in json.loads(out)["files"]] == [0, 0.25]
    status, text, _ = run("export", client, server, "--offset", f"{server}=0.25", "--flow", "", "--format", "text")
    assert status == 0
    assert "◨ server.pcap.gz clock +250.0 ms as given" in text


@pytest.mark.parametrize("wrong", ["server.pcap", "server.pcap=", "=3", "server.pcap=soon", "server.pcap=nan", "a=1e9"])
def test_a_clock_that_is_no_number_is_refused(run: Run, wrong: str) -> None:
    status, _, err = run("report", PUNCHED, "--offset", wrong)
    assert status == 2
    assert "FILE=SECONDS" in err


def test_a_clock_of_a_file_that_is_not_read_is_refused(run: Run) -> None:
    status, _, err = run("report", PUNCHED, "--offset", "other.pcap=1")
    assert status == 2
    assert "--offset other.pcap: none of the files to read is called that" in err
