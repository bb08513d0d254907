"""The routing table and its upkeep, and searches, step by step."""

from __future__ import annotations

from random import Random

import pytest

from protocol.constants import InternalCommand
from protocol.dht.bootstrap import BootstrapFinder, BootstrapNode, parse_bootstrap
from protocol.dht.contact import Ask, Contact, may_be_named
from protocol.dht.health import Health, NetworkHealth
from protocol.dht.membership import OLD, RECENT
from protocol.dht.routing_table import BITS, K, RoutingTable, TableNode, distance
from protocol.envelope import encode_response
from protocol.hashes import node_id
from protocol.messages import Address, Request, Response
from protocol.node_values import decode_down_hint
from tests.protocol.dht.clock import OWN, NodeUnderTest, as_request


def addresses(count: int, host: str = "10.0.3.1") -> list[Address]:
    return [Address(host, port) for port in range(1, count + 1)]


def table_node(address: Address) -> TableNode:
    return TableNode(node_id(address), address)


class TestRoutingTable:
    def test_rows_hold_twenty_and_the_closest_are_the_closest_of_all_that_got_in(self) -> None:
        table = RoutingTable(node_id(OWN))
        added = [node for node in map(table_node, addresses(500)) if table.add(node)]
        assert len(table) == len(added) < 500
        rows: dict[int, int] = {}
        for node in added:
            row = BITS - distance(node.id, table.id).bit_length()
            rows[row] = rows.get(row, 0) + 1
        assert max(rows.values()) == K
        assert (rows[0], rows[1]) == (K, K)
        random = Random(1)
        for target in [*(random.randbytes(32) for _ in range(50)), table.id, added[0].id]:
            for count in (1, 5, K, 1000):
                nearest = sorted(added, key=lambda node: distance(node.id, target))[:count]
                assert table.closest(target, count) == nearest

    def test_getting_replacing_removing(self) -> None:
        table = RoutingTable(node_id(OWN))
        first, second = table_node(addresses(1)[0]), table_node(addresses(1)[0])
        assert table.random(Random(1)) is None
        assert table.add(first)
        assert table.add(second)
        assert (len(table), table.get(first.id) is second) == (1, True)
        assert table.random(Random(1)) is second
        assert table.row(first.id) == (second,)
        table.remove(first.id)
        table.remove(first.id)
        assert (len(table), table.get(first.id), list(table)) == (0, None, [])


def hear(t: NodeUnderTest, *others: Address) -> None:
    """Have nodes with an id ping."""
    for other in others:
        t.tell(Request(1, OWN, InternalCommand.PING, internal=True, id=node_id(other)), other)


def same_row(count: int) -> list[Address]:
    """Nodes of the farthest row, which fills first."""
    far = [node for node in addresses(500) if not (node_id(node)[0] ^ node_id(OWN)[0]) < 128]
    return far[:count]


