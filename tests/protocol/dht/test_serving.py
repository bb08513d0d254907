"""What a node answers, command by command."""

from __future__ import annotations

from typing import Any

import pytest

from protocol.constants import Command, InternalCommand
from protocol.dht.limits import Limits
from protocol.dht.refusals import Refusal
from protocol.dht.signing import signed_announce, signed_mutable
from protocol.envelope import decode_response
from protocol.hashes import blake2b_256, node_id, target_of
from protocol.keys import KeyPair, key_pair
from protocol.messages import Address, Announce, LookupReply, MutablePut, PeerRecord, PluginRequest, Request, Response
from protocol.node_values import encode_delayed_ping, encode_down_hint, encode_ping_nat
from protocol.peer_values import decode_lookup_reply, decode_peer_record, encode_announce
from protocol.storage_values import (
    decode_mutable_get_reply,
    encode_mutable_get,
    encode_mutable_put,
    encode_plugin_request,
)
from tests.protocol.dht.clock import OTHER, OWN, NodeUnderTest, as_request

PAIR = key_pair(b"k" * 32)
OTHER_PAIR = key_pair(b"l" * 32)
SELF = target_of(PAIR.public_key)
TOPIC = blake2b_256(b"a topic")
RELAYS = tuple(Address("10.0.9.1", port) for port in range(1, 6))


def internal(command: int, **fields: Any) -> Request:
    return Request(77, OWN, command, internal=True, **fields)


def request(command: int, **fields: Any) -> Request:
    return Request(77, OWN, command, **fields)


def refused(t: NodeUnderTest, question: Request, refusal: Refusal) -> bool:
    """Whether a request is counted so, and not answered."""
    before = t.node.refused[refusal]
    answer = t.ask(question)
    return answer is None and t.node.refused[refusal] == before + 1


class TestInternalCommands:
    def test_ping(self) -> None:
        for padding in (None, bytes(1000)):
            answer = NodeUnderTest().ask(internal(InternalCommand.PING, value=padding))
            assert answer == Response(77, OTHER, id=node_id(OWN))

    def test_an_ephemeral_node_answers_without_an_id(self) -> None:
        assert NodeUnderTest(persistent=False).ask(internal(InternalCommand.PING)) == Response(77, OTHER)

    def test_ping_nat_goes_to_the_port_it_names(self) -> None:
        t = NodeUnderTest()
        (out,) = t.tell(internal(InternalCommand.PING_NAT, value=encode_ping_nat(4242)))
        assert out.to == Address(OTHER.host, 4242)
        assert decode_response(out.data).to == out.to
        assert refused(t, internal(InternalCommand.PING_NAT, value=encode_ping_nat(0)), Refusal.BAD_VALUE)
        assert refused(t, internal(InternalCommand.PING_NAT, value=b"\1"), Refusal.BAD_VALUE)
        assert refused(t, internal(InternalCommand.PING_NAT), Refusal.BAD_VALUE)

    def test_find_node(self) -> None:
        t = NodeUnderTest()
        others = [Address("10.0.2.1", port) for port in range(1, 31)]
        for other in others:
            t.tell(internal(InternalCommand.PING, id=node_id(other)), other)
        answer = t.ask(internal(InternalCommand.FIND_NODE, target=TOPIC))
        assert answer is not None
        assert (answer.token, answer.error) == (None, 0)
        gap = [
            int.from_bytes(node_id(node), "big") ^ int.from_bytes(TOPIC, "big") for node in answer.closer_nodes or ()
        ]
        assert len(gap) == 20
        assert gap == sorted(gap)
        assert refused(t, internal(InternalCommand.FIND_NODE), Refusal.MISSING_FIELD)

    def test_down_hint_makes_it_look(self) -> None:
        t = NodeUnderTest()
        t.tell(internal(InternalCommand.PING, id=node_id(OTHER)))
        sent = t.tell(internal(InternalCommand.DOWN_HINT, value=encode_down_hint(OTHER)), Address("10.0.0.3", 1))
        assert [as_request(out) for out in sent if out.data[0] == 3] == [
            Request(as_request(sent[0]).tid, OTHER, 0, internal=True, id=node_id(OWN))
        ]
        assert len(t.node.membership) == 1
        t.advance(5)
        assert len(t.node.membership) == 0

    def test_down_hints_are_bounded(self) -> None:
        t = NodeUnderTest()
        others = [Address("10.0.2.1", port) for port in range(1, 13)]
        for other in others:
            t.tell(internal(InternalCommand.PING, id=node_id(other)), other)
        pings = 0
        for other in others:
            sent = t.tell(internal(InternalCommand.DOWN_HINT, value=encode_down_hint(other)))
            pings += sum(out.data[0] == 3 for out in sent)
            assert sent[-1].to == OTHER
        assert (pings, t.node.refused[Refusal.TOO_MANY_CHECKS]) == (10, 2)
        assert refused(t, internal(InternalCommand.DOWN_HINT, value=b"short"), Refusal.BAD_VALUE)

    def test_delayed_ping(self) -> None:
        t = NodeUnderTest(Limits(delayed_pings=2))
        ping = internal(InternalCommand.DELAYED_PING, value=encode_delayed_ping(3000))
        assert t.ask(ping) is None
        assert not [out for out in t.advance(2.9) if out.to == OTHER]
        (out,) = [out for out in t.advance(0.2) if out.to == OTHER]
        assert decode_response(out.data) == Response(77, OTHER, id=node_id(OWN))
        too_long = internal(InternalCommand.DELAYED_PING, value=encode_delayed_ping(10_001))
        assert refused(t, too_long, Refusal.TOO_MANY_DELAYS)
        for _ in range(2):
            t.ask(ping)
        assert refused(t, ping, Refusal.TOO_MANY_DELAYS)

    def test_unknown_commands(self) -> None:
        t = NodeUnderTest()
        t.tell(internal(InternalCommand.PING, id=node_id(OTHER)))
        for question in (internal(99, target=TOPIC), request(99, target=TOPIC)):
            answer = t.ask(question)
            assert answer == Response(77, OTHER, id=node_id(OWN), closer_nodes=(OTHER,), error=1)
        assert t.node.refused[Refusal.UNKNOWN_COMMAND] == 2


