"""The report for people: aligned rows, sentences that fold, nothing that steers the terminal."""

from __future__ import annotations

import io
from dataclasses import replace

import pytest

from app.report_text import UNFOLDED, Style, report_lines, table, terminal_style
from app.terminal_text import cell_width
from capture.model import Sighting
from tests.app.flows_by_hand import BOTH_RANDOM, FAST_OPEN, STORY, UNANSWERED, story


def lines(width: int = UNFOLDED, *, verbose: bool = False, colour: bool = False) -> list[str]:
    return list(report_lines(STORY, STORY.flows, Style(width, colour), verbose=verbose))


def test_one_row_for_each_attempt_aligned() -> None:
    rows = table(STORY.flows, 120)
    assert len(rows) == len(STORY.flows)
    starts = {row.index("10:00:") for row in rows}
    assert len(starts) == 1
    for row, flow in zip(rows, STORY.flows, strict=True):
        assert flow.id[:8] in row
        assert flow.verdict.code in row


@pytest.mark.parametrize("width", [80, 100, 132])
def test_it_keeps_to_the_terminal(width: int) -> None:
    assert max(map(cell_width, lines(width))) <= width


def test_wider_terminals_show_more() -> None:
    narrow, wide = table(STORY.flows, 80)[0], table(STORY.flows, 160)[0]
    assert cell_width(narrow) <= 80
    assert "tokens" not in narrow
    assert "tokens –/○" in wide
    assert "11.3.0.2:58193" in wide


def test_sentences_stay_whole_without_a_terminal() -> None:
    assert any(line.strip() == FAST_OPEN.verdict.summary for line in lines())


def test_a_failed_attempt_says_proof_and_advice() -> None:
    said = "\n".join(lines())
    first, second = (evidence.sighting.frame for evidence in BOTH_RANDOM.verdict.evidence)
    assert f"Proof: #{first} the client says RANDOM; #{second} the server says RANDOM" in said
    assert "The application saw HOLEPUNCH_ABORTED." in said
    assert BOTH_RANDOM.verdict.advice in said
    assert f"Likely, not proven: {UNANSWERED.verdict.summary}" in said
    assert said.endswith("6 attempts · 3 connected · 2 failed · 1 unknown")


def test_verbose_has_every_message_and_sample() -> None:
    said = lines(verbose=True)
    for flow in STORY.flows:
        for message in flow.messages:
            assert any(line.strip().startswith(f"#{message.sighting.frame} ") for line in said)
        for nat in (flow.client_nat, flow.server_nat):
            if nat is not None:
                assert any(nat.rule in line for line in said)


def test_frames_of_several_files_name_their_file() -> None:
    files = (STORY.files[0], replace(STORY.files[0], path="deep/wan.pcap"))
    evidence = tuple(replace(one, sighting=Sighting(1, 7, 0)) for one in BOTH_RANDOM.verdict.evidence)
    flow = replace(BOTH_RANDOM, verdict=replace(BOTH_RANDOM.verdict, evidence=evidence))
    told = replace(story([flow]), files=files)
    assert any("Proof: wan.pcap#7 the client" in line for line in report_lines(told, told.flows, Style(UNFOLDED)))


def test_colour_only_on_a_terminal_that_wants_it(monkeypatch: pytest.MonkeyPatch) -> None:
    assert terminal_style(io.StringIO()) == Style(UNFOLDED)
    terminal = io.StringIO()
    monkeypatch.setattr(terminal, "isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "40")
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    assert terminal_style(terminal) == Style(80, colour=True)
    monkeypatch.setenv("NO_COLOR", "")
    assert terminal_style(terminal) == Style(80, colour=True)
    monkeypatch.setenv("NO_COLOR", "1")
    assert terminal_style(terminal) == Style(80)
    assert any("\x1b[31m" in line for line in lines(colour=True))
    assert not any("\x1b" in line for line in lines())


def test_text_from_outside_can_not_steer_a_terminal() -> None:
    hostile = "\x1b[2J\x9b31m\r\u202e\ud800\n"
    verdict = replace(BOTH_RANDOM.verdict, summary=hostile, advice=hostile, application_error=hostile)
    flow = replace(BOTH_RANDOM, verdict=verdict, notes=(hostile,))
    told = replace(story([flow]), files=(replace(STORY.files[0], path=hostile),), notes=(hostile,))
    for line in report_lines(told, told.flows, Style(UNFOLDED), verbose=True):
        assert line.isprintable()
