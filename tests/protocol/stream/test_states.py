"""The life of a stream: each act in each state does what the table says, and the machine keeps to the table."""

from __future__ import annotations

from itertools import product

import pytest

from protocol.messages import Address
from protocol.stream.events import CloseReason, RemoteEnded, StreamClosed, StreamEvent
from protocol.stream.packet import DESTROY, END, build, parse
from protocol.stream.states import ACTIVE, OWNERS_ACTS, TABLE, Act, LocalProtocolError, State, step
from protocol.stream.udx import LINGER, UdxStream

PEER = Address("198.51.100.2", 2002)
OURS, THEIRS = 11, 22
START = 50.0


class Driver:
    """A stream whose peer is the test."""

    def __init__(self) -> None:
        self.stream = UdxStream(OURS)
        self.now = START
        self.events: list[StreamEvent] = []
        self.sent: list[tuple[int, int]] = []
        """Flags and number of each packet that the stream sent."""
        self.peer_seq = 0

    def do(self, act: Act) -> None:
        stream = self.stream
        if act is Act.CONNECT:
            stream.connect(THEIRS, PEER, self.now)
        elif act is Act.SEND:
            stream.send(b"data")
        elif act is Act.SEND_MESSAGE:
            stream.send_message(b"message")
        elif act is Act.CHANGE_REMOTE:
            stream.change_remote(THEIRS + 1, Address("203.0.113.3", 3003))
        elif act is Act.END:
            stream.end()
        elif act is Act.DESTROY:
            stream.destroy()
        elif act is Act.END_ACKED:
            self.poll()
            self.packet(0, ack=stream.sender.outgoing.next_seq)
        elif act is Act.REMOTE_END:
            self.packet(END)
            self.peer_seq += 1
        elif act is Act.REMOTE_DESTROY:
            self.packet(DESTROY)
        elif act is Act.GIVE_UP:
            self.silence()
        elif act is Act.LINGER_OVER:
            self.now += LINGER + 1
            stream.handle_timeout(self.now)
        self.poll()

    def packet(self, flags: int, ack: int | None = None) -> None:
        acked = self.stream.sender.outgoing.acked if ack is None else ack
        self.stream.receive_datagram(build(flags, OURS, 1 << 20, self.peer_seq, acked), PEER, self.now)

    def silence(self) -> None:
        """The peer is gone: something unacknowledged is sent until there is no timeout left."""
        if self.stream.state in (State.OPEN, State.HALF_OPEN):
            self.stream.send(b"unanswered")
        for _ in range(20):
            self.poll()
            if self.stream.state is State.CLOSED or (at := self.stream.next_timeout()) is None:
                return
            if self.stream.state in (State.LINGERING, State.RESETTING):
                return
            self.now = max(self.now, at)
            self.stream.handle_timeout(self.now)

    def poll(self) -> None:
        while (out := self.stream.poll_datagram(self.now)) is not None:
            packet = parse(out[0])
            assert packet is not None
            self.sent.append((packet.flags, packet.seq))
        while (event := self.stream.poll_event()) is not None:
            self.events.append(event)


WAYS = {
    State.IDLE: [],
    State.OPEN: [Act.CONNECT],
    State.FINISHING: [Act.CONNECT, Act.END],
    State.FINISHED: [Act.CONNECT, Act.END, Act.END_ACKED],
    State.HALF_OPEN: [Act.CONNECT, Act.REMOTE_END],
    State.CLOSING: [Act.CONNECT, Act.REMOTE_END, Act.END],
    State.LINGERING: [Act.CONNECT, Act.REMOTE_END, Act.END, Act.END_ACKED],
    State.RESETTING: [Act.CONNECT, Act.DESTROY],
    State.CLOSED: [Act.CONNECT, Act.REMOTE_DESTROY],
}


def in_state(state: State) -> Driver:
    driver = Driver()
    for act in WAYS[state]:
        driver.do(act)
    assert driver.stream.state is state
    return driver