@pytest.mark.parametrize("command", [command for command in Command if command > Command.PEER_HOLEPUNCH])
def test_an_ephemeral_node_keeps_nothing(command: Command) -> None:
    answer = NodeUnderTest(persistent=False).ask(request(command, target=TOPIC, value=b"x"))
    assert answer == Response(77, OTHER, error=1)


def announcement(
    t: NodeUnderTest,
    pair: KeyPair = PAIR,
    target: bytes = TOPIC,
    *,
    command: Command = Command.ANNOUNCE,
    sender: Address = OTHER,
    relays: tuple[Address, ...] = (),
    refresh: bytes | None = None,
    bump: int = 0,
    node: bytes = node_id(OWN),
) -> Request:
    """A valid announcement, or one signed for another node."""
    token = t.token(sender)
    announce = Announce(PeerRecord(pair.public_key, relays), refresh, bump=bump)
    signed = signed_announce(command, pair, target, token, node, announce)
    return request(command, target=target, token=token, value=encode_announce(signed))


def look_up(t: NodeUnderTest, target: bytes = TOPIC) -> LookupReply | None:
    answer = t.ask(request(Command.LOOKUP, target=target))
    assert answer is not None
    assert answer.token is not None
    return None if answer.value is None else decode_lookup_reply(answer.value)


def find_peer(t: NodeUnderTest, target: bytes = SELF) -> PeerRecord | None:
    answer = t.ask(request(Command.FIND_PEER, target=target))
    assert answer is not None
    assert answer.token is not None
    return None if answer.value is None else decode_peer_record(answer.value)


