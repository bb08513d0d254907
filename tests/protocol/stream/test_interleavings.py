"""Whatever two owners do in whatever order, over whatever link: the laws of a stream hold.

- What arrives is a beginning of what was sent, in order; all of it when both sides ended well.
- There is one final event, and nothing after it.
- Memory is bounded: what waits to be read, to be sent, to be acknowledged.
- Nothing goes on for ever: left alone, both streams come to rest.
"""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from protocol.messages import Address
from protocol.stream.events import CloseReason, RemoteEnded
from protocol.stream.outgoing import SEND_BUFFER
from protocol.stream.packet import DATA, MAX_PAYLOAD, SACK, build, sack_field
from protocol.stream.receiver import MAX_MESSAGES
from protocol.stream.states import ACTIVE, State
from protocol.stream.udx import UdxStream
from tests.protocol.stream.link import LEFT, RIGHT, Conditions, End, Link, linked

WINDOW = 20_000
CONDITIONS = st.builds(
    Conditions,
    delay=st.sampled_from([0.0, 0.001, 0.05, 0.4]),
    jitter=st.sampled_from([0.0, 0.03]),
    loss=st.sampled_from([0.0, 0.1, 0.4]),
    duplication=st.sampled_from([0.0, 0.2]),
    rate=st.sampled_from([0.0, 200_000.0]),
)
ACTS = st.lists(
    st.tuples(
        st.booleans(),
        st.one_of(
            st.tuples(st.just("send"), st.integers(0, 60_000)),
            st.tuples(st.just("message"), st.integers(0, MAX_PAYLOAD)),
            st.tuples(st.sampled_from(["end", "destroy", "move", "pause", "read", "cut", "mend"]), st.just(0)),
            st.tuples(st.just("wait"), st.integers(1, 40)),
        ),
    ),
    max_size=25,
)


class Owners:
    """Two owners that do as they are told, as far as their streams allow."""

    def __init__(self, link: Link) -> None:
        self.link = link
        self.sent = {LEFT: bytearray(), RIGHT: bytearray()}

    def act(self, end: End, name: str, amount: int) -> None:
        stream, link = end.stream, self.link
        alive = stream.state in ACTIVE
        if name == "send" and stream.may_send:
            sent = self.sent[end.addr]
            data = bytes((len(sent) + n) % 251 for n in range(amount))
            sent += data
            stream.send(data)
        elif name == "message" and alive:
            stream.send_message(bytes(amount))
        elif name == "end" and stream.state in (State.OPEN, State.HALF_OPEN):
            stream.end()
        elif name == "destroy":
            stream.destroy()
        elif name == "move" and alive:
            stream.change_remote(link.other(end).stream.id, link.other(end).addr)
        elif name in ("pause", "read"):
            end.reading = name == "read"
        elif name in ("cut", "mend"):
            link.dead = name == "cut"
        elif name == "wait":
            for _ in range(amount):
                link.step()
                self.check()
        link.settle()
        self.check()

    def check(self) -> None:
        for end in (self.link.left, self.link.right):
            other = self.link.other(end)
            assert end.received == self.sent[other.addr][: len(end.received)]
            stream = end.stream
            incoming, outgoing = stream.receiver.incoming, stream.sender.outgoing
            assert 0 <= incoming.unread < 2 * WINDOW + MAX_PAYLOAD
            assert incoming.unread + incoming.window <= WINDOW or incoming.window == 0
            assert outgoing.unsent < SEND_BUFFER + 60_000
            assert outgoing.inflight == sum(packet.size for packet in outgoing.flying.values())
            assert not set(outgoing.flying) & set(outgoing.lost)
            waiting = len(outgoing.flying) + len(outgoing.lost) + outgoing.sacked
            assert stream.state not in ACTIVE or waiting == outgoing.next_seq - outgoing.acked
            assert len(stream.receiver.events) < WINDOW + MAX_MESSAGES
            assert end.closed is None or stream.state not in ACTIVE
            assert end.events.count(RemoteEnded()) <= 1


@settings(max_examples=150, deadline=None)
@given(CONDITIONS, ACTS, st.integers(0, 2**16), st.sampled_from([0, 2**32 - 5]))
def test_the_laws_hold(conditions: Conditions, acts: list[tuple[bool, tuple[str, int]]], seed: int, seq: int) -> None:
    link = linked(conditions, seed, seq=seq, window=WINDOW)
    owners = Owners(link)
    for left, (name, amount) in acts:
        owners.act(link.left if left else link.right, name, amount)
    link.dead = False
    for end in (link.left, link.right):
        end.reading = True
        if end.stream.state in (State.OPEN, State.HALF_OPEN):
            end.stream.end()
    link.run(limit=900.0)
    owners.check()
    # The last packet may be lost, whatever it is: then one side may wait on when the other is over.
    for end in (link.left, link.right):
        if end.stream.state in ACTIVE:
            assert link.other(end).closed is not None
            assert link.other(end).stream.state is State.CLOSED
        if end.closed is not None and end.closed.reason is CloseReason.ENDED:
            assert end.received == owners.sent[link.other(end).addr]


SMALL = st.integers(0, 20)
NUMBER = st.one_of(SMALL, st.integers(0, 2**32 - 1))
RANGES = st.lists(st.tuples(NUMBER, NUMBER), max_size=4).map(sack_field)
HOSTILE = st.one_of(
    st.binary(max_size=60),
    st.builds(build, st.integers(0, 255), st.just(11), NUMBER, NUMBER, NUMBER, st.binary(max_size=60)),
    st.builds(build, st.sampled_from([0, SACK, SACK | DATA]), st.just(11), NUMBER, SMALL, SMALL, RANGES),
)


@settings(max_examples=400, deadline=None)
@given(st.lists(st.tuples(HOSTILE, st.integers(0, 5)), max_size=60))
def test_no_datagram_raises_or_grows_anything(steps: list[tuple[bytes, int]]) -> None:
    stream = UdxStream(11, receive_window=2000)
    stream.connect(22, RIGHT, 1.0)
    stream.send(bytes(15_000))
    now = 1.0
    for datagram, act in steps:
        stream.receive_datagram(datagram, Address("203.0.113.3", 3003), now)
        now += 0.3 * act
        if act == 1 and stream.may_send:
            stream.send(bytes(3000))
        elif act == 2 and stream.state in (State.OPEN, State.HALF_OPEN):
            stream.end()
        at = stream.next_timeout()
        if at is not None and at <= now:
            stream.handle_timeout(now)
        out = 0
        while (sent := stream.poll_datagram(now)) is not None:
            out += 1
            assert sent[1] == RIGHT, "no answer to a stranger"
        assert out < 60
        incoming, outgoing = stream.receiver.incoming, stream.sender.outgoing
        assert incoming.unread < 2000 + 60
        assert incoming.unread + incoming.window <= 2000 + 60
        waiting = len(outgoing.flying) + len(outgoing.lost) + outgoing.sacked
        assert stream.state not in ACTIVE or waiting == outgoing.next_seq - outgoing.acked
        assert outgoing.all_acked or stream.state not in ACTIVE or outgoing.oldest().seq == outgoing.acked
    counted = stream.counters
    assert counted.packets_received + counted.unsound >= len(steps)
