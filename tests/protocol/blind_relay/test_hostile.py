"""Whatever clients send, in whatever order: no error leaves the machines, and the relay gives no more than it may.

- Nothing but what the types say comes out; each session and client has one last event.
- The relay's sums agree and stay within the limits.
- A packet leaves only for the host of a session, to a stream that its peer named, and no packet makes two.
- Left alone, the relay forgets every half and every pair.
"""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from protocol.blind_relay.client import RelayClient, RelayClosed
from protocol.blind_relay.events import LinkClosed, LinkOpened, PairRefused, SessionClosed
from protocol.blind_relay.frames import ChannelFrame, CloseFrame, OpenFrame, RejectFrame, encode_batch, encode_frame
from protocol.blind_relay.limits import MuxLimits, RelayLimits
from protocol.blind_relay.messages import PROTOCOL, Pair, Unpair, encode_pair, encode_unpair
from protocol.blind_relay.states import RelayState
from protocol.messages import Address
from tests.protocol.blind_relay.relayed import Relayed, packet

LIMITS = RelayLimits(
    max_sessions=3,
    max_waiting=3,
    max_waiting_per_session=2,
    max_links=2,
    max_links_per_session=1,
    max_link_bytes=400,
    held_packets=2,
    max_queue=6,
    link_lifetime=400.0,
    mux=MuxLimits(max_backlog=300, max_channels=4),
)
KEY = b"k" * 32
tokens = st.sampled_from([bytes((n,)) * 32 for n in range(4)])
pairs = st.builds(Pair, st.booleans(), tokens, st.integers(0, 5)).map(encode_pair)
unpairs = tokens.map(lambda token: encode_unpair(Unpair(token)))
entries = st.one_of(
    pairs.map(lambda content: (1, b"\0" + content)),
    unpairs.map(lambda content: (1, b"\1" + content)),
    st.just((0, b"\3\1")),
    st.just((0, encode_frame(OpenFrame(1, PROTOCOL, KEY))[1:])),
    st.tuples(st.integers(0, 3), st.binary(min_size=1, max_size=6)),
)
messages = st.one_of(
    pairs.map(lambda content: encode_frame(ChannelFrame(1, 0, content))),
    unpairs.map(lambda content: encode_frame(ChannelFrame(1, 1, content))),
    st.sampled_from([encode_frame(CloseFrame(1)), encode_frame(RejectFrame(1)), encode_frame(OpenFrame(2, "x"))]),
    st.just(encode_frame(OpenFrame(1, PROTOCOL, KEY))),
    st.lists(entries, min_size=1, max_size=6).map(encode_batch),
    st.binary(max_size=30),
)
acts = st.lists(
    st.one_of(
        st.tuples(st.just("message"), st.integers(0, 2), messages),
        st.tuples(st.just("packet"), st.integers(0, 2), st.integers(999, 1010), st.integers(0, 63), st.booleans()),
        st.tuples(st.sampled_from(["open", "end", "destroy", "lost"]), st.integers(0, 2)),
        st.tuples(st.just("wait"), st.sampled_from([0.5, 30.0, 61.0, 121.0])),
    ),
    max_size=40,
)


class Clients(Relayed):
    """Sessions of a relay whose clients say what they like."""

    def __init__(self) -> None:
        super().__init__(LIMITS)
        self.seats: list[Any] = [None, None, None]
        self.ended: list[int] = []
        self.made = 0

    def settle(self) -> None:
        for session in self.server.take_ready():
            while session.poll_message() is not None:
                pass
            assert session._mux.backlog == 0
        while (event := self.server.poll_event()) is not None:
            self.events.append(event)
            if isinstance(event, SessionClosed):
                assert event.session.number not in self.ended
                assert event.session.state is RelayState.CLOSED
                assert not event.session.links
                assert not event.session.waiting
                self.ended.append(event.session.number)

    def seat(self, number: int, *, fresh: bool = False) -> Any:
        if fresh or self.seats[number] is None:
            accepted = self.server.accept(KEY, self.source(number, known=True))
            if accepted is not None:
                self.seats[number] = accepted
                self.made += 1
                accepted.receive(encode_frame(OpenFrame(1, PROTOCOL, KEY)), self.now)
        return self.seats[number]

    @staticmethod
    def source(number: int, *, known: bool) -> Address:
        return Address(f"198.51.100.{number + 1}" if known else "203.0.113.9", 4000)

    def do(self, act: tuple[Any, ...]) -> None:
        name = act[0]
        if name == "wait":
            self.wait(act[1])
            return
        session = self.seat(act[1], fresh=name == "open")
        if session is None:
            return
        if name == "message":
            session.receive(act[2], self.now)
        elif name == "packet":
            before = self.server.links
            known = self.server.receive_datagram(packet(act[2], act[3]), self.source(act[1], known=act[4]), 1, self.now)
            assert known or self.server.links == before
        elif name == "end":
            session.end()
        elif name == "destroy":
            session.destroy()
        elif name == "lost":
            session.stream_closed()


@settings(deadline=None)
@given(acts)
def test_no_client_gets_more_than_it_may(steps: list[tuple[Any, ...]]) -> None:
    relay = Clients()
    came = 0
    for act in steps:
        relay.do(act)
        came += act[0] == "packet"
        for data, to, socket in relay.sent():
            came -= 1
            assert to.host.startswith("198.51.100.")
            assert socket == 1
            assert int.from_bytes(data[4:8], "little") <= 5
        assert came >= 0
        relay.settle()
        relay.bounded(LIMITS)
        assert (relay.server.next_timeout() is None) <= (relay.server.waiting + relay.server.links == 0)
    relay.wait(1000)
    assert (relay.server.waiting, relay.server.links) == (0, 0)
    assert relay.server.next_timeout() is None
    relay.server.destroy()
    relay.settle()
    assert sorted(relay.ended) == list(range(1, relay.made + 1))
    opened = sum(isinstance(event, LinkOpened) for event in relay.events)
    assert opened == sum(isinstance(event, LinkClosed) for event in relay.events)
    assert opened == relay.server.counters.pairings_matched == relay.server.counters.links_closed
    refused = sum(isinstance(event, PairRefused) for event in relay.events)
    assert refused == relay.server.counters.pairings_refused


def test_the_acts_above_reach_pairs_and_packets() -> None:
    relay = Clients()
    token = bytes(32)
    for number, is_initiator in ((0, True), (1, False)):
        relay.do(("message", number, encode_frame(ChannelFrame(1, 0, encode_pair(Pair(is_initiator, token, number))))))
    for number, stream_id in ((0, 1001), (1, 1000)):
        relay.do(("packet", number, stream_id, 1, True))
    relay.settle()
    assert len(relay.sent()) == 2
    assert relay.server.links == 1


@given(st.lists(messages, max_size=30), st.booleans())
def test_no_relay_gets_more_out_of_a_client(said: list[bytes], asked: bool) -> None:
    client = RelayClient(KEY, LIMITS.mux)
    if asked:
        client.pair(True, bytes(32), 1)
    while client.poll_message() is not None:
        pass
    ended = 0
    for message in said:
        client.receive(message)
        while (event := client.poll_event()) is not None:
            assert not ended
            ended += isinstance(event, RelayClosed)
        assert ended == (client.state is RelayState.CLOSED)
        # Found too large after the message that made it so, and a CLOSE follows.
        assert client._mux.backlog <= LIMITS.mux.max_backlog + 40