class TestAnnouncements:
    def test_announce_and_unannounce(self) -> None:
        t = NodeUnderTest()
        assert look_up(t) is None
        done = Response(77, OTHER, id=node_id(OWN))
        assert t.ask(announcement(t, relays=RELAYS)) == done
        assert t.ask(announcement(t, OTHER_PAIR)) == done
        # No more than three relay addresses are kept.
        records = {PeerRecord(PAIR.public_key, RELAYS[:3]), PeerRecord(OTHER_PAIR.public_key, ())}
        found = look_up(t)
        assert found is not None
        assert set(found.peers) == records
        assert find_peer(t, TOPIC) is None
        assert t.ask(announcement(t, command=Command.UNANNOUNCE)) == done
        assert look_up(t) == LookupReply((PeerRecord(OTHER_PAIR.public_key, ()),))

    def test_a_peer_under_its_own_key(self) -> None:
        t = NodeUnderTest()
        t.ask(announcement(t, target=SELF))
        assert find_peer(t) == PeerRecord(PAIR.public_key, ())
        assert look_up(t, SELF) == LookupReply((PeerRecord(PAIR.public_key, ()),))
        route = t.node.routes.get(SELF, t.now)
        assert route is not None
        assert route.relay == OTHER
        t.ask(announcement(t, target=SELF, command=Command.UNANNOUNCE))
        assert find_peer(t) is None

    def test_another_key_under_it_is_no_route(self) -> None:
        t = NodeUnderTest()
        t.ask(announcement(t, OTHER_PAIR, SELF))
        assert find_peer(t) is None
        found = look_up(t, SELF)
        assert found is not None
        assert [peer.public_key for peer in found.peers] == [OTHER_PAIR.public_key]

    def test_it_runs_out(self) -> None:
        t = NodeUnderTest()
        t.ask(announcement(t))
        t.ask(announcement(t, target=SELF))
        t.advance(20 * 60 - 1)
        assert look_up(t) is not None
        t.advance(2)
        assert look_up(t) is None
        assert find_peer(t) is None

    @pytest.mark.parametrize("target", [TOPIC, SELF], ids=["topic", "own key"])
    def test_refreshing_without_a_signature(self, target: bytes) -> None:
        t = NodeUnderTest()
        secrets = [b"1" * 32, b"2" * 32]
        t.ask(announcement(t, target=target, refresh=blake2b_256(blake2b_256(secrets[0]))))
        moved = Address(OTHER.host, 9999)
        for secret, now_known in ((blake2b_256(secrets[0]), True), (secrets[1], False), (secrets[0], True)):
            t.advance(9 * 60)
            again = request(
                Command.ANNOUNCE, target=target, token=t.token(moved), value=encode_announce(Announce(refresh=secret))
            )
            assert (t.ask(again, moved) is not None) == now_known
        assert t.node.refused[Refusal.UNKNOWN_REFRESH] == 1
        found = look_up(t, target)
        assert found is not None
        assert [peer.public_key for peer in found.peers] == [PAIR.public_key]
        route = t.node.routes.get(SELF, t.now)
        assert (route.relay if route else None) == (moved if target == SELF else None)

    def test_bumps_are_dates_that_only_go_up(self) -> None:
        t = NodeUnderTest()
        today = 1_700_000_100_000
        for bump, known in ((5000, 5000), (4000, 5000), (today + 61_000, 5000), (today + 59_000, today + 59_000)):
            t.ask(announcement(t, bump=bump))
            found = look_up(t)
            assert found is not None
            assert found.bump == known

    def test_at_most_twenty(self) -> None:
        t = NodeUnderTest()
        for number in range(25):
            t.ask(announcement(t, key_pair(bytes([number]) * 32)))
        found = look_up(t)
        assert found is not None
        assert len(found.peers) == 20

    def test_what_is_not_taken(self) -> None:
        t = NodeUnderTest()
        good = announcement(t)
        assert good.value is not None
        token = good.token
        forged = good.value[:-1] + bytes([good.value[-1] ^ 1])
        unsigned = encode_announce(Announce(PeerRecord(PAIR.public_key, ())))
        for command in (Command.ANNOUNCE, Command.UNANNOUNCE):
            bad = request(command, target=TOPIC, token=token, value=forged)
            assert refused(t, bad, Refusal.BAD_SIGNATURE)
            assert refused(t, request(command, target=TOPIC, token=token, value=unsigned), Refusal.MISSING_FIELD)
            assert refused(t, request(command, target=TOPIC, token=token, value=b"\xff"), Refusal.BAD_VALUE)
            assert refused(t, request(command, target=TOPIC, token=token), Refusal.MISSING_FIELD)
            assert refused(t, request(command, target=TOPIC, value=good.value), Refusal.MISSING_FIELD)
            assert refused(t, request(command, token=token, value=good.value), Refusal.MISSING_FIELD)
        for other in (
            announcement(t, node=b"n" * 32),
            request(Command.UNANNOUNCE, target=TOPIC, token=token, value=good.value),
            request(Command.ANNOUNCE, target=SELF, token=token, value=good.value),
        ):
            assert refused(t, other, Refusal.BAD_SIGNATURE)
        assert refused(
            t, request(Command.UNANNOUNCE, target=TOPIC, token=token, value=b"\2" + bytes(32)), Refusal.MISSING_FIELD
        )
        assert refused(t, request(Command.ANNOUNCE, target=TOPIC, token=token, value=b"\0"), Refusal.UNKNOWN_REFRESH)
        for command in (Command.LOOKUP, Command.FIND_PEER):
            assert refused(t, request(command), Refusal.MISSING_FIELD)
        assert look_up(t) is None

    def test_a_token_of_another_host(self) -> None:
        t = NodeUnderTest()
        answer = t.ask(announcement(t), Address("10.0.0.3", 1))
        assert answer is not None
        assert answer.error == 2


