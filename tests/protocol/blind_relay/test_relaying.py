"""What the relay does with pairs and packets: who gets what, for how long, and what it refuses."""

from __future__ import annotations

import pytest

from protocol.blind_relay.client import PairingFailed, RelayClosed
from protocol.blind_relay.events import (
    LinkClosed,
    LinkOpened,
    PairExpired,
    PairRefused,
    PairWaits,
    Refusal,
    SessionClosed,
    SessionOpened,
)
from protocol.blind_relay.limits import RelayLimits
from protocol.blind_relay.link import LinkEnd
from protocol.blind_relay.messages import Pair
from protocol.blind_relay.states import RelayEnd, RelayErrorName
from protocol.constants import UdxFlag
from tests.protocol.blind_relay.relayed import OTHER_TOKEN, SOCKET, TOKEN, Relayed, packet
from tests.protocol.codecs import load


def ends(relay: Relayed) -> list[LinkEnd]:
    return [event.end for event in relay.events if isinstance(event, LinkClosed)]


def test_two_halves_of_a_token_are_a_pair() -> None:
    relay = Relayed()
    link, a, b = relay.link()
    assert [event.remote_id for event in a.paired + b.paired] == [link.legs[1].stream_id, link.legs[0].stream_id]
    assert [(leg.session, leg.remote_id) for leg in link.legs] == [(b.session, 22), (a.session, 11)]
    assert [type(event) for event in relay.events] == [SessionOpened, SessionOpened, PairWaits, LinkOpened]
    assert (relay.server.links, relay.server.waiting) == (1, 0)
    assert link.token == TOKEN


def test_packets_go_to_the_other_side_with_its_id_and_nothing_else_changed() -> None:
    relay = Relayed()
    link, a, b = relay.link()
    to_b, to_a = a.paired[0].remote_id, b.paired[0].remote_id
    assert relay.send(b, to_a)
    assert relay.sent() == []
    assert relay.send(a, to_b)
    assert relay.sent() == [(packet(11), a.address, SOCKET), (packet(22), b.address, SOCKET)]
    for flags in range(64):
        if not flags & UdxFlag.DESTROY:
            assert relay.send(a, to_b, flags=flags)
            assert relay.sent() == [(packet(22, flags), b.address, SOCKET)]
    assert link.bytes_received == (2 + 32) * len(packet(1))
    assert relay.server.counters.packets_relayed == 2 + 32
    assert relay.server.counters.packets_unsent == 0


def test_packets_leave_as_they_leave_a_real_relay() -> None:
    """Except the first: a real relay drops what comes before it knows where to."""
    steps = load("blind_relay")["packets"]
    relay = Relayed(ids=iter([0x01020304, 7]))
    a, b = relay.join("a"), relay.join("b")
    a.client.pair(True, TOKEN, 9)
    b.client.pair(False, TOKEN, 0xFFFEFDFC)
    relay.settle()
    peers = (b, a)
    for number, step in enumerate(steps):
        source = peers[step["from"]].address
        assert relay.server.receive_datagram(bytes.fromhex(step["hex"]), source, SOCKET, relay.now)
        sent = [(data.hex(), to) for data, to, _ in relay.sent()]
        expected = [] if step["out"] is None else [(step["out"], peers[1 - step["from"]].address)]
        if number == 1:
            assert sent.pop(0)[0] == (bytes.fromhex(steps[0]["hex"])[:4] + b"\x09\0\0\0").hex() + steps[0]["hex"][16:]
        assert sent == expected
    relay.settle()
    assert ends(relay) == [LinkEnd.DESTROYED]
    assert len(steps) > 10


def test_each_side_is_answered_from_the_socket_it_came_to() -> None:
    relay = Relayed()
    _, a, b = relay.link()
    relay.server.receive_datagram(packet(b.paired[0].remote_id), b.address, 7, relay.now)
    relay.server.receive_datagram(packet(a.paired[0].remote_id), a.address, 8, relay.now)
    relay.server.receive_datagram(packet(b.paired[0].remote_id), b.address, 9, relay.now)
    assert [(to, socket) for _, to, socket in relay.sent()] == [(a.address, 8), (b.address, 7), (a.address, 8)]