class TestMembership:
    def test_who_is_heard_with_an_id_is_in(self) -> None:
        t = NodeUnderTest()
        hear(t, *addresses(5))
        t.tell(Request(1, OWN, InternalCommand.PING, internal=True), Address("10.0.3.2", 1))
        t.tell(Request(1, OWN, InternalCommand.PING, internal=True, id=b"x" * 32), Address("10.0.3.2", 1))
        t.tell(Request(1, OWN, InternalCommand.PING, internal=True, id=node_id(OWN)), OWN)
        assert [contact.address for contact in t.node.membership.latest(10)] == addresses(5)[::-1]

    def full_row(self, t: NodeUnderTest) -> list[Address]:
        row = same_row(K + 1)
        hear(t, *row[:K])
        assert len(t.node.membership) == K
        # The pings of what was heard are over, and all are old enough to be asked.
        t.node.membership.tick += RECENT
        return row

    def test_a_newcomer_takes_the_place_of_a_silent_node(self) -> None:
        t = NodeUnderTest()
        row = self.full_row(t)
        hear(t, row[K])
        for _ in range(5):
            t.advance(1)
        known = {node.address for node in t.node.membership.table}
        assert known == {*row[1:]}

    def test_but_not_that_of_one_that_answers(self) -> None:
        t = NodeUnderTest()
        row = self.full_row(t)
        newcomer = Request(1, OWN, InternalCommand.PING, internal=True, id=node_id(row[K]))
        pings = [outgoing for outgoing in t.tell(newcomer, row[K]) if outgoing.data[0] == 3]
        assert [ping.to for ping in pings] == [row[0]]
        tid = as_request(pings[0]).tid
        t.tell_bytes(encode_response(Response(tid, OWN, id=node_id(row[0]))), row[0])
        t.advance(5)
        assert {node.address for node in t.node.membership.table} == {*row[:K]}

    def test_old_and_lately_pinged_nodes_are_left_alone(self) -> None:
        t = NodeUnderTest()
        row = same_row(K + 1)
        hear(t, *row[:K])
        t.node.membership.tick += OLD + 1
        hear(t, *row[:K])
        t.node.membership.tick += 1
        assert len(t.tell(Request(1, OWN, 0, internal=True, id=node_id(row[K])), row[K])) == 1

    def test_at_most_three_are_asked_for_their_place_at_once(self) -> None:
        t = NodeUnderTest()
        self.full_row(t)
        pings = 0
        for newcomer in same_row(K + 10)[K:]:
            sent = t.tell(Request(1, OWN, 0, internal=True, id=node_id(newcomer)), newcomer)
            pings += sum(outgoing.data[0] == 3 for outgoing in sent)
        assert pings == 3

    def test_every_eighth_tick_the_oldest_are_pinged_and_the_silent_leave(self) -> None:
        t = NodeUnderTest()
        hear(t, *addresses(8))
        pings = [out.to for out in t.advance(300) if out.data[0] == 3 and as_request(out).command == 0]
        assert list(dict.fromkeys(pings))[:5] == addresses(5)
        assert len(t.node.membership) == 0


class TestSearching:
    def test_it_visits_ten_at_once_and_more_when_some_are_late(self) -> None:
        t = NodeUnderTest()
        hear(t, *addresses(40))
        sent: list[Address] = []

        def drain() -> None:
            while (out := t.node.poll_datagram(t.now)) is not None:
                sent.append(out.to)

        ended: list[int] = []
        target = bytes(32)
        t.node.searches.start(Ask(3, target=target), t.now, on_finished=lambda result, _: ended.append(result.errors))
        drain()
        closest = sorted(addresses(40), key=lambda node: distance(node_id(node), target))
        assert len(sent) == 10
        assert set(sent) <= set(closest[:K])
        sent += [outgoing.to for outgoing in t.advance(1.01)]
        assert len(set(sent)) == K
        t.advance(20)
        assert ended == [K]

    def test_who_named_a_node_that_is_down_is_told(self) -> None:
        t = NodeUnderTest()
        friend, down = Address("10.0.4.1", 1), Address("10.0.4.2", 2)
        hear(t, friend)
        t.node.searches.start(Ask(3, target=bytes(32)), t.now)
        out = t.node.poll_datagram(t.now)
        assert out is not None
        answer = Response(as_request(out).tid, OWN, id=node_id(friend), closer_nodes=(down, OWN))
        sent = t.tell_bytes(encode_response(answer), friend)
        assert [each.to for each in sent] == [down]
        hints = [each for each in t.advance(10) if as_request(each).internal]
        assert {(hint.to, decode_down_hint(as_request(hint).value or b"")) for hint in hints} == {(friend, down)}
        assert {as_request(hint).command for hint in hints} == {InternalCommand.DOWN_HINT}
        assert t.node.searches.active == 0

    def test_a_search_needs_a_target(self) -> None:
        with pytest.raises(ValueError, match="target"):
            NodeUnderTest().node.searches.start(Ask(3), 0)

    @pytest.mark.parametrize("answering", [True, False])
    def test_given_nodes_come_first_and_the_table_if_they_fail(self, answering: bool) -> None:
        t = NodeUnderTest()
        hear(t, *addresses(5))
        given = addresses(K, "10.0.5.1")
        ended: list[int] = []
        t.node.searches.start(
            Ask(3, target=bytes(32)),
            t.now,
            nodes=[Contact(node, node_id(node)) for node in given],
            on_finished=lambda result, _: ended.append(result.successes),
        )
        asked: list[Address] = []
        first = True
        for _ in range(200):
            while (out := t.node.poll_datagram(t.now)) is not None:
                asked.append(out.to)
                if answering or out.to not in given:
                    t.node.receive_datagram(
                        encode_response(Response(as_request(out).tid, OWN, id=node_id(out.to))), out.to, t.now, 1
                    )
                    first = False
            if ended:
                break
            asked += [out.to for out in t.advance(0.0)]
            due = t.node.next_timeout()
            assert due is not None
            t.now = due
            t.node.handle_timeout(due)
        assert ended == [K if answering else 5]
        assert not first
        assert (set(asked) >= set(addresses(5))) == (not answering)


