"""Attempt list, message, bytes and pages as lines."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.draw.attempts import attempt_columns
from app.draw.hexdump import byte_at, bytes_per_row, hex_row, row_count
from app.draw.linked import Linked
from app.draw.message import DATAGRAM, PLAINTEXT, field_line, message_view
from app.draw.nat import nat_page
from app.draw.rounds import rounds_page
from app.draw.spans import Canvas, Span, Tone, fitted, text_of, width_of
from app.draw.verdict import verdict_page, verdict_panel
from capture.model import Flow, NatEvidence, NatSample, Outcome, TokenState
from protocol.constants import Firewall
from protocol.messages import Address
from tests.app.flows_by_hand import BOTH_RANDOM, FAST_OPEN, SEALED, STORY, TWO_ROUNDS, UNANSWERED

FAST_OPEN_SAMPLES = tuple(
    NatSample(message.time, Address("10.0.0.2", 1), Address("192.0.2.1", 7), message.src, message.sighting)
    for message in FAST_OPEN.messages[:3]
)


@pytest.mark.parametrize("width", [40, 80, 99, 100, 120, 149, 150, 200])
def test_attempts_fill_the_line_at_any_width(width: int) -> None:
    columns = attempt_columns(width)
    assert width_of(columns.heading()) == width
    for flow in STORY.flows:
        assert width_of(columns.line(flow)) == width_of(columns.heading())


def test_an_attempt_says_its_state_in_words() -> None:
    columns = attempt_columns(200)
    words = [text_of(columns.line(flow)).rpartition(" s  ")[2] for flow in STORY.flows]
    assert words == [
        "● punched (fast open)",
        "✗ both NATs random",
        "✗ probe unanswered (likely)",
        "● punched",
        "● punched",
        "? incomplete",
    ]


@pytest.mark.parametrize(("width", "shown"), [(80, "CONS*"), (120, "CONSISTENT*"), (200, "CONSISTENT*")])
@pytest.mark.parametrize("said", [None, Firewall.UNKNOWN])
def test_a_nat_class_that_was_sampled_and_not_stated_is_marked(width: int, shown: str, said: int | None) -> None:
    columns = attempt_columns(width)
    evidence = NatEvidence(said, FAST_OPEN_SAMPLES, Firewall.CONSISTENT, "three hits of one address")
    sampled = replace(FAST_OPEN, client_firewall=said, client_nat=evidence)
    assert f"{shown} " in text_of(columns.line(sampled))
    stated = replace(sampled, client_firewall=Firewall.RANDOM)
    assert "*" not in text_of(columns.line(stated)), "what was stated is the last word"
    nothing = replace(sampled, client_nat=replace(evidence, classified=Firewall.UNKNOWN))
    assert "*" not in text_of(columns.line(nothing))
    page = " ".join(text_of(linked.line) for linked in nat_page(sampled, 100))
    assert "the list shows CONSISTENT*: sampled, not stated" in page
    assert "CONSISTENT (sampled, not stated)" in " ".join(
        text_of(linked.line) for linked in verdict_page(sampled, (), 120)
    )


def test_a_wide_list_spells_tokens_out_client_first() -> None:
    line = text_of(attempt_columns(200).line(BOTH_RANDOM))
    assert line.index("– none") < line.index("✓ verified")


def message_of(flow: Flow, mode: str) -> int:
    return next(
        i
        for i, step in enumerate(flow.steps)
        if step.message is not None
        and flow.messages[step.message].mode == mode
        and flow.messages[step.message].command == "PEER_HOLEPUNCH"
    )


def view_of(flow: Flow, index: int, file: str = ""):  # type: ignore[no-untyped-def]
    step = flow.steps[index]
    assert step.sighting is not None
    payload, ends = STORY.payload(step.sighting), STORY.endpoints(step.sighting)
    return message_view(payload, step.sighting, ends, 64, flow=flow, step=step, file=file)


@pytest.mark.parametrize("mode", ["FROM_CLIENT", "FROM_RELAY", "FROM_SERVER", "REPLY"])
def test_an_opened_payload_comes_first_and_its_bytes_are_the_plaintext(mode: str) -> None:
    view = view_of(BOTH_RANDOM, message_of(BOTH_RANDOM, mode))
    assert view.rows[0].part == PLAINTEXT
    assert view.rows[0].field.name == "holepunch_payload"
    firewall = next(row for row in view.rows if row.field.name == "firewall")
    assert view.parts[PLAINTEXT][firewall.field.start : firewall.field.end] == b"\x03"
    assert "RANDOM" in text_of(field_line(firewall, open_=True))
    assert any(row.part == DATAGRAM and row.field.name == "payload" for row in view.rows), "also in a response"


def test_a_sealed_payload_says_why() -> None:
    view = view_of(SEALED, 0, "client.pcap")
    assert view.sealed_reason == "needs the server's secret key or a key log"
    assert len(view.parts) == 1
    assert view.facts[0][:2] == ("in", "client.pcap")


@pytest.mark.parametrize("kept", [11, 60, 100])
def test_a_datagram_that_the_capture_cut_is_cut_and_not_malformed(kept: int) -> None:
    index = message_of(BOTH_RANDOM, "FROM_CLIENT")
    step = BOTH_RANDOM.steps[index]
    assert step.sighting is not None
    payload, ends = STORY.payload(step.sighting), STORY.endpoints(step.sighting)
    view = message_view(payload[:kept], step.sighting, ends, 64, flow=BOTH_RANDOM, step=step, wire_length=len(payload))
    said = [fact[:2] for fact in view.facts]
    assert ("cut", f"{kept} of {len(payload)} bytes captured (snap length)") in said
    lines = [field_line(row, open_=True, cut=view.cut) for row in view.rows]
    assert any(f"kept {kept} of {len(payload)} bytes" in text_of(line) for line in lines)
    assert not [line for line in lines for span in line if span.tone is Tone.BAD]
    malformed = message_view(payload[:kept], step.sighting, ends, 64, flow=BOTH_RANDOM, step=step)
    assert not any(fact.label == "cut" for fact in malformed.facts)
    assert [
        span
        for row in malformed.rows
        for span in field_line(row, open_=True, cut=malformed.cut)
        if span.tone is Tone.BAD
    ]


def test_fields_and_bytes_find_each_other() -> None:
    for flow in STORY.flows:
        for index, step in enumerate(flow.steps[:20]):
            if step.sighting is None:
                continue
            view = view_of(flow, index)
            for number, row in enumerate(view.rows):
                if not row.field.children and row.field.end > row.field.start:
                    assert view.field_at(row.part, row.field.start) == number
                    assert view.field_at(row.part, row.field.end - 1) == number


@given(st.binary(max_size=200), st.integers(20, 120), st.data())
def test_hex_rows_are_whole_and_lit_where_asked(data: bytes, width: int, draw: st.DataObject) -> None:
    size = bytes_per_row(width)
    start = draw.draw(st.integers(0, len(data)))
    end = draw.draw(st.integers(start, len(data)))
    rows = [hex_row(data, row, size, (start, end)) for row in range(row_count(data, size))]
    shown = "".join(text_of(row)[6 : 6 + 3 * size + 1] for row in rows)
    assert bytes.fromhex(shown.replace("[", " ").replace("]", " ")) == data
    assert ("[" in shown) == (end > start)


@given(st.integers(0, 20), st.integers(0, 15), st.sampled_from([4, 8, 16]))
def test_the_byte_under_the_mouse_is_the_one_drawn_there(row: int, column: int, size: int) -> None:
    column %= size
    assert byte_at(6 + 3 * column + 1, row, size) == row * size + column
    assert byte_at(6 + 3 * size + 2 + column, row, size) == row * size + column


def links(lines: list[Linked]) -> list[int]:
    return [linked.link.frame for linked in lines if linked.link is not None]


def joined(lines: list[Linked]) -> str:
    return "\n".join(text_of(linked.line) for linked in lines)


def test_the_verdict_panel_has_all_evidence_and_advice_only_where_it_helps() -> None:
    failed, fine = (verdict_panel(flow, STORY.files, 80) for flow in (BOTH_RANDOM, FAST_OPEN))
    assert links(failed) == [one.sighting.frame for one in BOTH_RANDOM.verdict.evidence]
    assert "→ try" in joined(failed)
    assert FAST_OPEN.outcome is Outcome.CONNECTED
    assert "→ try" not in joined(fine)


def test_evidence_names_its_file_when_there_are_several() -> None:
    files = (STORY.files[0], replace(STORY.files[0], path="/captures/server.pcap"))
    proof = replace(BOTH_RANDOM.verdict.evidence[0], sighting=replace(BOTH_RANDOM.verdict.evidence[0].sighting, file=1))
    flow = replace(BOTH_RANDOM, verdict=replace(BOTH_RANDOM.verdict, evidence=(proof,)))
    assert "in server.pcap" in joined(verdict_panel(flow, files, 80))


def test_the_verdict_page_says_what_is_sealed_and_why() -> None:
    page = joined(verdict_page(SEALED, STORY.files, 100))
    assert "no public key of this target in the capture" in page
    assert "key log" in page


@pytest.mark.parametrize("width", [50, 80, 120])
def test_nat_samples_lead_to_their_packets_and_the_rule_is_named(width: int) -> None:
    page = nat_page(BOTH_RANDOM, width)
    assert BOTH_RANDOM.client_nat is not None
    assert BOTH_RANDOM.server_nat is not None
    samples = (*BOTH_RANDOM.client_nat.samples, *BOTH_RANDOM.server_nat.samples)
    assert links(page) == [sample.sighting.frame for sample in samples]
    assert "no address has 2 hits" in " ".join(joined(page).split())


def test_a_side_without_samples_says_where_they_are_missing() -> None:
    assert "No sample of the server is in this capture" in joined(nat_page(UNANSWERED, 100))


@pytest.mark.parametrize("width", [78, 120])
def test_rounds_show_both_sides_and_each_line_leads_to_its_leg(width: int) -> None:
    page = rounds_page(TWO_ROUNDS, width)
    text = joined(page)
    assert text.count("CONSISTENT") == 4
    assert "Round 0 · probe" in text
    assert "Round 1 · punch" in text
    modes = {message.sighting.frame: message.mode for message in TWO_ROUNDS.messages}
    assert {modes[frame] for frame in links(page)} == {"FROM_CLIENT", "FROM_RELAY", "FROM_SERVER", "REPLY"}
    rows = [frame for frame in links(page) if modes[frame] in ("FROM_CLIENT", "FROM_SERVER")]
    assert len(rows) == 8, "each half leads to its first leg, and each leg to itself"
    assert text.count("echoed") == 2


def test_a_round_without_a_reply_says_never_answered() -> None:
    text = joined(rounds_page(UNANSWERED, 100))
    assert "never answered" in text
    assert "sent again 3 times" in text
    assert "no reply seen" in text


def test_an_attempt_without_rounds_says_so() -> None:
    assert "never came to a round" in joined(rounds_page(SEALED, 100))
    assert SEALED.client_token is TokenState.UNREADABLE


@given(st.lists(st.tuples(st.integers(-5, 30), st.text(st.sampled_from("ab日本─│"), max_size=8)), max_size=8))
def test_a_canvas_stays_as_wide_as_it_is(puts: list[tuple[int, str]]) -> None:
    canvas = Canvas(24)
    for x, text in puts:
        canvas.put(x, text)
    assert width_of(canvas.line()) == 24


@given(st.lists(st.text(st.sampled_from("ab日本"), max_size=6), max_size=6), st.integers(0, 30))
def test_a_fitted_line_has_its_width(texts: list[str], width: int) -> None:
    assert width_of(fitted(tuple(Span(text) for text in texts), width)) == width