def test_packets_are_held_until_the_other_side_is_known() -> None:
    limits = RelayLimits(held_packets=3)
    relay = Relayed(limits)
    link, a, b = relay.link()
    for seq in range(5):
        relay.server.receive_datagram(packet(a.paired[0].remote_id, seq=seq), a.address, SOCKET, relay.now)
    relay.bounded(limits)
    assert (link.dropped, relay.server.counters.packets_unsent) == (2, 2)
    relay.send(b, b.paired[0].remote_id)
    expected = [packet(22, seq=seq) for seq in (0, 1, 2)]
    assert [data for data, _, _ in relay.sent()] == [*expected, packet(11)]
    assert not any(leg.held for leg in link.legs)


def test_a_stranger_cannot_say_where_a_peer_is() -> None:
    relay = Relayed()
    link, a, b = relay.link()
    relay.send(a, a.paired[0].remote_id)
    assert relay.send(b, b.paired[0].remote_id, host="203.0.113.66")
    assert relay.send(b, b.paired[0].remote_id, host="203.0.113.66", flags=UdxFlag.DESTROY)
    assert (link.strangers, relay.server.counters.packets_unsent) == (2, 2)
    assert relay.server.links == 1
    assert relay.sent() == []
    b.session.address = b.session.address._replace(host="203.0.113.66")
    relay.send(b, b.paired[0].remote_id, host="203.0.113.66", port=9)
    assert [(data, to.host) for data, to, _ in relay.sent()] == [
        (packet(22), "203.0.113.66"),
        (packet(11), a.address.host),
    ]


def test_later_packets_are_taken_from_anywhere_and_move_nothing() -> None:
    relay = Relayed()
    _, a, b = relay.link()
    for each in (a, b):
        relay.send(each, each.paired[0].remote_id)
    relay.sent()
    relay.send(b, b.paired[0].remote_id, port=5)
    relay.send(b, b.paired[0].remote_id, host="203.0.113.66")
    relay.send(a, a.paired[0].remote_id)
    assert [to for _, to, _ in relay.sent()] == [a.address, a.address, b.address]


@pytest.mark.parametrize(
    "data",
    [b"", b"\xff\x01", packet(999), packet(1000)[:19], b"\xfe" + packet(1000)[1:], b"\xff\x02" + packet(1000)[2:]],
    ids=["empty", "short", "unknown", "cut", "magic", "version"],
)
def test_what_is_for_nobody_here_is_given_back(data: bytes) -> None:
    relay = Relayed()
    _, a, _ = relay.link()
    assert {leg.stream_id for leg in a.session.links[0].legs} == {1000, 1001}
    assert not relay.server.receive_datagram(data, a.address, SOCKET, relay.now)
    assert a.session.links[0].bytes_received == 0


def test_destroy_is_passed_on_and_ends_the_pair() -> None:
    relay = Relayed()
    _, a, b = relay.link()
    to_b, to_a = a.paired[0].remote_id, b.paired[0].remote_id
    relay.send(b, to_a)
    relay.send(a, to_b, flags=UdxFlag.DESTROY)
    assert relay.sent()[-1] == (packet(22, UdxFlag.DESTROY), b.address, SOCKET)
    relay.settle()
    assert ends(relay) == [LinkEnd.DESTROYED]
    assert not a.session.links
    assert not relay.send(b, to_a)
    assert not relay.send(a, to_b)
    assert len(relay.server.sessions) == 2


@pytest.mark.parametrize("way", ["unpair", "client", "stream", "server", "bytes"])
def test_a_pair_ends_for_both_and_silently(way: str) -> None:
    relay = Relayed(RelayLimits(max_link_bytes=3 * len(packet(1))))
    _, a, b = relay.link()
    for each in (a, b):
        relay.send(each, each.paired[0].remote_id)
    relay.sent()
    if way == "unpair":
        b.client.unpair(TOKEN)
    elif way == "client":
        a.client.end()
    elif way == "stream":
        b.session.stream_closed()
    elif way == "server":
        relay.server.destroy()
    else:
        relay.send(a, a.paired[0].remote_id)
        assert len(relay.sent()) == 1
        assert relay.send(b, b.paired[0].remote_id)
    relay.settle()
    expected = {"unpair": LinkEnd.UNPAIRED, "bytes": LinkEnd.BYTES}.get(way, LinkEnd.SESSION_CLOSED)
    assert ends(relay) == [expected]
    assert relay.sent() == []
    assert relay.server.links == 0
    assert not relay.send(a, a.paired[0].remote_id)
    assert not relay.send(b, b.paired[0].remote_id)
    relay.bounded(RelayLimits())


