"""Conversations over a simulated link: everything arrives, once, in order, and ends."""

from __future__ import annotations

import random

import pytest

from protocol.stream.events import CloseReason, SendBufferDrained, StreamClosed
from protocol.stream.packet import DATA, DESTROY, END, HEARTBEAT, build, parse
from protocol.stream.states import LocalProtocolError, State
from protocol.stream.udx import LINGER
from tests.protocol.stream.link import Conditions, End, Link, linked

MIB = 1 << 20
ENDED = StreamClosed(CloseReason.ENDED)


def exchange(link: Link, size: int, *, limit: float = 600.0) -> None:
    """Both ends send `size` bytes and end; checks that all of it arrived."""
    rng = random.Random(size)
    there, back = rng.randbytes(size), rng.randbytes(size)
    link.left.to_send, link.right.to_send = memoryview(there), memoryview(back)
    link.left.end_after = link.right.end_after = True
    link.run(lambda: bool(link.left.closed and link.right.closed), limit)
    assert bytes(link.right.received) == there
    assert bytes(link.left.received) == back
    for end in (link.left, link.right):
        assert end.closed == ENDED
        assert end.saw_end


def flags(link: Link, end: End) -> list[int]:
    return [datagram[2] for _, sender, datagram in link.trace if sender is end]


@pytest.mark.parametrize(
    "conditions",
    [
        Conditions(),
        Conditions(delay=0.0001),
        Conditions(delay=0.3),
        Conditions(loss=0.02),
        Conditions(loss=0.1, jitter=0.02, duplication=0.1),
        Conditions(jitter=0.1),
        Conditions(rate=500_000),
        Conditions(rate=2_000_000, loss=0.05, queue=20_000),
    ],
    ids=str,
)
def test_a_mebibyte_each_way(conditions: Conditions) -> None:
    exchange(linked(conditions), MIB)


@pytest.mark.parametrize("seed", range(8))
def test_every_third_packet_is_lost(seed: int) -> None:
    exchange(linked(Conditions(loss=0.33, jitter=0.02, duplication=0.1), seed), 64 * 1024)


def test_numbers_wrap() -> None:
    exchange(linked(Conditions(loss=0.05, jitter=0.01), seq=2**32 - 100), 512 * 1024)


@pytest.mark.parametrize("window", [3000, 20_000])
def test_a_small_receive_window(window: int) -> None:
    exchange(linked(Conditions(loss=0.02), window=window), 128 * 1024)


def test_nothing_to_say() -> None:
    link = linked()
    exchange(link, 0)
    link.run()
    assert link.left.stream.state is link.right.stream.state is State.CLOSED
    assert link.left.stream.next_timeout() is None


def test_a_bottleneck_is_used_and_its_queue_kept_short() -> None:
    link = linked(Conditions(rate=1_000_000, queue=10 * MIB))
    link.left.to_send = memoryview(bytes(8 * MIB))
    link.left.end_after = link.right.end_after = True
    start = link.now
    link.run(lambda: link.right.saw_end)
    assert 8 * MIB / 1_000_000 < link.now - start < 1.2 * 8 * MIB / 1_000_000
    assert link.left.stream.sender.recovery.rtt.srtt < 4 * 0.04, "three windows of the path in its queue at most"


def test_loss_does_not_halve_the_rate() -> None:
    """What tells BBR from a window that follows losses: those would come to a tenth of this."""
    link = linked(Conditions(rate=1_000_000, loss=0.02, delay=0.05))
    link.left.to_send = memoryview(bytes(4 * MIB))
    link.left.end_after = link.right.end_after = True
    start = link.now
    link.run(lambda: link.right.saw_end)
    assert link.now - start < 1.5 * 4 * MIB / 1_000_000


def test_one_side_ends_first() -> None:
    link = linked()
    link.left.to_send, link.left.end_after = memoryview(b"question"), True
    link.run(lambda: link.right.saw_end and link.left.stream.state is State.FINISHED)
    assert link.right.stream.state is State.HALF_OPEN
    assert link.right.closed is None
    link.right.to_send, link.right.end_after = memoryview(b"answer"), True
    link.run(lambda: bool(link.left.closed and link.right.closed))
    assert link.left.received == b"answer"
    assert link.left.closed == link.right.closed == ENDED


def test_the_last_ack_is_lost_and_said_again() -> None:
    link = linked()
    link.left.end_after = True
    link.run(lambda: link.left.stream.state is State.FINISHED)
    link.right.end_after = True
    link.drop = lambda end, _: end is link.left and link.now < 101.0
    link.run(lambda: link.left.closed is not None)
    assert link.right.closed is None
    link.run(lambda: link.right.closed is not None)
    assert link.right.closed == ENDED
    assert link.right.stream.sender.retransmissions > 0


def test_a_peer_that_forgot_the_stream_is_no_failure_when_it_had_everything() -> None:
    """As libudx does it: the peer's END came, its ack of ours was lost, and it is gone."""
    link = linked()
    link.right.to_send, link.right.end_after = memoryview(b"all"), True
    link.run(lambda: link.left.saw_end)
    link.dead = True
    link.left.end_after = True
    link.run(lambda: link.left.closed is not None)
    assert link.left.closed == ENDED


def test_a_peer_that_is_gone_before_it_had_everything_is_a_failure() -> None:
    link = linked()
    link.right.end_after = True
    link.run(lambda: link.left.saw_end)
    link.dead = True
    link.left.to_send, link.left.end_after = memoryview(b"lost"), True
    start = link.now
    link.run(lambda: link.left.closed is not None)
    assert link.left.closed == StreamClosed(CloseReason.TIMED_OUT)
    assert 12 < link.now - start < 16, "as long as libudx waits: one second and six times two"


