"""Requests: when they are sent, what answers them, and what does not."""

from __future__ import annotations

from itertools import pairwise

import pytest

from protocol.constants import Command, InternalCommand
from protocol.dht.adaptive_timeout import AdaptiveTimeout
from protocol.dht.congestion import CongestionWindow
from protocol.dht.contact import Ask, Contact, Failure, NodeSocket, Reply, is_reachable
from protocol.dht.flight_table import InFlight
from protocol.dht.limits import Limits
from protocol.dht.refusals import Refusal
from protocol.envelope import decode_response
from protocol.hashes import node_id
from protocol.messages import Address, Request, Response
from tests.protocol.dht.clock import OTHER, OWN, RequestsUnderTest, as_request

PING = Ask(InternalCommand.PING, internal=True)


class Asked:
    """One request and what came of it."""

    def __init__(self, under_test: RequestsUnderTest, ask: Ask = PING, to: Address = OTHER, **options: object) -> None:
        self.replies: list[Reply] = []
        self.failures: list[tuple[Failure, float]] = []
        self.late: list[float] = []
        self.flight: InFlight | None = under_test.machine.request(
            ask,
            Contact(to),
            under_test.now,
            lambda reply, _: self.replies.append(reply),
            lambda failure, now: self.failures.append((failure, now)),
            on_late=lambda _, now: self.late.append(now),
            **options,  # type: ignore[arg-type]
        )

    @property
    def tid(self) -> int:
        assert self.flight is not None
        return self.flight.tid


def test_a_request_is_sent_four_times_and_given_up() -> None:
    t = RequestsUnderTest()
    asked = Asked(t)
    times = [t.now] if (first := t.sent()) else []
    for step in range(60):
        t.advance(0.1)
        again = t.sent()
        assert again in ([], first)
        times += [100 + (step + 1) / 10] * len(again)
    assert times == pytest.approx([100, 101, 102, 103], abs=0.11)
    assert asked.late == pytest.approx([101, 102, 103, 104])
    assert asked.failures == [(Failure.TIMED_OUT, pytest.approx(104))]
    assert t.timed_out == [Contact(OTHER)]
    assert (t.machine.in_flight, t.machine.counts.retries, t.machine.counts.timeouts) == (0, 3, 1)


@pytest.mark.parametrize("retries", [0, 1, 5])
def test_retries_and_timeout_can_be_chosen(retries: int) -> None:
    t = RequestsUnderTest()
    asked = Asked(t, retries=retries, timeout=0.5)
    t.advance(10)
    assert len(t.sent()) == retries + 1
    assert asked.failures == [(Failure.TIMED_OUT, 100 + 0.5 * (retries + 1))]


def test_an_answer_ends_it() -> None:
    t = RequestsUnderTest()
    asked = Asked(t)
    t.advance(1.2)
    t.receive(Response(asked.tid, OWN, id=node_id(OTHER), token=b"t" * 32, value=b"v"))
    (reply,) = asked.replies
    assert (reply.sender, reply.to, reply.token, reply.value) == (Contact(OTHER, node_id(OTHER)), OWN, b"t" * 32, b"v")
    assert reply.rtt == pytest.approx(1.2)
    assert t.heard == [reply]
    t.sent()
    t.advance(10)
    assert (t.sent(), asked.failures) == ([], [])
    # A copy of the answer, or a second one, is nothing that was asked for.
    t.receive(Response(asked.tid, OWN))
    assert t.machine.refused == {Refusal.UNMATCHED_RESPONSE: 1}


def test_an_answer_from_another_host_is_not_taken() -> None:
    t = RequestsUnderTest()
    asked = Asked(t)
    t.receive(Response(asked.tid, OWN), Address("10.0.0.3", OTHER.port))
    assert (asked.replies, t.machine.refused) == ([], {Refusal.OTHER_HOST: 1})
    t.receive(Response(asked.tid, OWN), Address(OTHER.host, 4444))
    assert len(asked.replies) == 1


def test_an_id_that_is_not_that_of_its_address_is_ignored() -> None:
    t = RequestsUnderTest()
    asked = Asked(t)
    t.receive(Response(asked.tid, OWN, id=b"x" * 32))
    assert asked.replies[0].sender == Contact(OTHER)
    t.receive(Request(1, OWN, 0, internal=True, id=node_id(OWN)))
    assert t.served[0].sender == Contact(OTHER)


