"""Order, ranges and window against a model that keeps a plain set."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from protocol.stream.incoming import Arrival, Incoming


def model_ranges(numbers: set[int]) -> list[tuple[int, int]]:
    ranges: list[tuple[int, int]] = []
    for number in sorted(numbers):
        if ranges and ranges[-1][1] == number:
            ranges[-1] = (ranges[-1][0], number + 1)
        else:
            ranges.append((number, number + 1))
    return ranges


@given(st.lists(st.integers(0, 40), max_size=120), st.integers(0, 2**33))
def test_ranges_are_what_came_beyond_the_gap(numbers: list[int], start: int) -> None:
    incoming = Incoming(start, 1 << 20)
    seen: set[int] = set()
    expected = 0
    out = b""
    for number in numbers:
        arrival = incoming.receive(start + number, bytes((number,)), end=False)
        assert (arrival is Arrival.DUPLICATE) == (number < expected or number in seen)
        seen.add(number)
        if arrival is Arrival.IN_ORDER:
            out += b"".join(incoming.deliver())
        while expected in seen:
            seen.remove(expected)
            expected += 1
        seen = {n for n in seen if n >= expected}
        assert incoming.next_seq == start + expected
        assert incoming.ranges() == [(start + a, start + b) for a, b in model_ranges(seen)]
        assert incoming.gaps == bool(seen)
    assert out == bytes(range(expected))
    assert incoming.unread == expected


def test_the_window_counts_what_is_unread_and_what_waits() -> None:
    incoming = Incoming(0, 100)
    incoming.receive(1, bytes(30), end=False)
    assert incoming.window == 70
    incoming.receive(0, bytes(20), end=False)
    assert [len(piece) for piece in incoming.deliver()] == [20, 30]
    assert (incoming.window, incoming.unread) == (50, 50)


def test_the_packet_next_in_order_always_has_room_unless_the_owner_left_none() -> None:
    incoming = Incoming(0, 100)
    assert incoming.receive(1, bytes(95), end=False) is Arrival.OUT_OF_ORDER
    assert incoming.receive(2, bytes(10), end=False) is Arrival.NO_ROOM
    assert incoming.receive(0, bytes(50), end=False) is Arrival.IN_ORDER
    assert sum(map(len, incoming.deliver())) == 145
    assert incoming.window == 0
    assert incoming.receive(2, bytes(10), end=False) is Arrival.NO_ROOM


def test_nothing_comes_after_the_end() -> None:
    incoming = Incoming(0, 100)
    assert incoming.receive(2, b"", end=True) is Arrival.OUT_OF_ORDER
    assert incoming.receive(3, b"late", end=False) is Arrival.AFTER_END
    assert incoming.receive(1, b"", end=True) is Arrival.AFTER_END
    assert not incoming.ended
    incoming.receive(0, b"a", end=False)
    incoming.receive(1, b"b", end=False)
    assert incoming.deliver() == [b"a", b"b"]
    assert incoming.ended


def test_an_end_before_what_came_is_refused() -> None:
    incoming = Incoming(0, 100)
    incoming.receive(4, b"x", end=False)
    assert incoming.receive(2, b"", end=True) is Arrival.AFTER_END
    assert incoming.receive(0, b"a", end=False) is Arrival.IN_ORDER


def test_packets_without_data_are_bounded_too() -> None:
    incoming = Incoming(0, 100)
    arrivals = [incoming.receive(seq, b"", end=False) for seq in range(1, 10_000)]
    assert arrivals.count(Arrival.OUT_OF_ORDER) == 8192
