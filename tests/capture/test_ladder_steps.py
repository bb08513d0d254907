"""Steps of the ladder: what is folded, what is awaited, and where tokens are noted."""

from __future__ import annotations

import pytest

from capture.flows.ladder import ANSWER_WITHIN, MOST_SENDS
from capture.model import Flow, Step, StepKind, TokenState
from protocol.constants import UdxFlag
from tests.capture.story_builder import CLIENT_TOKEN, CONSISTENT, SERVER_TOKEN, called, says, udx

PROBE = says(CONSISTENT)


def missing(flow: Flow) -> list[Step]:
    return [step for step in flow.steps if step.kind is StepKind.MISSING]


def test_packets_that_only_keep_the_path_open_are_counted() -> None:
    wire, call = called()
    call.probe()
    call.punch()
    call.punch(by_client=False)
    for _ in range(3):
        wire.send(call.punch_socket, call.server_puncher, udx(call.streams[0], UdxFlag.DATA))
    for _ in range(4):
        wire.wait(5)
        wire.send(call.punch_socket, call.server_puncher, udx(call.streams[0]))
    wire.send(call.server_puncher, call.punch_socket, udx(call.streams[1], UdxFlag.DATA))
    labels = [step.label for step in wire.flow().steps if step.kind is StepKind.STREAM]
    assert labels == ["UDX stream ×7 (4 heartbeats)", "UDX stream"]


@pytest.mark.parametrize("sends", range(1, MOST_SENDS + 1))
def test_an_answer_is_awaited_until_the_last_send_is_given_up(sends: int) -> None:
    wire, call = called()
    tid, sealed = None, call.seal(PROBE)
    for number in range(sends):
        if number:
            wire.wait(ANSWER_WITHIN)
        tid = call.round(sealed, None, legs="1", tid=tid)
    flow = wire.flow()
    asked = [message for message in flow.messages if message.command == "PEER_HOLEPUNCH"]
    assert len(asked) == sends
    (step,) = missing(flow)
    assert step.time == pytest.approx(asked[-1].time + ANSWER_WITHIN), "it stands where that send is given up"
    assert step.due == pytest.approx(asked[0].time + MOST_SENDS * ANSWER_WITHIN, abs=0.1)


def test_what_is_seen_of_an_answer_is_not_missing() -> None:
    wire, call = called()
    call.round(PROBE, PROBE, legs="123")
    assert [(step.from_lane, step.label.split()[0]) for step in missing(wire.flow())] == [("relay1", "REPLY")]


def notes(flow: Flow) -> list[tuple[str | None, str, TokenState | None]]:
    found = []
    for step in flow.steps:
        mode = None if step.message is None else flow.messages[step.message].mode
        found += [(mode, note.lane, note.token) for note in step.notes]
    return found


ASKS = says(CONSISTENT, round=1, punching=True, token=CLIENT_TOKEN, echo=SERVER_TOKEN)
SAYS = says(CONSISTENT, round=1, punching=True, echo=CLIENT_TOKEN)


@pytest.mark.parametrize(
    ("legs", "places"),
    [
        pytest.param(
            "1234",
            [
                ("FROM_SERVER", "server", TokenState.ISSUED),
                ("FROM_CLIENT", "client", None),
                ("FROM_CLIENT", "client", TokenState.ISSUED),
                ("FROM_RELAY", "server", TokenState.VERIFIED),
                ("FROM_SERVER", "server", None),
                ("REPLY", "client", TokenState.VERIFIED),
            ],
            id="everything",
        ),
        pytest.param(
            "14",
            [
                ("REPLY", "server", TokenState.ISSUED),
                ("FROM_CLIENT", "client", TokenState.ISSUED),
                ("FROM_CLIENT", "server", TokenState.VERIFIED),
                ("REPLY", "client", TokenState.VERIFIED),
            ],
            id="at the client",
        ),
        pytest.param(
            "23",
            [
                ("FROM_SERVER", "server", TokenState.ISSUED),
                ("FROM_RELAY", "client", TokenState.ISSUED),
                ("FROM_RELAY", "server", TokenState.VERIFIED),
                ("FROM_SERVER", "client", TokenState.VERIFIED),
            ],
            id="at the server",
        ),
    ],
)
def test_a_token_is_noted_where_it_is_written_and_where_it_is_checked(
    legs: str, places: list[tuple[str, str, TokenState | None]]
) -> None:
    wire, call = called()
    call.round(PROBE, says(CONSISTENT, token=SERVER_TOKEN), legs=legs)
    call.round(ASKS, SAYS, legs=legs)
    assert notes(wire.flow()) == places
