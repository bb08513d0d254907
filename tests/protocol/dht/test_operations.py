"""Operations against one other node that answers as the test likes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from protocol.constants import Command
from protocol.dht.operations import announce, find_peer, get_immutable, get_mutable, look_up, put_immutable, unannounce
from protocol.dht.query_host import QueryFailure
from protocol.dht.signing import signed_mutable
from protocol.envelope import encode_response
from protocol.hashes import blake2b_256, node_id
from protocol.keys import key_pair
from protocol.messages import LookupReply, MutableGetReply, PeerRecord, Request, Response
from protocol.peer_values import encode_lookup_reply, encode_peer_record
from protocol.storage_values import encode_mutable_get_reply
from tests.protocol.dht.clock import OTHER, OWN, NodeUnderTest, as_request

PAIR = key_pair(b"k" * 32)
STRANGER = key_pair(b"l" * 32)
TOPIC = blake2b_256(b"a topic")
TOKEN = b"t" * 32

Fields = dict[str, Any]


def run(
    operation: Callable[..., object], *args: Any, answers: dict[int, Fields | None] | None = None, **kwargs: Any
) -> Any:
    """Run an operation to its end; the other node answers each command as told, and not where it is not told.

    Answers have an id and a token unless told otherwise.
    """
    t = NodeUnderTest()
    if answers is not None:
        t.tell(Request(1, OWN, 0, internal=True, id=node_id(OTHER)))
    results: list[Any] = []
    operation(t.node, t.now, lambda result, _: results.append(result), *args, **kwargs)
    for _ in range(100):
        while (out := t.node.poll_datagram(t.now)) is not None:
            asked = as_request(out)
            fields = (answers or {}).get(asked.command)
            if out.to == OTHER and not asked.internal and fields is not None:
                answer = Response(**{"tid": asked.tid, "to": OWN, "id": node_id(OTHER), "token": TOKEN} | fields)
                t.node.receive_datagram(encode_response(answer), OTHER, t.now, 1)
        if results:
            break
        t.advance(0)
        due = t.node.next_timeout()
        assert due is not None
        t.now = due
        t.node.handle_timeout(due)
    assert len(results) == 1
    assert t.node.searches.active == 0
    return results[0]


def test_nobody_to_announce_at() -> None:
    assert run(announce, TOPIC, PAIR).failure is QueryFailure.TOO_FEW_NODES
    assert run(put_immutable, b"v").failure is QueryFailure.TOO_FEW_NODES


@pytest.mark.parametrize(
    ("answers", "failure"),
    [
        ({Command.LOOKUP: {}, Command.ANNOUNCE: {}}, None),
        ({Command.LOOKUP: {}}, QueryFailure.COMMIT_FAILED),
        ({Command.LOOKUP: {}, Command.ANNOUNCE: {"error": 1}}, QueryFailure.COMMIT_FAILED),
        ({Command.LOOKUP: {"token": None}, Command.ANNOUNCE: {}}, QueryFailure.COMMIT_FAILED),
        ({Command.LOOKUP: {"id": None}, Command.ANNOUNCE: {}}, QueryFailure.TOO_FEW_NODES),
        ({Command.LOOKUP: {"error": 1}, Command.ANNOUNCE: {}}, QueryFailure.TOO_FEW_NODES),
        ({}, QueryFailure.TOO_FEW_NODES),
    ],
)
def test_announcing(answers: dict[int, Fields | None], failure: QueryFailure | None) -> None:
    assert run(announce, TOPIC, PAIR, answers=answers).failure is failure


@pytest.mark.parametrize(
    ("keys", "answer", "taken"),
    [
        ([PAIR.public_key], {}, 1),
        ([PAIR.public_key], {"error": 2}, 0),
        ([PAIR.public_key], None, 0),
        ([STRANGER.public_key], {}, 0),
        # A full answer may have left it out.
        ([bytes([number]) * 32 for number in range(20)], {}, 1),
    ],
)
def test_unannouncing(keys: list[bytes], answer: Fields | None, taken: int) -> None:
    value = encode_lookup_reply(LookupReply(tuple(PeerRecord(key, ()) for key in keys)))
    answers = {Command.LOOKUP: {"value": value}, Command.UNANNOUNCE: answer}
    assert run(unannounce, TOPIC, PAIR, answers=answers) == taken


@pytest.mark.parametrize(
    ("value", "found"),
    [
        (encode_peer_record(PeerRecord(PAIR.public_key, (OTHER,))), True),
        (encode_peer_record(PeerRecord(STRANGER.public_key, ())), False),
        (b"malformed", False),
        (None, False),
    ],
)
def test_finding_a_peer(value: bytes | None, found: bool) -> None:
    result = run(find_peer, PAIR.public_key, answers={Command.FIND_PEER: {"value": value}})
    assert (result.record is not None) == found
    assert [holder.address for holder in result.holders] == [OTHER] * found


def test_looking_up_skips_what_is_malformed() -> None:
    assert run(look_up, TOPIC, answers={Command.LOOKUP: {"value": b"\xff"}}).peers == ()


@pytest.mark.parametrize(("value", "fetched"), [(b"v", b"v"), (b"forged", None), (None, None)])
def test_fetching_an_immutable_value(value: bytes | None, fetched: bytes | None) -> None:
    answers: dict[int, Fields | None] = {Command.IMMUTABLE_GET: {"value": value}}
    assert run(get_immutable, blake2b_256(b"v"), answers=answers) == fetched


def test_fetching_a_mutable_value() -> None:
    put = signed_mutable(PAIR, 5, b"v")
    good = MutableGetReply(5, b"v", put.signature)
    for reply, seq, expected in (
        (good, 0, good),
        (good, 5, good),
        (good, 6, None),
        (MutableGetReply(6, b"v", put.signature), 0, None),
        (MutableGetReply(5, b"w", put.signature), 0, None),
    ):
        answers: dict[int, Fields | None] = {Command.MUTABLE_GET: {"value": encode_mutable_get_reply(reply)}}
        assert run(get_mutable, PAIR.public_key, seq, answers=answers) == expected
    answers = {Command.MUTABLE_GET: {"value": b"\xff"}}
    assert run(get_mutable, PAIR.public_key, answers=answers) is None


def test_a_full_table_of_requests_ends_a_search() -> None:
    t = NodeUnderTest()
    t.tell(Request(1, OWN, 0, internal=True, id=node_id(OTHER)))
    for _ in range(0x10000):
        t.node.ping(OTHER, t.now, lambda _reply, _now: None, lambda _failure, _now: None)
    ended: list[Any] = []
    look_up(t.node, t.now, lambda found, _: ended.append(found.search.failure), TOPIC)
    assert ended == [QueryFailure.NO_ROOM]


def test_a_closed_node_is_deaf() -> None:
    t = NodeUnderTest()
    t.node.close(t.now)
    t.node.close(t.now)
    t.node.handle_timeout(t.now + 10)
    t.node.name_resolved("a.test", "10.0.0.9", t.now)
    assert t.ask(Request(1, OWN, 0, internal=True)) is None