def test_an_idle_pair_ends_and_a_busy_one_does_not() -> None:
    relay = Relayed()
    _, a, _ = relay.link()
    for _ in range(5):
        relay.wait(119)
        assert relay.send(a, a.paired[0].remote_id)
    relay.wait(119.9)
    assert ends(relay) == []
    relay.wait(0.2)
    assert ends(relay) == [LinkEnd.IDLE]
    assert relay.server.next_timeout() is None


def test_a_pair_lasts_no_longer_than_allowed() -> None:
    relay = Relayed(RelayLimits(link_lifetime=300))
    _, a, _ = relay.link()
    for _ in range(3):
        relay.wait(99)
        relay.send(a, a.paired[0].remote_id)
    assert ends(relay) == []
    relay.wait(3.1)
    assert ends(relay) == [LinkEnd.LIFETIME]


def test_a_half_waits_no_longer_than_allowed() -> None:
    relay = Relayed()
    a = relay.join("a")
    a.client.pair(True, TOKEN, 11)
    relay.settle()
    relay.wait(59)
    assert relay.server.waiting == 1
    relay.server.end()
    relay.wait(2)
    assert relay.server.waiting == 0
    assert relay.server.counters.pairings_expired == 1
    assert relay.events[-2:] == [PairExpired(a.session, TOKEN), SessionClosed(a.session, RelayEnd.ENDED, None)]
    assert a.events[-2:] == [
        PairingFailed(TOKEN, 11, RelayErrorName.CHANNEL_CLOSED),
        RelayClosed(RelayEnd.REMOTE_CLOSED),
    ]


def test_a_relay_that_ends_takes_no_new_pairs() -> None:
    relay = Relayed()
    a, b = relay.join("a"), relay.join("b")
    a.client.pair(True, TOKEN, 11)
    relay.settle()
    relay.server.end()
    relay.settle()
    assert list(relay.server.sessions.values()) == [a.session]
    a.client.pair(True, OTHER_TOKEN, 12)
    relay.settle()
    assert a.session.ignored == 1
    a.client.unpair(TOKEN)
    relay.settle()
    assert not relay.server.sessions
    assert isinstance(a.events[-1], RelayClosed)
    assert b.events[-1] == RelayClosed(RelayEnd.REMOTE_CLOSED)


def test_a_session_that_ends_closes_with_its_last_pair() -> None:
    relay = Relayed()
    a, b = relay.join("a"), relay.join("b")
    a.client.pair(True, TOKEN, 11)
    relay.settle()
    a.session.end()
    assert relay.server.sessions
    b.client.pair(False, TOKEN, 22)
    relay.settle()
    assert len(a.paired) == len(b.paired) == 1
    assert a.events[-1] == RelayClosed(RelayEnd.REMOTE_CLOSED)
    assert ends(relay) == [LinkEnd.SESSION_CLOSED]
    assert list(relay.server.sessions.values()) == [b.session]


def test_one_client_may_be_both_sides() -> None:
    relay = Relayed()
    a = relay.join("a")
    a.client.pair(True, TOKEN, 11)
    relay.settle()
    relay.server.on_pair(a.session, Pair(False, TOKEN, 12), relay.now)
    relay.settle()
    assert relay.server.links == len(a.session.links) == 1
    a.client.destroy()
    relay.settle()
    assert ends(relay) == [LinkEnd.SESSION_CLOSED]
    assert relay.server.links == 0


def test_a_full_relay_says_so_at_once() -> None:
    relay = Relayed(RelayLimits(max_links=1))
    relay.link()
    c = relay.join("c")
    c.client.pair(True, OTHER_TOKEN, 1)
    relay.settle()
    assert relay.events[-2:] == [
        PairRefused(c.session, OTHER_TOKEN, Refusal.LINKS),
        SessionClosed(c.session, RelayEnd.DESTROYED, None),
    ]
    assert c.events[-1] == RelayClosed(RelayEnd.REMOTE_CLOSED)
    assert len(relay.server.sessions) == 2


