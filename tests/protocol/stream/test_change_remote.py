"""A stream that moves to another address and id of its peer, as a relayed connection does when it becomes direct."""

from __future__ import annotations

from protocol.messages import Address
from protocol.stream.events import RemoteChanged
from tests.protocol.stream.link import Conditions, End, Link, linked


def moved(link: Link) -> tuple[list[Address], Address]:
    """Left's stream moves to another address of the peer; where its packets go is noted."""
    elsewhere = Address("203.0.113.9", 909)
    went: list[Address] = []
    poll = link.left.stream.poll_datagram

    def noting(now: float) -> tuple[bytes, Address] | None:
        out = poll(now)
        if out is not None:
            went.append(out[1])
        return out

    link.flush = lambda end: noted_flush(link, end, noting)  # type: ignore[method-assign]
    return went, elsewhere


def noted_flush(link: Link, end: End, noting) -> None:  # type: ignore[no-untyped-def]
    poll = noting if end is link.left else end.stream.poll_datagram
    while (out := poll(link.now)) is not None:
        link.trace.append((link.now, end, out[0]))
        link.carry(end, out[0])


def test_a_remote_that_changed_is_told_when_the_old_one_is_done_with() -> None:
    link = linked(Conditions(loss=0.05))
    link.left.to_send, link.left.end_after, link.right.end_after = memoryview(bytes(300_000)), True, True
    went, elsewhere = moved(link)
    link.run(lambda: len(link.right.received) > 100_000)
    assert set(went) == {link.right.addr}
    in_flight = link.left.stream.sender.outgoing.next_seq
    del went[:]
    link.left.stream.change_remote(22, elsewhere)
    assert RemoteChanged(elsewhere) not in link.left.events
    link.run(lambda: RemoteChanged(elsewhere) in link.left.events)
    assert link.left.stream.sender.outgoing.acked >= in_flight
    assert elsewhere in went
    link.run(lambda: bool(link.left.closed and link.right.closed))
    assert len(link.right.received) == 300_000
    assert link.left.stream.remote == elsewhere


def test_packets_of_the_old_path_take_the_new_one_after_a_timeout() -> None:
    link = linked()
    link.left.stream.send(bytes(4000))
    went, elsewhere = moved(link)
    link.dead = True
    link.settle()
    assert set(went) == {link.right.addr}
    del went[:]
    link.left.stream.change_remote(22, elsewhere)
    link.dead = False
    link.run(lambda: RemoteChanged(elsewhere) in link.left.events)
    assert set(went) == {elsewhere}
    assert len(link.right.received) == 4000


def test_a_dead_old_path_takes_each_packet_once_more_at_most() -> None:
    """With new data acknowledged all the time there is no timeout that would move them."""
    link = linked()
    went, elsewhere = moved(link)
    link.drop = lambda end, _: end is link.left and went[-1] != elsewhere and link.now > 101.0
    in_flight = 0
    for tick in range(400):
        link.left.stream.send(bytes(1000))
        link.run_to(100.0 + tick / 200)
        if tick == 204:
            in_flight = len(link.left.stream.sender.outgoing.flying)
            link.left.stream.change_remote(22, elsewhere)
            del went[:]
    link.run(lambda: RemoteChanged(elsewhere) in link.left.events)
    assert 0 < went.count(link.right.addr) <= in_flight
    assert link.left.stream.sender.recovery.timeouts == 0
    link.run(lambda: len(link.right.received) == 400_000)


def test_a_change_with_nothing_in_flight_is_done_at_once() -> None:
    link = linked()
    link.left.stream.change_remote(22, link.right.addr)
    assert link.left.stream.poll_event() == RemoteChanged(link.right.addr)
