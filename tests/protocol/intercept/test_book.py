"""What a relay learns: it opens rounds of attempts that it passed on, and says why where it can't."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.constants import Command, Mode
from protocol.editing.fields import with_field
from protocol.editing.values import SealedError
from protocol.envelope import encode_request, encode_response
from protocol.hashes import blake2b_256
from protocol.intercept.book import AttemptBook
from protocol.intercept.sighted import Sighted
from protocol.intercept.timers import resending, timers_of
from protocol.messages import Address, PeerRecord, Request, Response
from protocol.noise import attempt_id
from protocol.values import encode_peer_record
from tests.protocol.intercept.attempt import CLIENT, LEGS, RECEIVED, RELAY, SENT, SERVER, RelayedAttempt, passing


def seen(book: AttemptBook, attempt: RelayedAttempt, data: bytes, mode: Mode, now: float = 0.0) -> Sighted:
    return book.see(passing(data, attempt.way(mode), now))


def introduced(attempt: RelayedAttempt, *, announced: bool = True, legs: tuple[Mode, ...] = LEGS) -> AttemptBook:
    """A book that saw the handshake."""
    book = AttemptBook()
    if announced:
        book.see(passing(attempt.announcement(), (RECEIVED, SERVER)))
    for mode in legs:
        seen(book, attempt, attempt.handshake(mode), mode)
    return book


@pytest.mark.parametrize("mode", LEGS)
def test_a_relay_opens_every_leg_of_a_round(mode: Mode) -> None:
    attempt = RelayedAttempt()
    book = introduced(attempt)
    seen(book, attempt, attempt.round(Mode.FROM_CLIENT), Mode.FROM_CLIENT)
    sighted = seen(book, attempt, attempt.round(mode), mode)
    assert sighted.payload == attempt.opened(attempt.round(mode))
    assert sighted.attempt is not None
    assert sighted.attempt.id == attempt_id(attempt.noise1)
    assert (sighted.mode, sighted.target) == (mode, attempt.target)
    changed = with_field(attempt.round(mode), "firewall", "RANDOM", book.opener(sighted))
    assert attempt.opened(changed) == replace(attempt.opened(attempt.round(mode)), firewall=3)


def test_the_key_may_come_last() -> None:
    attempt = RelayedAttempt()
    book = introduced(attempt, announced=False)
    sighted = seen(book, attempt, attempt.round(Mode.FROM_CLIENT), Mode.FROM_CLIENT)
    assert sighted.payload is None
    with pytest.raises(SealedError, match="public key is not known"):
        with_field(attempt.round(Mode.FROM_CLIENT), "firewall", "OPEN", book.opener(sighted))
    asked = Request(77, RELAY, Command.FIND_PEER, target=attempt.target)
    book.see(passing(encode_request(asked), (RECEIVED, CLIENT)))
    record = encode_peer_record(PeerRecord(attempt.pair.public_key, (RELAY,)))
    book.see(passing(encode_response(Response(77, CLIENT, value=record)), (SENT, CLIENT)))
    assert seen(book, attempt, attempt.round(Mode.FROM_CLIENT), Mode.FROM_CLIENT).payload is not None


@pytest.mark.parametrize(
    ("legs", "reason"),
    [((), "did not pass here"), ((Mode.FROM_CLIENT,), "server's noise message did not pass")],
)
def test_why_a_round_stays_closed(legs: tuple[Mode, ...], reason: str) -> None:
    attempt = RelayedAttempt()
    book = introduced(attempt, legs=legs)
    sighted = seen(book, attempt, attempt.round(Mode.FROM_CLIENT), Mode.FROM_CLIENT)
    assert reason in book.opener(sighted).lack


def test_two_clients_of_one_server_with_the_same_tid() -> None:
    first, second = RelayedAttempt(1), RelayedAttempt(2, Address("10.0.0.9", 9))
    second.tid = first.tid
    book = AttemptBook()
    book.give_server_key(first.pair.public_key, 0.0)
    for attempt in (first, second):
        for mode in (Mode.FROM_CLIENT, Mode.FROM_RELAY):
            seen(book, attempt, attempt.handshake(mode), mode)
    for attempt in (second, first):
        seen(book, attempt, attempt.handshake(Mode.FROM_SERVER), Mode.FROM_SERVER)
    opened = [seen(book, one, one.round(Mode.FROM_CLIENT), Mode.FROM_CLIENT).attempt for one in (first, second)]
    assert [one and one.id for one in opened] == [attempt_id(first.noise1), attempt_id(second.noise1)]


def test_a_request_that_comes_again_is_known() -> None:
    attempt = RelayedAttempt()
    book = introduced(attempt)
    data = attempt.round(Mode.FROM_CLIENT)
    assert [seen(book, attempt, data, Mode.FROM_CLIENT).again for _ in range(3)] == [False, True, True]
    answer = seen(book, attempt, attempt.round(Mode.REPLY), Mode.REPLY)
    assert answer.asked is not None
    assert answer.asked.times == 3


@pytest.mark.parametrize(
    ("mode", "issuer", "host"),
    [
        (Mode.FROM_CLIENT, b"c", SERVER.host),
        (Mode.FROM_RELAY, b"c", SERVER.host),
        (Mode.FROM_SERVER, b"s", CLIENT.host),
        (Mode.REPLY, b"s", CLIENT.host),
    ],
)
def test_tokens_can_be_made_anew_with_the_secret_of_their_issuer(mode: Mode, issuer: bytes, host: str) -> None:
    attempt = RelayedAttempt()
    book = introduced(attempt)
    book.give_token_secret(attempt_id(attempt.noise1), "client", b"c" * 32, 0.0)
    book.give_token_secret(attempt_id(attempt.noise1), "server", b"s" * 32, 0.0)
    seen(book, attempt, attempt.round(Mode.FROM_CLIENT), Mode.FROM_CLIENT)
    sighted = seen(book, attempt, attempt.round(mode), mode)
    changed = with_field(attempt.round(mode), "token", "recompute", book.opener(sighted))
    assert attempt.opened(changed).token == blake2b_256(host.encode(), key=issuer * 32)
    other = b"s" if issuer == b"c" else b"c"
    back = CLIENT.host if issuer == b"c" else SERVER.host
    changed = with_field(attempt.round(mode), "remote_token", "recompute", book.opener(sighted))
    assert attempt.opened(changed).remote_token == blake2b_256(back.encode(), key=other * 32)


def test_timers_of_a_round_on_its_way_to_the_relay() -> None:
    attempt = RelayedAttempt()
    book = introduced(attempt)
    data = attempt.round(Mode.FROM_CLIENT, punching=True)
    first = timers_of(seen(book, attempt, data, Mode.FROM_CLIENT, 2.0))
    assert [(one.name, one.due) for one in first] == [
        ("the client sends it again", 3.0),
        ("the client gives this request up", 6.0),
        ("the server gives up waiting for a punch round", 10.0),
    ]
    assert all(one.estimated and one.source for one in first)
    for number in range(3):
        last = timers_of(seen(book, attempt, data, Mode.FROM_CLIENT, 3.0 + number))
    assert [(one.name, one.due) for one in last] == [
        ("the client gives this request up", 6.0),
    ], "it was sent four times; the server has its punch round"


@pytest.mark.parametrize(
    ("times", "gap", "waits"),
    [
        (1, None, [1, 1, 1, 1]),
        (2, 1.05, [1, 1, 1]),
        (4, 0.98, [1]),
        (7, 1.0, [1]),
        (2, 0.3, [0.628, 1.128, 2.128]),
        (3, 0.6, [1.128, 2.128]),
        (3, 1.5, [2.25, 3.0]),
        (4, 3.9, [4.0]),
        (2, 0.05, [0.3, 0.3, 0.3]),
    ],
)
def test_how_long_a_sender_waits(times: int, gap: float | None, waits: list[float]) -> None:
    """Every second; or as adaptive-timeout has it, by its own steps or by round trips."""
    assert resending(times, gap) == pytest.approx(waits)


def test_timers_of_a_client_with_adaptive_timeouts() -> None:
    attempt = RelayedAttempt()
    book = introduced(attempt)
    data = attempt.round(Mode.FROM_CLIENT)
    seen(book, attempt, data, Mode.FROM_CLIENT, 2.0)
    timers = timers_of(seen(book, attempt, data, Mode.FROM_CLIENT, 2.4))
    assert (timers[0].name, timers[0].due) == ("the client sends it again", pytest.approx(3.028))


def test_timers_of_the_legs_behind_are_those_of_the_client() -> None:
    attempt = RelayedAttempt()
    book = introduced(attempt)
    seen(book, attempt, attempt.round(Mode.FROM_CLIENT), Mode.FROM_CLIENT, 2.0)
    for mode in (Mode.FROM_RELAY, Mode.FROM_SERVER, Mode.REPLY):
        timers = timers_of(seen(book, attempt, attempt.round(mode), mode, 2.5))
        assert ("the client sends it again", 3.0) in [(one.name, one.due) for one in timers], mode


def test_timers_of_a_server_that_punches() -> None:
    attempt = RelayedAttempt()
    book = introduced(attempt)
    seen(book, attempt, attempt.round(Mode.FROM_CLIENT, punching=True), Mode.FROM_CLIENT, 1.0)
    timers = timers_of(seen(book, attempt, attempt.round(Mode.FROM_SERVER, punching=True), Mode.FROM_SERVER, 1.5))
    assert ("the server's punches end", 12.5) in [(one.name, one.due) for one in timers]


@pytest.mark.parametrize(("way", "who"), [((SENT, SERVER), "our node"), ((RECEIVED, SERVER), "the node that asked")])
def test_timers_of_any_other_request(way: tuple[object, Address], who: str) -> None:
    ping = encode_request(Request(5, SERVER, 0, True))
    timers = timers_of(AttemptBook().see(passing(ping, way)))  # type: ignore[arg-type]
    assert [one.name for one in timers] == [f"{who} sends it again", f"{who} gives this request up"]
    assert timers[0].estimated == (who != "our node")


def test_what_is_no_message_has_no_timers() -> None:
    assert timers_of(AttemptBook().see(passing(b"\x00", (RECEIVED, SERVER)))) == ()


@given(st.lists(st.tuples(st.integers(0, 7), st.binary(max_size=60), st.booleans()), max_size=12))
def test_whatever_passes(parts: list[tuple[int, bytes, bool]]) -> None:
    """Cut, swapped and made-up bytes of an attempt, either way."""
    attempt = RelayedAttempt()
    book = AttemptBook()
    for number, noise, sent in parts:
        data = (attempt.handshake(LEGS[number % 4]) if number < 4 else attempt.round(LEGS[number % 4])) + noise
        cut = data[: len(data) - len(noise) % 5] if number % 2 else noise + data
        sighted = book.see(passing(cut, (SENT if sent else RECEIVED, SERVER)))
        timers_of(sighted)
        book.opener(sighted)