def test_a_full_relay_keeps_what_a_session_has() -> None:
    limits = RelayLimits(max_waiting=2, max_waiting_per_session=1)
    relay = Relayed(limits)
    a, b, c = relay.join("a"), relay.join("b"), relay.join("c")
    for client, first in ((a, 0), (b, 10)):
        for number in range(3):
            client.client.pair(True, bytes((first + number,)) * 32, number)
    relay.settle()
    assert relay.server.waiting == 2
    assert relay.server.counters.pairings_refused == 4
    c.client.pair(True, TOKEN, 1)
    relay.settle()
    assert isinstance(c.events[-1], RelayClosed)
    assert len(relay.server.sessions) == 2
    relay.bounded(limits)


def test_no_more_pairs_of_a_session_than_allowed() -> None:
    limits = RelayLimits(max_links_per_session=2)
    relay = Relayed(limits)
    a, b = relay.join("a"), relay.join("b")
    for number in range(3):
        b.client.pair(False, bytes((number,)) * 32, number)
        a.client.pair(True, bytes((number,)) * 32, number)
    relay.settle()
    assert relay.server.links == 2
    assert relay.server.counters.pairings_refused > 0
    relay.bounded(limits)


def test_a_half_that_waits_counts_the_pairs_its_session_got_since() -> None:
    limits = RelayLimits(max_links_per_session=1)
    relay = Relayed(limits)
    a, b, c = relay.join("a"), relay.join("b"), relay.join("c")
    for token in (TOKEN, OTHER_TOKEN):
        a.client.pair(True, token, 1)
    relay.settle()
    b.client.pair(False, TOKEN, 2)
    relay.settle()
    c.client.pair(False, OTHER_TOKEN, 3)
    relay.settle()
    assert PairRefused(c.session, OTHER_TOKEN, Refusal.LINKS) in relay.events
    assert isinstance(c.events[-1], RelayClosed)
    assert (relay.server.links, relay.server.waiting) == (1, 1)
    relay.bounded(limits)


def test_no_more_sessions_than_allowed() -> None:
    relay = Relayed(RelayLimits(max_sessions=1))
    a = relay.join("a")
    assert relay.join("b").accepted is None
    assert relay.server.counters.sessions_refused == 1
    a.client.destroy()
    relay.settle()
    assert relay.join("c").accepted is not None


def test_packets_that_nobody_sends_do_not_pile_up() -> None:
    relay = Relayed(RelayLimits(max_queue=5))
    _, a, b = relay.link()
    relay.send(b, b.paired[0].remote_id)
    for _ in range(10):
        relay.send(a, a.paired[0].remote_id)
    assert relay.server.counters.packets_unsent == 6
    assert len(relay.sent()) == 5


def test_a_close_right_behind_a_pair() -> None:
    relay = Relayed()
    a, b = relay.join("a"), relay.join("b")
    b.client.pair(False, TOKEN, 22)
    relay.settle()
    a.client.pair(True, TOKEN, 11)
    pair = a.client.poll_message()
    assert pair is not None
    entry = pair[1:]
    a.session.receive(b"\0\0\1" + bytes((len(entry),)) + entry + b"\0\0\2\3\1", relay.now)
    relay.settle()
    assert ends(relay) == [LinkEnd.SESSION_CLOSED]
    assert b.paired


def test_what_a_full_stream_does_not_take_is_offered_again() -> None:
    relay = Relayed()
    _, a, b = relay.link()
    b.client.end()
    while (message := b.client.poll_message()) is not None:
        b.session.receive(message, relay.now)
    a.session.end()
    assert relay.server.take_ready() == relay.server.take_ready() == [a.session]
    assert a.session.poll_message() is not None
    assert relay.server.take_ready() == []
    c = relay.join("c")
    c.session.destroy()
    assert relay.server.take_ready() == [c.session]
    c.session.stream_closed()
    assert relay.server.take_ready() == []
    assert c.session.poll_message() is None


def test_ids_are_not_given_twice() -> None:
    relay = Relayed(ids=iter([5, 5, 6, 6, 5, 7, 7, 8]))
    a, b = relay.join("a"), relay.join("b")
    for token in (TOKEN, OTHER_TOKEN):
        a.client.pair(True, token, 1)
        b.client.pair(False, token, 2)
    relay.settle()
    assert [leg.stream_id for link in a.session.links for leg in link.legs] == [5, 6, 7, 8]
