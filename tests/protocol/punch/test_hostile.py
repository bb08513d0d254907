"""Anything, from anybody, on any socket of an attempt.

The law: nothing raises; a puncher answers punches with punches, one for one, to who sent them; and nothing makes it
open sockets, send to others, or forget its own.
"""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from protocol.constants import Firewall
from protocol.messages import Address
from tests.protocol.punch.host import OURS, THEIRS, PunchHostUnderTest, node_address

SENDERS = st.sampled_from([THEIRS, OURS, node_address(0), Address("10.0.0.1", 1), Address("203.0.113.9", 65535)])
DATAGRAMS = st.one_of(
    st.binary(max_size=3),
    st.binary(max_size=200),
    st.binary(max_size=80).map(lambda rest: b"\x03" + rest),
    st.binary(max_size=80).map(lambda rest: b"\x13" + rest),
    st.binary(max_size=80).map(lambda rest: b"\xff\x01" + rest),
)
ARRIVALS = st.lists(st.tuples(DATAGRAMS, SENDERS, st.sampled_from([0, 1, 2, 3, 99])), max_size=30)


def hand_in(host: PunchHostUnderTest, data: bytes, sender: Address, socket: int) -> None:
    """As a peer does: punches to the pool, streams to their owner, the rest to the node."""
    if not host.pool.receive_punch(data, sender, host.now, socket) and not host.pool.is_udx(data):
        host.node.receive_datagram(data, sender, host.now, socket)
    host.pump()


@settings(max_examples=300, deadline=None)
@given(ARRIVALS, st.booleans(), st.sampled_from([Firewall.CONSISTENT, Firewall.RANDOM]), st.booleans())
def test_anything_from_anybody(
    arrivals: list[tuple[bytes, Address, int]], initiator: bool, firewall: Firewall, punching: bool
) -> None:
    host = PunchHostUnderTest()
    connected: list[object] = []
    puncher = host.sampled(firewall, initiator=initiator, on_connect=lambda *what: connected.append(what))
    if punching:
        puncher.update_remote(punching=True, firewall=Firewall.CONSISTENT, addresses=(THEIRS,), verified=THEIRS.host)
        assert puncher.punch(host.now)
    host.pump()
    host.punched.clear()
    host.requests.clear()
    opened = len(host.pool)
    for data, sender, socket in arrivals:
        before = len(host.punched) + len(host.requests)
        hand_in(host, data, sender, socket)
        punch = len(data) == 1 and socket in puncher.sockets
        answers = len(host.punched) + len(host.requests) - before
        assert answers <= 1
        if punch and not initiator:
            assert (host.punched[-1].to, host.punched[-1].socket) == (sender, socket)
        if answers and not punch:
            (_, out) = host.requests[-1]
            # The node answers as on its own sockets: where it is asked, whom it is asked by.
            assert (out.to.host, out.socket) == (sender.host, socket)
    open_for_punches = {2, 3, 99} if punching and firewall == Firewall.RANDOM else {2}
    hit = any(len(data) == 1 and number in open_for_punches for data, _, number in arrivals)
    assert len(connected) == (initiator and hit)
    assert len(host.pool) <= opened
    puncher.destroy(host.now)
    host.advance(60)
    assert len(host.pool) == 0
    assert host.punches.running == 0
