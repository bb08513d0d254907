"""Every act in every state, at the table and at both machines."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product

import pytest

from protocol.blind_relay.client import PairingFailed, RelayClient, RelayClosed
from protocol.blind_relay.events import SessionClosed
from protocol.blind_relay.frames import ChannelFrame, CloseFrame, OpenFrame, RejectFrame, encode_frame
from protocol.blind_relay.limits import MuxLimits, RelayLimits
from protocol.blind_relay.messages import PROTOCOL, Pair, Unpair, encode_pair, encode_unpair
from protocol.blind_relay.server import RelayServer
from protocol.blind_relay.session import RelaySession
from protocol.blind_relay.states import (
    ENDS,
    OWNERS_ACTS,
    TABLE,
    RelayAct,
    RelayEnd,
    RelayErrorName,
    RelayState,
    step,
)
from protocol.messages import Address
from protocol.stream.states import LocalProtocolError
from tests.protocol.blind_relay.relayed import OTHER_TOKEN, TOKEN

KEY = bytes(32)
OPEN = encode_frame(OpenFrame(1, PROTOCOL, KEY))
LIMITS = MuxLimits(max_backlog=200)
WAYS = {
    RelayState.OPENING: [],
    RelayState.OPEN: [RelayAct.OPENED],
    RelayState.ENDING: [RelayAct.OPENED, RelayAct.PAIR, RelayAct.END],
    RelayState.CLOSED: [RelayAct.DESTROY],
}
EVERY = list(product(RelayState, RelayAct))


class ClientDriver:
    """A client whose relay is the test."""

    def __init__(self) -> None:
        self.machine = RelayClient(KEY, LIMITS)
        self.events: list[object] = []
        self.token = TOKEN

    @property
    def state(self) -> RelayState:
        return self.machine.state

    def do(self, act: RelayAct) -> None:
        machine = self.machine
        if act is RelayAct.PAIR:
            machine.pair(True, self.token, 11)
            self.token = OTHER_TOKEN
        elif act is RelayAct.UNPAIR:
            machine.unpair(bytes(32))
        elif act is RelayAct.END:
            machine.end()
        elif act is RelayAct.DESTROY:
            machine.destroy()
        elif act is RelayAct.SETTLED:
            machine.receive(encode_frame(ChannelFrame(1, 0, encode_pair(Pair(True, TOKEN, 7)))))
        else:
            remote_act(machine.receive, machine.stream_closed, act, opened=self.state is not RelayState.OPENING)
        self.drain()

    def drain(self) -> None:
        while (event := self.machine.poll_event()) is not None:
            self.events.append(event)

    @property
    def end(self) -> RelayEnd | None:
        return next((event.end for event in self.events if isinstance(event, RelayClosed)), None)


class SessionDriver:
    """A session whose client is the test."""

    def __init__(self) -> None:
        self.server = RelayServer(iter(range(100, 200)).__next__, RelayLimits(mux=LIMITS))
        session = self.server.accept(KEY, Address("198.51.100.1", 1))
        assert session is not None
        self.machine: RelaySession = session
        self.events: list[object] = []
        self.token = TOKEN

    @property
    def state(self) -> RelayState:
        return self.machine.state

    def do(self, act: RelayAct) -> None:
        machine = self.machine
        if act is RelayAct.PAIR:
            self.receive(encode_frame(ChannelFrame(1, 0, encode_pair(Pair(True, self.token, 11)))))
            self.token = OTHER_TOKEN
        elif act is RelayAct.UNPAIR:
            self.receive(encode_frame(ChannelFrame(1, 1, encode_unpair(Unpair(bytes(32))))))
        elif act is RelayAct.END:
            machine.end()
        elif act is RelayAct.DESTROY:
            machine.destroy()
        elif act is RelayAct.SETTLED:
            self.receive(encode_frame(ChannelFrame(1, 1, encode_unpair(Unpair(TOKEN)))))
        else:
            remote_act(self.receive, machine.stream_closed, act, opened=self.state is not RelayState.OPENING)
        while (event := self.server.poll_event()) is not None:
            self.events.append(event)

    def receive(self, message: bytes) -> None:
        self.machine.receive(message, 5.0)

    @property
    def end(self) -> RelayEnd | None:
        return next((event.end for event in self.events if isinstance(event, SessionClosed)), None)


def remote_act(
    receive: Callable[[bytes], None], stream_closed: Callable[[], None], act: RelayAct, *, opened: bool
) -> None:
    if act is RelayAct.OPENED:
        receive(OPEN)
    elif act is RelayAct.REMOTE_CLOSED:
        receive(encode_frame(CloseFrame(1)))
    elif act is RelayAct.REJECTED:
        receive(encode_frame(RejectFrame(1)))
    elif act is RelayAct.MALFORMED:
        receive(b"\xff")
    elif act is RelayAct.FLOODED:
        for _ in range(LIMITS.max_backlog):
            receive(encode_frame(OpenFrame(2 if opened else 1, "other")))
    else:
        stream_closed()


Driver = ClientDriver | SessionDriver
KINDS: dict[str, type[ClientDriver] | type[SessionDriver]] = {"client": ClientDriver, "session": SessionDriver}


def driver_in(kind: str, state: RelayState) -> Driver:
    driver = KINDS[kind]()
    for act in WAYS[state]:
        driver.do(act)
    assert driver.state is state
    driver.events.clear()
    return driver


@pytest.mark.parametrize(("state", "act"), EVERY)
def test_the_table(state: RelayState, act: RelayAct) -> None:
    if (state, act) in TABLE:
        assert step(state, act) is TABLE[state, act]
    elif act in OWNERS_ACTS:
        with pytest.raises(LocalProtocolError, match=act.name.lower()):
            step(state, act)
    else:
        assert step(state, act) is state


def test_only_what_has_a_name_closes() -> None:
    closing = {act for (state, act), after in TABLE.items() if after is RelayState.CLOSED is not state}
    assert closing == set(ENDS)
    assert len(set(ENDS.values())) == len(ENDS)


OPENED = (RelayState.OPEN, RelayState.ENDING)
AGAINST_PROTOMUX = {(state, act) for state in OPENED for act in (RelayAct.OPENED, RelayAct.REJECTED)}
"""A channel is opened and refused once."""
NOT_THERE_YET = {(RelayState.OPENING, RelayAct.REMOTE_CLOSED)}
"""There is nothing to close."""
NOTHING_WAITS = {(RelayState.OPENING, RelayAct.END), (RelayState.OPEN, RelayAct.END)}
"""So that the end is settled at once."""


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("state", "act"), EVERY)
def test_the_machines_keep_to_the_table(kind: str, state: RelayState, act: RelayAct) -> None:
    driver = driver_in(kind, state)
    if kind == "client" and act in OWNERS_ACTS and (state, act) not in TABLE:
        with pytest.raises(LocalProtocolError):
            driver.do(act)
        assert driver.state is state
        return
    driver.do(act)
    if (state, act) in NOT_THERE_YET:
        assert driver.state is state
        assert driver.machine.ignored + driver.machine._mux.ignored == 1
    elif (state, act) in AGAINST_PROTOMUX:
        assert (driver.state, driver.end) == (RelayState.CLOSED, RelayEnd.MALFORMED)
    elif (state, act) in NOTHING_WAITS:
        assert (driver.state, driver.end) == (RelayState.CLOSED, RelayEnd.ENDED)
    else:
        after = TABLE.get((state, act), state)
        assert driver.state is after
        assert driver.end is (ENDS.get(act, RelayEnd.ENDED) if after is RelayState.CLOSED is not state else None)
    before = list(driver.events)
    driver.machine.stream_closed()
    driver.do(RelayAct.DESTROY)
    assert driver.state is RelayState.CLOSED
    ends = [event for event in driver.events if isinstance(event, RelayClosed | SessionClosed)]
    assert len(ends) == (state is not RelayState.CLOSED)
    assert not ends or driver.events[-1] is ends[0]
    assert before == driver.events[: len(before)]


@pytest.mark.parametrize("act", [act for act in ENDS if act is not RelayAct.SETTLED])
def test_what_waits_fails_with_the_references_name(act: RelayAct) -> None:
    driver = driver_in("client", RelayState.OPENING if act is RelayAct.REJECTED else RelayState.OPEN)
    driver.do(RelayAct.PAIR)
    driver.do(act)
    closed = act in (RelayAct.REMOTE_CLOSED, RelayAct.REJECTED, RelayAct.STREAM_LOST)
    error = RelayErrorName.CHANNEL_CLOSED if closed else RelayErrorName.CHANNEL_DESTROYED
    assert driver.events[0] == PairingFailed(TOKEN, 11, error)
    assert isinstance(driver.events[1], RelayClosed)
    assert (driver.events[1].failure is not None) == (act is RelayAct.MALFORMED)


def test_an_end_waits_for_pairs_that_wait() -> None:
    client = RelayClient(KEY)
    client.pair(True, TOKEN, 11)
    with pytest.raises(LocalProtocolError, match="ALREADY_PAIRING"):
        client.pair(False, TOKEN, 12)
    client.end()
    assert client.state is RelayState.ENDING
    client.unpair(TOKEN)
    assert client.waiting == 0
    assert client.poll_event() == PairingFailed(TOKEN, 11, RelayErrorName.PAIRING_CANCELLED)
    assert client.poll_event() == RelayClosed(RelayEnd.ENDED)


@pytest.mark.parametrize(("token", "stream_id"), [(bytes(31), 1), (TOKEN, -1), (TOKEN, 1 << 32)])
def test_what_does_not_fit_is_not_asked(token: bytes, stream_id: int) -> None:
    client = RelayClient(KEY)
    while client.poll_message():
        pass
    with pytest.raises(ValueError, match="bytes"):
        client.pair(True, token, stream_id)
    assert client.waiting == 0
    assert client.poll_message() is None
    with pytest.raises(ValueError, match="32 bytes"):
        client.unpair(bytes(33))


@pytest.mark.parametrize(
    "answer",
    [
        ChannelFrame(1, 0, encode_pair(Pair(False, TOKEN, 7))),
        ChannelFrame(1, 0, encode_pair(Pair(True, OTHER_TOKEN, 7))),
        ChannelFrame(1, 1, encode_unpair(Unpair(TOKEN))),
        ChannelFrame(1, 9, b"later"),
    ],
    ids=["other half", "other token", "unpair", "unknown"],
)
def test_answers_to_nothing_are_counted(answer: ChannelFrame) -> None:
    driver = driver_in("client", RelayState.OPEN)
    driver.do(RelayAct.PAIR)
    driver.machine.receive(encode_frame(answer))  # type: ignore[call-arg]
    assert driver.machine.ignored == 1
    assert driver.machine.waiting == 1
    assert not driver.events
