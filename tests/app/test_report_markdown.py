"""The report for a bug thread: what it holds, that nothing in a capture becomes markup, the options that make it."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.markdown_text import code, escaped, fenced, table
from app.report_markdown import markdown_report
from capture.model import Evidence, Flow
from capture.story import Story
from tests.app.flows_by_hand import BOTH_RANDOM, STORY
from tests.app.running import RANDOM, Run, run

__all__ = ["run"]

LAB = Path(__file__).parent.parent / "fixtures" / "lab"


def reported(flow: Flow, notes: tuple[str, ...] = ()) -> str:
    return markdown_report(flow, STORY.files, STORY, version="1.2.3", notes=notes)


def section(report: str, title: str) -> str:
    return report.partition(f"\n## {title}\n")[2].partition("\n## ")[0]


def test_it_begins_with_the_verdict_and_its_proof() -> None:
    report = reported(BOTH_RANDOM)
    head = report.partition("\n## ")[0]
    assert head.startswith(f"# ✗ both-nats-random: hole-punch attempt `{BOTH_RANDOM.id}`\n")
    assert "HOLEPUNCH\\_DOUBLE\\_RANDOMIZED\\_NATS first" in head
    assert f"1. packet {BOTH_RANDOM.verdict.evidence[0].sighting.frame}: the client says RANDOM" in head
    assert "**What to try.** Try relayThrough" in head


@pytest.mark.parametrize("name", ["consistent-random/wan", "loss/nat", "tour/wan", "peer-not-found/wan"])
def test_it_holds_everything_a_maintainer_asks_for(name: str) -> None:
    story = Story.open([str(LAB / f"{name}.pcap.gz")])
    for flow in story.flows:
        report = markdown_report(flow, story.files, story, version="1.2.3")
        titles = re.findall(r"^## (.+)$", report, re.MULTILINE)
        assert [one for one in titles if one not in ("Candidates", "Oddities")] == [
            "Facts",
            "NATs",
            "Rounds",
            "Ladder",
            "Versions",
        ]
        assert "Candidates" in titles or not flow.candidates
        rows = [line for line in section(report, "Rounds").splitlines() if line.startswith("|")]
        assert len(rows) == (2 + 2 * len(flow.rounds) if flow.rounds else 0)
        assert "Peephole 1.2.3, by the rules of hyperdht" in section(report, "Versions")
        for line in report.splitlines():
            if line.startswith("|"):
                assert line.endswith("|")


def test_comments_are_quoted() -> None:
    assert "\n> seen after the \\*router\\* was replaced\n" in reported(
        BOTH_RANDOM, ("seen after the *router* was replaced",)
    )


def test_nothing_in_a_capture_becomes_markup() -> None:
    evil = "<img src=x> [a](http://b) | `c` *d* \x1b[31m @everyone #1 ```"
    verdict = replace(BOTH_RANDOM.verdict, summary=evil, advice=evil, application_error=evil)
    verdict = replace(verdict, evidence=(Evidence(BOTH_RANDOM.verdict.evidence[0].sighting, evil),))
    flow = replace(BOTH_RANDOM, verdict=verdict, notes=(evil,))
    report = reported(flow, (evil,))
    text = re.sub(r"\\.", "", report.partition("```text")[0])
    assert "\x1b" not in report
    for mark in ("<img", "[a](", " `c`", "*d*", " @everyone", " #1"):
        assert mark not in text, mark
    assert report.count("\n```") == 2, "only the fence of the ladder"


@given(st.text(max_size=80))
def test_escaped_text_has_no_bare_sign(text: str) -> None:
    shown = escaped(text)
    assert "\n" not in shown
    assert not re.search(r"(?<!\\)(?:\\\\)*[`*_\[\]<>|]", shown)


@given(st.text(max_size=60))
def test_a_code_span_ends_where_it_ends(text: str) -> None:
    shown = code(text)
    fence = re.match(r"`+", shown)
    assert fence is not None
    inside = shown[len(fence[0]) : -len(fence[0])]
    assert fence[0] not in re.findall(r"`+", inside)
    assert shown.endswith(fence[0])
    assert "|" not in shown


@given(st.lists(st.text(st.characters(exclude_characters="\n\r"), max_size=20), max_size=5))
def test_a_fence_is_longer_than_what_is_in_it(lines: list[str]) -> None:
    first, *inside, last = fenced(lines)
    assert inside == lines
    assert first == f"{last}text"
    assert not any(line.startswith(last) for line in lines)


def test_a_table_has_a_cell_for_each_head() -> None:
    assert list(table(("a", "b"), [("1", "2")])) == ["| a | b |", "|---|---|", "| 1 | 2 |"]


def test_the_command_writes_one_attempt(run: Run) -> None:
    status, out, _ = run("report", RANDOM, "--format", "json")
    assert status == 0
    found = re.search(r'"id": "([0-9a-f]{16})"', out)
    assert found is not None
    status, out, _ = run("report", RANDOM, "--flow", found[1][:6], "--format", "markdown")
    assert status == 0
    assert out.startswith("# ✗ both-nats-random")
    status, out, _ = run("report", RANDOM, "--flow", found[1], "--check")
    assert status == 10
    assert "\n1 attempt · 1 failed\n" in out


@pytest.mark.parametrize(
    "options",
    [
        ("--format", "markdown"),
        ("--statistics", "--format", "markdown"),
        ("--statistics", "--flow", "00"),
        ("--json", "--format", "text"),
        ("--flow", "ffff"),
    ],
)
def test_options_that_do_not_go_together_are_refused(run: Run, options: tuple[str, ...]) -> None:
    status, out, err = run("report", RANDOM, *options)
    assert (status, out) == (2, "")
    assert err.startswith("peephole: --")