class TestValues:
    def immutable(self, t: NodeUnderTest, value: bytes) -> Request:
        return request(Command.IMMUTABLE_PUT, target=blake2b_256(value), token=t.token(), value=value)

    def mutable(self, t: NodeUnderTest, put: MutablePut) -> Request:
        target = target_of(put.public_key)
        return request(Command.MUTABLE_PUT, target=target, token=t.token(), value=encode_mutable_put(put))

    def fetch(self, t: NodeUnderTest, seq: int = 0) -> tuple[int, bytes] | None:
        answer = t.ask(request(Command.MUTABLE_GET, target=SELF, value=encode_mutable_get(seq)))
        assert answer is not None
        if answer.value is None:
            return None
        reply = decode_mutable_get_reply(answer.value)
        return reply.seq, reply.value

    def test_immutable(self) -> None:
        t = NodeUnderTest()
        get = request(Command.IMMUTABLE_GET, target=blake2b_256(b"v"))
        answer = t.ask(get)
        assert answer is not None
        assert answer.value is None
        stored = t.ask(self.immutable(t, b"v"))
        assert stored is not None
        assert (stored.error, stored.value) == (0, None)
        answer = t.ask(get)
        assert answer is not None
        assert answer.value == b"v"
        assert answer.token is not None
        t.advance(48 * 3600)
        answer = t.ask(get)
        assert answer is not None
        assert answer.value is None

    def test_what_immutable_does_not_take(self) -> None:
        t = NodeUnderTest(Limits(value_size=100))
        token = t.token()
        put = Command.IMMUTABLE_PUT
        assert refused(t, self.immutable(t, bytes(101)), Refusal.TOO_LARGE)
        assert refused(t, request(put, target=TOPIC, token=token, value=b"v"), Refusal.BAD_VALUE)
        assert refused(t, request(put, target=blake2b_256(b"v"), value=b"v"), Refusal.MISSING_FIELD)
        assert refused(t, request(put, target=blake2b_256(b""), token=token, value=b""), Refusal.MISSING_FIELD)
        assert refused(t, request(put, token=token, value=b"v"), Refusal.MISSING_FIELD)
        assert refused(t, request(Command.IMMUTABLE_GET), Refusal.MISSING_FIELD)
        assert len(t.node.values) == 0

    def test_mutable(self) -> None:
        t = NodeUnderTest()
        assert self.fetch(t) is None
        for seq, value, error, stored in (
            (3, b"a", 0, (3, b"a")),
            (3, b"a", 0, (3, b"a")),
            (3, b"b", 16, (3, b"a")),
            (2, b"c", 17, (3, b"a")),
            (4, b"d", 0, (4, b"d")),
        ):
            answer = t.ask(self.mutable(t, signed_mutable(PAIR, seq, value)))
            assert answer is not None
            assert answer.error == error
            assert self.fetch(t) == stored
        assert self.fetch(t, 4) == (4, b"d")
        assert self.fetch(t, 5) is None

    def test_what_mutable_does_not_take(self) -> None:
        t = NodeUnderTest(Limits(value_size=100))
        good = signed_mutable(PAIR, 1, b"v")
        token = t.token()
        value = encode_mutable_put(good)
        put = Command.MUTABLE_PUT
        assert refused(t, self.mutable(t, signed_mutable(PAIR, 1, bytes(101))), Refusal.TOO_LARGE)
        assert refused(t, self.mutable(t, signed_mutable(PAIR, 1, b"")), Refusal.BAD_VALUE)
        forged = MutablePut(good.public_key, 2, good.value, good.signature)
        assert refused(t, self.mutable(t, forged), Refusal.BAD_SIGNATURE)
        assert refused(t, request(put, target=TOPIC, token=token, value=value), Refusal.BAD_VALUE)
        assert refused(t, request(put, target=SELF, token=token, value=b"v"), Refusal.BAD_VALUE)
        assert refused(t, request(put, target=SELF, value=value), Refusal.MISSING_FIELD)
        assert refused(t, request(put, token=token, value=value), Refusal.MISSING_FIELD)
        assert refused(t, request(Command.MUTABLE_GET, target=SELF), Refusal.MISSING_FIELD)
        assert refused(t, request(Command.MUTABLE_GET, target=SELF, value=b""), Refusal.BAD_VALUE)
        assert len(t.node.values) == 0

    def test_bounds(self) -> None:
        t = NodeUnderTest(Limits(values=10, value_bytes=50))
        for number in range(20):
            t.ask(self.immutable(t, bytes([number]) * 4))
        assert len(t.node.values) == 10
        t.ask(self.immutable(t, bytes(50)))
        assert len(t.node.values) == 1


class TestPlugins:
    def test_served_by_name_and_version(self) -> None:
        t = NodeUnderTest()
        served: list[PluginRequest] = []
        t.node.plugins.register("echo", 2, lambda asked, _request, _now: served.append(asked))
        asked = PluginRequest("echo", 2, 7, b"x")
        t.ask(request(Command.PLUGIN, value=encode_plugin_request(asked)))
        assert served == [asked]
        for other in (PluginRequest("echo", 1, 7), PluginRequest("other", 2, 7)):
            assert refused(t, request(Command.PLUGIN, value=encode_plugin_request(other)), Refusal.UNKNOWN_PLUGIN)
        assert refused(t, request(Command.PLUGIN, value=b"\5ab"), Refusal.BAD_VALUE)
        assert refused(t, request(Command.PLUGIN), Refusal.BAD_VALUE)
