"""JUnit and GitHub's annotations: what a build server reads out of them, and that nothing in a capture steers it."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.exit_status import ExitStatus
from app.report_ci import github_annotations, junit_report
from capture.model import Flow, Outcome, TokenState
from capture.story import Story
from tests.app.flows_by_hand import BOTH_RANDOM, STORY
from tests.app.running import PUNCHED, RANDOM, Run, run

__all__ = ["run"]

TOUR = str(Path(__file__).parent.parent / "fixtures" / "lab" / "tour" / "wan.pcap.gz")
COMMAND = re.compile(r"::(error|notice) (?:file=([^,:]*),)?title=([^,:]*)::(.*)\Z")


def suite(*flows: Flow) -> ElementTree.Element:
    root = ElementTree.fromstring("\n".join(junit_report(STORY.files, flows)).encode())
    (one,) = root
    assert {name: root.get(name) for name in ("tests", "failures", "errors", "skipped")} == {
        name: one.get(name) for name in ("tests", "failures", "errors", "skipped")
    }
    return one


def test_a_capture_is_a_suite_and_each_attempt_a_case(run: Run) -> None:
    status, out, _ = run("report", TOUR, "--format", "junit")
    assert status == 0
    (told,) = ElementTree.fromstring(out)
    flows = Story.open([TOUR]).flows
    assert told.get("name") == TOUR
    assert [case.get("name", "").split()[1] for case in told] == [flow.id for flow in flows]
    failed = [flow.verdict.code for flow in flows if flow.outcome is Outcome.FAILED]
    assert [element.get("type") for element in told.findall("*/failure")] == failed
    assert (told.get("tests"), told.get("failures")) == (str(len(flows)), str(len(failed)))
    assert not told.findall("*/error")


def test_a_wrong_token_is_an_error_and_the_unknown_is_skipped() -> None:
    wrong = replace(BOTH_RANDOM, server_token=TokenState.MISMATCH)
    unknown = replace(BOTH_RANDOM, outcome=Outcome.UNKNOWN)
    told = suite(BOTH_RANDOM, wrong, unknown, replace(BOTH_RANDOM, outcome=Outcome.CONNECTED))
    assert [[child.tag for child in case] for case in told] == [["failure"], ["error"], ["skipped"], []]
    assert (told.get("tests"), told.get("failures"), told.get("errors"), told.get("skipped")) == ("4", "1", "1", "1")
    (failure,) = told.findall("*/failure")
    assert failure.get("type") == "both-nats-random"
    assert failure.get("message") == BOTH_RANDOM.verdict.summary
    first = BOTH_RANDOM.verdict.evidence[0]
    assert f"packet {first.sighting.frame}: {first.says}" in (failure.text or "")


@given(st.text())
def test_nothing_said_steers_the_build(text: str) -> None:
    odd = replace(BOTH_RANDOM, verdict=replace(BOTH_RANDOM.verdict, summary=text, advice=text))
    (case,) = suite(odd)
    assert [child.tag for child in case] == ["failure"]
    lines = list(github_annotations(STORY.files, [odd]))
    assert len(lines) == 2
    assert COMMAND.match(lines[0])
    assert lines[1] == "1 attempt, 0 connected, 1 failed, 0 unknown"


def test_annotations_name_file_cause_and_proof(run: Run) -> None:
    status, out, _ = run("report", RANDOM, "--format", "github", "--check")
    assert status == ExitStatus.ATTEMPT_FAILED
    first, *rest = out.splitlines()
    command = COMMAND.match(first)
    assert command is not None
    level, path, title, said = command.groups()
    assert (level, path) == ("error", RANDOM)
    assert title.startswith("both-nats-random%3A attempt ")
    (flow,) = Story.open([RANDOM]).flows
    assert said.startswith(flow.verdict.summary + "%0A")
    assert f"packet {flow.verdict.evidence[0].sighting.frame}: " in said
    assert rest == ["1 attempt, 0 connected, 1 failed, 0 unknown"]


def test_what_connected_is_no_annotation(run: Run) -> None:
    assert run("report", PUNCHED, "--format", "github", "--check") == (
        0,
        "1 attempt, 1 connected, 0 failed, 0 unknown\n",
        "",
    )


@pytest.mark.parametrize("form", ["junit", "github"])
def test_redaction_holds_here_too(run: Run, form: str) -> None:
    (flow,) = Story.open([RANDOM]).flows
    _, out, _ = run("report", RANDOM, "--format", form, "--redact")
    assert flow.client is not None
    assert flow.client.host not in out
    assert flow.id not in out


@pytest.mark.parametrize("form", ["junit", "github"])
def test_figures_of_all_have_no_such_form(run: Run, form: str) -> None:
    status, _, err = run("report", RANDOM, "--format", form, "--statistics")
    assert status == ExitStatus.USAGE
    assert "--statistics goes with text or JSON" in err