def test_tids_count_up_pass_over_those_in_use_and_run_out() -> None:
    t = RequestsUnderTest()
    stuck = Asked(t)
    tids = [stuck.tid]
    for _ in range(0xFFFF):
        asked = Asked(t)
        tids.append(asked.tid)
    assert len(set(tids)) == 0x10000
    assert {(b - a) % 0x10000 for a, b in pairwise(tids)} == {1}
    none_left = Asked(t)
    assert none_left.flight is None
    assert none_left.failures == [(Failure.NO_ROOM, 100)]
    assert asked.flight is not None
    t.machine.cancel(asked.flight)
    assert Asked(t).tid == asked.tid


def test_the_window_holds_sends_back() -> None:
    t = RequestsUnderTest(max_window=3)
    asked = [Asked(t) for _ in range(9)]
    forced = Asked(t, force=True)
    assert [as_request(out).tid for out in t.sent()] == [each.tid for each in (*asked[:3], forced)]
    t.advance(0.76)
    assert [as_request(out).tid for out in t.sent()] == [each.tid for each in asked[3:5]]
    # What waits is not late: its time begins when it is sent.
    assert not asked[8].late
    t.machine.cancel(asked[5].flight)  # type: ignore[arg-type]
    for each in (*asked[:5], forced):
        t.receive(Response(each.tid, OWN))
    t.advance(0.75)
    assert asked[6].tid in [as_request(out).tid for out in t.sent()]


def test_closing_fails_everything() -> None:
    t = RequestsUnderTest()
    asked = [Asked(t) for _ in range(3)]
    t.machine.close(t.now)
    assert [each.failures for each in asked] == [[(Failure.CLOSED, 100)]] * 3
    assert Asked(t).failures == [(Failure.CLOSED, 100)]
    assert t.machine.next_timeout() is None
    t.machine.handle_timeout(t.now + 10)


@pytest.mark.parametrize(
    ("firewalled", "id", "socket", "sends_id"),
    [
        (True, None, NodeSocket.CLIENT, False),
        (True, b"i" * 32, NodeSocket.CLIENT, False),
        (False, None, NodeSocket.SERVER, False),
        (False, b"i" * 32, NodeSocket.SERVER, True),
    ],
)
def test_sockets_and_ids(firewalled: bool, id: bytes | None, socket: NodeSocket, sends_id: bool) -> None:
    t = RequestsUnderTest()
    t.machine.firewalled, t.machine.id = firewalled, id
    Asked(t)
    (out,) = t.sent()
    assert out.socket == socket
    assert as_request(out).id == (id if sends_id else None)
    other = NodeSocket.SERVER if socket == NodeSocket.CLIENT else NodeSocket.CLIENT
    for each in (socket, other):
        t.receive(Request(1, OWN, 0, internal=True), socket=each)
    assert [request.external for request in t.served] == [False, True]


def test_a_token_is_good_for_its_host_until_its_secret_has_gone() -> None:
    t = RequestsUnderTest()
    t.receive(Request(1, OWN, Command.LOOKUP, target=bytes(32)))
    t.machine.replies.reply(t.served[0], t.now)
    token = decode_response(t.sent()[0].data).token
    assert token is not None
    for seconds, sender, is_good in (
        (0, OTHER, True),
        (0, Address(OTHER.host, 1), True),
        (0, Address("10.0.0.3", OTHER.port), False),
        (7, OTHER, True),
        (16, OTHER, False),
    ):
        t.advance(seconds)
        before = len(t.served)
        t.receive(Request(2, OWN, Command.ANNOUNCE, token=token), sender)
        assert (len(t.served) > before) == is_good
        if not is_good:
            refused = decode_response(t.sent()[0].data)
            assert refused.error == 2
            assert refused.token not in (None, token)


