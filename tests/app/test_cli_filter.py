"""`--filter`: one language for report, export and the rest, with its own exit status."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from capture.filter import parse_filter
from capture.story import Story
from tests.app.running import SAMPLE, Run, run

__all__ = ["run"]

TOUR = str(SAMPLE)


def reported(run: Run, expression: str) -> list[str]:
    status, out, err = run("report", "--json", TOUR, "--filter", expression)
    assert (status, err) == (0, "")
    return [flow["id"] for flow in json.loads(out)["flows"]]


@pytest.mark.parametrize(
    "expression",
    [
        "verdict == punched",
        "command == PEER_HOLEPUNCH and role == client and error == ABORTED",
        "kind == udx",
        "not kind == udx and verdict != punched",
        "time > 20",
        "hyperdht.command == PEER_HOLEPUNCH",
        "udp.port eq 49737 and tid gt 30000 and command contains holepunch",
        "RANDOM",
    ],
)
def test_a_report_of_what_passes(run: Run, expression: str) -> None:
    story = Story.open([TOUR])
    wanted = [flow.id for flow in parse_filter(expression).on(story).select(story.flows)]
    assert reported(run, expression) == wanted
    assert 0 < len(wanted) < len(story.flows)


def test_one_attempt_is_exported_by_a_filter_in_any_form(run: Run) -> None:
    wanted = "verdict == try-later"
    (flow_id,) = reported(run, wanted)
    by_id = run("export", TOUR, "--flow", flow_id, "--format", "json")
    assert run("export", TOUR, "--filter", wanted, "--format", "json") == by_id
    assert by_id[0] == 0


def test_several_attempts_go_into_one_file_of_packets_only(run: Run, tmp_path: Path) -> None:
    wanted = "outcome == failed"
    status, _, err = run("export", TOUR, "--filter", wanted, "--format", "svg")
    assert status == 2
    assert "svg holds one attempt, and 5 pass the filter: " in err
    out = tmp_path / "failed.pcapng"
    assert run("export", TOUR, "--filter", wanted, "--format", "pcapng", "-o", str(out)) == (0, "", "")
    assert set(reported(run, wanted)) <= {flow.id for flow in Story.open([str(out)]).flows}


def test_the_very_packets_that_pass_are_exported(run: Run, tmp_path: Path) -> None:
    out = tmp_path / "holepunch.pcapng"
    wanted = "command == PEER_HOLEPUNCH and kind == request"
    done = run("export", TOUR, "--filter", wanted, "--packets", "--format", "pcapng", "-o", str(out))
    assert done == (0, "", "")
    before, after = Story.open([TOUR]), Story.open([str(out)])
    mask = parse_filter(wanted).rows(before)
    assert len(after.table) == mask.sum() > 0
    assert sorted(map(after.table.payload, range(len(after.table)))) == sorted(
        before.table.payload(int(row)) for row in mask.nonzero()[0]
    )


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--format", "text"), "one of the arguments --flow --filter is required"),
        (("--flow", "a", "--filter", "b", "--format", "text"), "not allowed with argument"),
        (("--filter", "verdict == lan", "--format", "text"), "none of 10 attempts passes the filter"),
        (("--filter", "tid == 1 and tid == 2", "--packets", "--format", "pcapng"), "packets passes the filter"),
        (("--flow", "a", "--packets", "--format", "pcapng"), "--packets goes with --filter"),
        (("--filter", "a", "--packets", "--format", "svg"), "--packets goes with --filter"),
        (("--filter", "a", "--packets", "--secrets", "--format", "pcapng"), "does not go with --packets"),
        (("--filter", "a", "--round", "1", "--format", "mermaid"), "--round goes with --flow"),
    ],
)
def test_what_does_not_go_together_is_refused(run: Run, tmp_path: Path, arguments: tuple[str, ...], says: str) -> None:
    status, out, err = run("export", TOUR, "-o", str(tmp_path / "x"), *arguments)
    assert (status, out) == (2, "")
    assert says in err
    assert not (tmp_path / "x").exists()


@pytest.mark.parametrize("command", ["report", "export", "record", "open"])
def test_a_bad_filter_is_status_4_everywhere_before_anything_is_read(run: Run, tmp_path: Path, command: str) -> None:
    more = {"export": ("--format", "text"), "record": ("-o", str(tmp_path / "x"))}.get(command, ())
    before = () if command == "open" else (command,)
    status, out, err = run(*before, TOUR, "--filter", "fast_open and command == PEER_HANDSHAK", *more)
    assert (status, out) == (4, "")
    assert err.startswith("peephole: the filter is wrong at column 26: command is never 'PEER_HANDSHAK'; ")
    assert "it reads: fast_open and command ==  ⇒ PEER_HANDSHAK" in err