class TestBootstrap:
    @pytest.mark.parametrize(
        ("text", "node"),
        [
            ("127.0.0.1:49737", BootstrapNode("127.0.0.1", 49737)),
            ("node1.example.org:1", BootstrapNode("node1.example.org", 1)),
            ("1.2.3.4@node1.example.org:65535", BootstrapNode("node1.example.org", 65535, "1.2.3.4")),
        ],
    )
    def test_reading(self, text: str, node: BootstrapNode) -> None:
        assert parse_bootstrap(text) == node

    @pytest.mark.parametrize(
        "text",
        ["", "host", ":1", "host:", "host:0", "host:65536", "host:x", "host:-1", "host:١", "x@host:1", "1.2.3.4@:1"],
    )
    def test_what_is_none(self, text: str) -> None:
        with pytest.raises(ValueError, match=r"is not"):
            parse_bootstrap(text)

    def test_a_name_is_looked_up_once_for_all_who_wait(self) -> None:
        wanted: list[str] = []
        nodes = [BootstrapNode("a.test", 1), BootstrapNode("10.0.0.9", 2), BootstrapNode("b.test", 3)]
        finder = BootstrapFinder(nodes, lambda *_: None, wanted.append)
        found: list[list[Address]] = []
        for _ in range(2):
            finder.find(0, lambda contacts, _: found.append([contact.address for contact in contacts]))
        assert wanted == ["a.test", "b.test"]
        finder.resolved("b.test", None, 1)
        finder.resolved("unknown.test", "10.0.0.1", 1)
        assert not found
        finder.resolved("a.test", "10.0.0.8", 1)
        assert found == [[Address("10.0.0.8", 1), Address("10.0.0.9", 2)]] * 2


def test_health_after_an_outage() -> None:
    health = NetworkHealth()
    totals = [(10, 0)] * 4 + [(20, 0), (20, 9), (20, 18)]
    states = [health.update(*each) for each in totals]
    assert states == [Health.ONLINE] * 6 + [Health.OFFLINE]
    assert health.update(20, 18) is Health.OFFLINE
    assert health.update(25, 18) is Health.ONLINE
    health.reset()
    assert health.update(25, 99) is Health.ONLINE


PUBLIC, HOME, LOOPBACK, LINK = (Address(host, 1) for host in ("8.8.8.8", "192.168.1.1", "127.0.0.1", "169.254.1.1"))


@pytest.mark.parametrize(
    ("named", "by", "believed"),
    [
        (PUBLIC, PUBLIC, True),
        (PUBLIC, HOME, True),
        (PUBLIC, LOOPBACK, True),
        (HOME, HOME, True),
        (HOME, LOOPBACK, True),
        (LOOPBACK, LOOPBACK, True),
        (HOME, PUBLIC, False),
        (LOOPBACK, PUBLIC, False),
        (LOOPBACK, HOME, False),
        (LINK, HOME, False),
        (LINK, LINK, True),
        (Address("8.8.8.8", 0), PUBLIC, False),
        (Address("255.255.255.255", 1), PUBLIC, False),
        (Address("224.0.0.1", 1), HOME, False),
        (PUBLIC, Address("::1", 1), False),
    ],
)
def test_whom_a_node_may_name(named: Address, by: Address, believed: bool) -> None:
    assert may_be_named(named, by) == believed


def test_a_search_does_not_go_where_strangers_send_it() -> None:
    t = NodeUnderTest()
    hear(t, PUBLIC)
    t.node.searches.start(Ask(3, target=bytes(32)), t.now)
    out = t.node.poll_datagram(t.now)
    assert out is not None
    named = (LOOPBACK, HOME, Address("9.9.9.9", 1))
    answer = Response(as_request(out).tid, OWN, id=node_id(PUBLIC), closer_nodes=named)
    assert [each.to for each in t.tell_bytes(encode_response(answer), PUBLIC)] == [Address("9.9.9.9", 1)]
