"""The pages on an attempt as lines: they fit, their links lead to what they speak of, and say what happened."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest

from app.draw.attempt_pages import PAGES, pages_strip
from app.draw.candidates import candidates_page
from app.draw.linked import Linked
from app.draw.nat import nat_page
from app.draw.rounds import rounds_page
from app.draw.spans import text_of, width_of
from app.draw.tokens import tokens_page
from app.draw.verdict import error_words, verdict_page
from capture.model import FileSummary, Flow
from capture.story import Story
from tests.app.flows_by_hand import BOTH_RANDOM, STORY
from tests.capture.story_builder import CLIENT_PUNCH, CONSISTENT, RANDOM, SERVER_TOKEN, Call, says
from tests.capture.wire_builder import Wire

LAB = Path(__file__).parents[2] / "fixtures" / "lab"
NAMES = (
    "consistent-random/wan",
    "random-consistent/server",
    "unannounced-relay/wan",
    "try-later/wan",
    "same-nat/client",
    "nat-unknown/client",
    "relayed/client",
    "loss/nat",
    "firewall-reject/client",
    "thirty-to-five/wan",
)
WIDTHS = (40, 76, 100, 128)


@cache
def lab(name: str) -> tuple[tuple[FileSummary, ...], tuple[Flow, ...]]:
    story = Story.open([str(LAB / f"{name}.pcap.gz")])
    return story.files, story.flows


def joined(lines: list[Linked]) -> str:
    return " ".join(" ".join(text_of(linked.line) for linked in lines).split())


def made(call: Call) -> Flow:
    (flow,) = call.wire.story().flows
    return flow


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", NAMES)
def test_every_page_of_every_attempt_fits_and_leads_to_its_packets(name: str, width: int) -> None:
    files, flows = lab(name)
    for flow in flows:
        for page in PAGES:
            lines = page.draw(flow, files, width)
            assert lines
            for linked in lines:
                if width >= 76 and page.id != "verdict":
                    assert width_of(linked.line) <= width, (page.id, text_of(linked.line))
                assert not linked.expression


@pytest.mark.parametrize("flow", STORY.flows, ids=lambda flow: flow.id)
def test_an_attempt_drawn_by_hand_has_all_pages(flow: Flow) -> None:
    for page in PAGES:
        assert page.draw(flow, STORY.files, 100)


@pytest.mark.parametrize("chosen", range(len(PAGES)))
def test_the_strip_fits_80_cells_and_marks_one_page(chosen: int) -> None:
    subject = "0123abcd  192.0.2.1:40001 → 3664…3976"
    line = text_of(pages_strip(chosen, subject, 80))
    assert len(line) <= 80
    assert f"[{chosen + 1} {PAGES[chosen].title} {PAGES[chosen].key}]" in line
    assert line.count("[") == 1
    assert subject not in line, "no room for it"
    assert text_of(pages_strip(chosen, subject, 120)).endswith(subject)


def test_a_later_round_makes_an_earlier_number_stale() -> None:
    call = Call(Wire())
    call.find()
    call.handshake()
    call.probe()
    call.agree()
    call.round(says(CONSISTENT, round=0, addresses=(CLIENT_PUNCH,)), says(CONSISTENT, round=1))
    text = joined(rounds_page(made(call), 120))
    assert text.count("! stale") == 1
    assert "keeps what the later round told it" in text
    assert "answers with round 1: the highest number it has seen" in text


def test_a_round_says_what_the_reference_makes_of_it() -> None:
    _, (flow, *_) = lab("consistent-random/wan")
    text = joined(rounds_page(flow, 120))
    assert "the server from 256 sockets to the client's one port" in text
    assert "(the server's own)" in text
    _, flows = lab("try-later/wan")
    assert "at its limit of random punches" in joined(rounds_page(flows[1], 120))
    _, (foreign, *_) = lab("unannounced-relay/wan")
    assert "The server calls it off" in joined(rounds_page(foreign, 120))


def test_each_message_has_a_line_and_what_never_came_too() -> None:
    _, flows = lab("relay-killed-before-punch/client")
    lines = [text_of(linked.line) for linked in rounds_page(flows[0], 100)]
    sends = sum(message.round is not None for message in flows[0].messages)
    assert sum("FROM_CLIENT" in line or "REPLY  " in line for line in lines) == sends
    assert sum("↻ FROM_CLIENT" in line for line in lines) == 3
    assert any("✕ REPLY expected here, none seen" in line for line in lines)


def test_each_token_names_the_legs_that_carried_it() -> None:
    _, (flow, *_) = lab("consistent-random/wan")
    text = joined(tokens_page(flow, 76))
    for one in flow.token_events:
        legs = [
            message
            for message in flow.messages
            if message.round == one.round and (message.mode in ("FROM_SERVER", "REPLY")) == one.in_reply
        ]
        assert "carried by " + " → ".join(f"{leg.mode} #{leg.sighting.frame}" for leg in legs) in text


def test_an_echo_over_a_foreign_relay_is_not_taken() -> None:
    _, (flow, *_) = lab("unannounced-relay/wan")
    assert "not taken equal, but it came over 11.0.5.2:49737" in joined(tokens_page(flow, 100))
    _, (fine, *_) = lab("consistent-random/wan")
    assert "not taken" not in joined(tokens_page(fine, 100))


def test_a_foreign_relay_explains_the_missing_token() -> None:
    call = Call(Wire())
    call.find()
    call.handshake()
    call.probe(token=False)
    page = joined(tokens_page(made(call), 100))
    assert "is a foreign relay, on which the server never announced itself: normal" in page
    assert "that is normal, and only a punch against a random NAT needs one" in page


def test_a_token_that_is_echoed_from_another_port_or_host_says_so() -> None:
    call = Call(Wire())
    call.find()
    call.handshake()
    call.probe()
    moved = CLIENT_PUNCH._replace(port=50077)
    call.round(
        says(CONSISTENT, round=1, punching=True, addresses=(moved,), echo=SERVER_TOKEN), says(CONSISTENT), socket=moved
    )
    assert "issued for port 50001, echoed from port 50077: a token does not cover ports" in joined(
        tokens_page(made(call), 100)
    )
    call.round(
        says(CONSISTENT, round=2, punching=True, echo=SERVER_TOKEN),
        says(CONSISTENT),
        socket=CLIENT_PUNCH._replace(host="81.2.3.99"),
    )
    assert "≠ moved" in joined(tokens_page(made(call), 100))


def test_a_host_that_was_punched_unproven_is_a_warning() -> None:
    call = Call(Wire())
    call.find()
    call.handshake()
    call.probe(CONSISTENT, CONSISTENT)
    call.punch(times=3, gap=0.01)
    page = joined(candidates_page(made(call), 100))
    assert "! never verified: 3 punches went there before a token proved the host" in page
    assert "only at every fourth tick" in page
    _, (fine, *_) = lab("consistent-random/wan")
    assert "never verified" not in joined(candidates_page(fine, 100))


def test_the_pair_that_became_the_path_is_named() -> None:
    _, (flow, *_) = lab("consistent-random/wan")
    assert "path ★ 11.1.0.2:33065 ⇄ 11.1.1.2:54810, punched" in joined(candidates_page(flow, 120))


@pytest.mark.parametrize("width", [76, 128])
def test_the_nat_page_says_what_would_have_changed_the_class(width: int) -> None:
    _, (flow, *_) = lab("random-consistent/client")
    text = joined(nat_page(flow, width))
    assert "to CONSISTENT with 2 more nodes that see" in text
    assert "frozen at" in text
    assert "= no sample" in text


def test_the_verdict_page_tells_the_masked_error_and_its_origin() -> None:
    files, (flow, *_) = lab("random-random/client")
    text = joined(verdict_page(flow, files, 100))
    assert "It has 6 origins; this is number 3: the puncher was destroyed because of another error." in text
    assert "The library made HOLEPUNCH_DOUBLE_RANDOMIZED_NATS first" in text
    _, limited = lab("random-limit/client")
    said = [" ".join(error_words(flow)) for flow in limited]
    assert any("likely number 5: the client is at its own limit of random punches" in words for words in said)
    silent = replace(BOTH_RANDOM, verdict=replace(BOTH_RANDOM.verdict, application_error=None))
    assert error_words(silent) == []


def test_both_random_is_said_in_the_round() -> None:
    call = Call(Wire())
    call.find()
    call.handshake()
    call.probe(RANDOM, RANDOM)
    assert "Both NATs are random: the client calls it off." in joined(rounds_page(made(call), 100))