@pytest.mark.parametrize(
    ("data", "refusal"),
    [
        (b"", Refusal.FOREIGN),
        (b"\0", Refusal.FOREIGN),
        (b"\x03", Refusal.FOREIGN),
        (b"\xff\x01" + bytes(18), Refusal.FOREIGN),
        (b"\x04\x00" + bytes(20), Refusal.FOREIGN),
        (b"\x03\x00", Refusal.MALFORMED),
        (b"\x13\x00\x01", Refusal.MALFORMED),
        (b"\x13\x04" + bytes(8) + b"\xfe\xff\xff\xff\x00", Refusal.MALFORMED),
        (b"\x03\x10" + bytes(8) + b"\x00\xff" + b"\xff" * 8, Refusal.MALFORMED),
    ],
)
def test_what_is_no_message_is_counted(data: bytes, refusal: Refusal) -> None:
    t = RequestsUnderTest()
    t.machine.receive(data, OTHER, t.now, NodeSocket.SERVER)
    assert t.machine.refused == {refusal: 1}
    assert not t.served


@pytest.mark.parametrize("host", ["0.0.0.0", "255.255.255.255", "224.0.0.1", "240.1.2.3", "not an address", "::1"])
def test_senders_that_cannot_be_answered(host: str) -> None:
    t = RequestsUnderTest()
    t.machine.receive(b"\x03\x04" + bytes(10), Address(host, 1), t.now, NodeSocket.SERVER)
    assert t.machine.refused == {Refusal.UNREACHABLE_SENDER: 1}
    assert not is_reachable(Address("10.0.0.1", 0))
    assert is_reachable(Address("10.0.0.1", 65535))


def test_a_flood_from_one_host_is_cut_off_and_others_are_served() -> None:
    t = RequestsUnderTest(Limits(request_rate=10, request_burst=20))
    for _ in range(50):
        t.receive(Request(1, OWN, 0, internal=True))
    assert len(t.served) == 20
    t.receive(Request(1, OWN, 0, internal=True), Address("10.0.0.3", 1))
    assert len(t.served) == 21
    t.advance(1.05)
    for _ in range(50):
        t.receive(Request(1, OWN, 0, internal=True))
    assert len(t.served) == 31
    assert t.machine.refused[Refusal.TOO_MANY_REQUESTS] == 30 + 40


def test_the_window() -> None:
    window = CongestionWindow(2)
    for _ in range(2):
        assert not window.is_full
        window.sent()
    assert window.is_full
    window.answered()
    assert not window.is_full
    window.sent()
    window.drain()
    window.sent()
    window.sent()
    assert (window.total, window.is_full) == (4, True)
    window.drain()
    # Two intervals are full, so all four together are.
    assert window.is_full
    window.answered()
    assert window.total == 4
    window.drain()
    window.drain()
    assert (window.total, window.is_full) == (2, False)


class TestAdaptiveTimeout:
    class NoJitter:
        def random(self) -> float:
            return 0.0

    def test_without_knowledge(self) -> None:
        timeouts = AdaptiveTimeout(self.NoJitter())  # type: ignore[arg-type]
        assert [timeouts.timeout(OTHER, attempt, 0) for attempt in range(1, 8)] == [0.25, 0.5, 1, 2, 4, 4, 4]

    def test_with_round_trips(self) -> None:
        timeouts = AdaptiveTimeout(self.NoJitter())  # type: ignore[arg-type]
        timeouts.measured(OTHER, 0.4, 0)
        # Average 0.4 and deviation 0.2 to begin with.
        assert timeouts.timeout(OTHER, 1, 0) == pytest.approx(0.8)
        timeouts.measured(OTHER, 0.8, 0)
        # 0.4 + 0.4/8 = 0.45; 0.2 + (0.4 - 0.2)/4 = 0.25.
        assert timeouts.timeout(OTHER, 1, 0) == pytest.approx(0.95)
        assert timeouts.timeout(OTHER, 2, 0) == pytest.approx(1.9)
        assert timeouts.timeout(OTHER, 9, 0) == 4
        timeouts.measured(OWN, 0.001, 0)
        assert timeouts.timeout(OWN, 1, 0) == 0.3
        assert timeouts.timeout(OWN, 1, 601) == 0.25

    def test_requests_use_it(self) -> None:
        t = RequestsUnderTest(adaptive_timeout=True)
        asked = Asked(t)
        t.advance(20)
        assert len(t.sent()) == 4
        # 0.25, 0.5, 1 and 2 s, and up to 0.256 s more each.
        assert 103.75 <= asked.failures[0][1] <= 103.75 + 4 * 0.256
        answered = Asked(t)
        t.advance(0.1)
        t.receive(Response(answered.tid, OWN))
        late = Asked(t)
        t.advance(0.29)
        assert not late.late
        t.advance(0.3)
        assert late.late