@pytest.mark.parametrize(("state", "act"), product(State, Act), ids=lambda value: value.name.lower())
def test_each_act_in_each_state_does_what_the_table_says(state: State, act: Act) -> None:
    driver = in_state(state)
    after = TABLE.get((state, act))
    if after is None and act in OWNERS_ACTS:
        with pytest.raises(LocalProtocolError, match=state.name.lower()):
            driver.do(act)
        assert driver.stream.state is state
        return
    driver.do(act)
    assert driver.stream.state is (after or state)
    assert step(state, act) is (after or state)


@pytest.mark.parametrize(("state", "act"), product(State, Act), ids=lambda value: value.name.lower())
def test_the_last_event_comes_once(state: State, act: Act) -> None:
    driver = in_state(state)
    if (state, act) in TABLE or act not in OWNERS_ACTS:
        driver.do(act)
    over = driver.stream.state in (State.LINGERING, State.RESETTING, State.CLOSED)
    closed = [event for event in driver.events if isinstance(event, StreamClosed)]
    assert len(closed) == over
    assert not closed or driver.events[-1] is closed[0]


@pytest.mark.parametrize(
    ("acts", "reason"),
    [
        ([Act.CONNECT, Act.END, Act.END_ACKED, Act.REMOTE_END], CloseReason.ENDED),
        ([Act.CONNECT, Act.REMOTE_END, Act.END, Act.END_ACKED], CloseReason.ENDED),
        ([Act.CONNECT, Act.END, Act.REMOTE_END, Act.END_ACKED], CloseReason.ENDED),
        ([Act.DESTROY], CloseReason.DESTROYED),
        ([Act.CONNECT, Act.DESTROY], CloseReason.DESTROYED),
        ([Act.CONNECT, Act.REMOTE_DESTROY], CloseReason.RESET),
        ([Act.CONNECT, Act.GIVE_UP], CloseReason.TIMED_OUT),
        ([Act.CONNECT, Act.END, Act.GIVE_UP], CloseReason.TIMED_OUT),
        ([Act.CONNECT, Act.SEND, Act.REMOTE_END, Act.END, Act.GIVE_UP], CloseReason.TIMED_OUT),
        ([Act.CONNECT, Act.REMOTE_END, Act.END, Act.GIVE_UP], CloseReason.ENDED),
    ],
)
def test_the_reason_is_told(acts: list[Act], reason: CloseReason) -> None:
    driver = Driver()
    for act in acts:
        driver.do(act)
    assert driver.events[-1] == StreamClosed(reason)
    assert (RemoteEnded() in driver.events) == (Act.REMOTE_END in acts)


def test_a_lingering_stream_acknowledges_late_packets_again() -> None:
    driver = in_state(State.LINGERING)
    driver.sent.clear()
    driver.peer_seq = 0
    driver.do(Act.REMOTE_END)
    assert driver.sent == [(0, 1)]


def test_a_destroyed_stream_says_so_again() -> None:
    driver = in_state(State.RESETTING)
    assert driver.sent == [(DESTROY, 0)]
    driver.packet(0)
    driver.poll()
    assert driver.sent == [(DESTROY, 0)] * 2


def test_a_peer_that_is_given_up_is_told() -> None:
    driver = in_state(State.OPEN)
    driver.do(Act.GIVE_UP)
    assert driver.sent[-1] == (DESTROY, 1)


@pytest.mark.parametrize("state", [State.IDLE, State.CLOSED])
def test_packets_that_nobody_waits_for_are_counted(state: State) -> None:
    driver = in_state(state)
    before = len(driver.sent)
    driver.packet(END)
    driver.poll()
    assert driver.stream.counters.unexpected == 1
    assert len(driver.sent) == before


@pytest.mark.parametrize("state", [state for state in State if state not in ACTIVE])
def test_a_stream_that_is_over_has_no_deadline_but_lingering(state: State) -> None:
    driver = in_state(state)
    at = driver.stream.next_timeout()
    assert at == (START + LINGER if state in (State.LINGERING, State.RESETTING) else None)