def test_destroy_is_seen_at_once() -> None:
    link = linked()
    link.left.to_send = memoryview(bytes(100_000))
    link.run(lambda: len(link.right.received) > 20_000)
    link.left.stream.destroy()
    link.run(lambda: link.right.closed is not None)
    assert link.left.closed == StreamClosed(CloseReason.DESTROYED)
    assert link.right.closed == StreamClosed(CloseReason.RESET)
    link.run()
    assert link.left.stream.state is State.CLOSED
    assert flags(link, link.left).count(DESTROY) >= 1


def test_a_lost_destroy_is_said_again_to_a_peer_that_goes_on() -> None:
    link = linked()
    link.left.stream.destroy()
    link.drop = lambda end, _: end is link.left and len(link.trace) == 1
    link.run(lambda: link.left.closed is not None)
    assert link.right.closed is None
    link.right.stream.send(b"are you there")
    link.run(lambda: link.right.closed is not None)
    assert link.right.closed == StreamClosed(CloseReason.RESET)


def test_lingering_is_over_after_a_while() -> None:
    link = linked()
    link.left.stream.destroy()
    start = link.now
    link.dead = True
    link.run()
    assert link.left.stream.state is State.CLOSED
    assert link.now - start == pytest.approx(LINGER)


def test_an_owner_that_does_not_read_stops_the_sender() -> None:
    window = 50_000
    link = linked(window=window)
    link.left.to_send = memoryview(bytes(400_000))
    link.left.end_after = link.right.end_after = True
    link.right.reading = False
    link.run(lambda: link.now > 130.0, limit=60)
    link.run(lambda: link.trace[-1][2][2] == HEARTBEAT)
    link.run(lambda: link.trace[-1][1] is link.right)
    stream = link.right.stream
    assert window <= stream.receiver.incoming.unread < window + 1200
    assert link.left.stream.sender.peer_window == 0
    heartbeats = flags(link, link.left).count(HEARTBEAT)
    assert 10 < heartbeats < 20, "asked every two seconds, not more"
    link.right.reading = True
    start = link.now
    link.run(lambda: bool(link.left.closed and link.right.closed))
    assert link.now - start < 0.8, "told of the room at once, not at the next question"
    assert len(link.right.received) == 400_000


def test_a_full_send_buffer_is_said_and_then_kept_to() -> None:
    link = linked()
    stream = link.left.stream
    assert stream.send(bytes(200_000))
    assert not stream.send(bytes(200_000))
    assert not stream.may_send
    with pytest.raises(LocalProtocolError, match="full"):
        stream.send(b"more")
    link.run(lambda: SendBufferDrained() in link.left.events)
    assert stream.may_send
    assert stream.send(b"more")
    stream.end()
    link.run(lambda: link.right.saw_end)
    assert len(link.right.received) == 400_004


def test_messages_go_by_the_side() -> None:
    link = linked(Conditions(loss=0.2), seed=3)
    for number in range(50):
        assert link.left.stream.send_message(bytes((number,)))
    link.left.end_after = True
    link.run(lambda: link.right.saw_end)
    assert 20 < len(link.right.messages) < 50
    assert not link.right.received


def test_messages_are_bounded_on_both_sides() -> None:
    link = linked()
    with pytest.raises(LocalProtocolError, match="1153 bytes"):
        link.left.stream.send_message(bytes(1153))
    link.right.reading = False
    sent = [link.left.stream.send_message(bytes(1152)) for _ in range(70)]
    assert sent.count(True) == 64
    assert link.left.stream.counters.messages_unsent == 6
    link.run(lambda: link.now > 101)
    assert link.left.stream.send_message(b"one more")
    link.run(lambda: link.now > 102)
    assert link.right.stream.counters.no_room == 1


def test_an_idle_stream_keeps_the_path_open() -> None:
    link = linked(keepalive=5.0)
    link.run(lambda: link.now > 131.0)
    assert flags(link, link.left).count(HEARTBEAT) == pytest.approx(6, abs=3)
    assert set(flags(link, link.left)) == {HEARTBEAT, 0}


def test_an_idle_stream_without_keepalive_is_silent() -> None:
    link = linked()
    link.run()
    assert not link.trace


def test_many_packets_are_answered_with_one_ack() -> None:
    link = linked(Conditions())
    stream = link.left.stream
    for seq in range(20):
        stream.receive_datagram(build(1, 11, 1 << 20, seq, 0, b"x"), link.right.addr, link.now)
    out = stream.poll_datagram(link.now)
    assert out is not None
    packet = parse(out[0])
    assert packet is not None
    assert (packet.flags, packet.ack) == (0, 20)
    assert stream.poll_datagram(link.now) is None


def test_data_carries_the_ack() -> None:
    link = linked()
    stream = link.left.stream
    stream.receive_datagram(build(1, 11, 1 << 20, 0, 0, b"x"), link.right.addr, link.now)
    stream.send(b"y")
    out = stream.poll_datagram(link.now)
    assert out is not None
    packet = parse(out[0])
    assert packet is not None
    assert (packet.flags, packet.ack, packet.data) == (1, 1, b"y")
    assert stream.poll_datagram(link.now) is None


def test_the_end_goes_alone() -> None:
    link = linked()
    link.left.to_send, link.left.end_after = memoryview(b"short"), True
    link.run(lambda: link.right.saw_end)
    assert flags(link, link.left) == [DATA, END]
