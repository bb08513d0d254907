"""What attempts share, and what they seal."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protocol.messages import Address, HolepunchPayload
from protocol.punch.budget import STRANGER_BURST, STRANGER_RATE, STRANGERS_BURST, PunchBudget
from protocol.punch.secure_payload import SecurePayload
from protocol.secretbox import seal_payload

SECRET = b"s" * 32
PAYLOAD = HolepunchPayload(0, 2, 1, punching=True, addresses=(Address("10.0.0.1", 5),), token=b"t" * 32)


def test_one_random_punch_at_a_time_and_twenty_seconds_between() -> None:
    budget = PunchBudget()
    assert budget.may_start(0.0)
    assert budget.next_at(0.0) == 0.0
    budget.begin()
    assert not budget.may_start(1000.0)
    assert budget.next_at(1000.0) is None
    budget.end(1000.0)
    assert not budget.may_start(1019.9)
    assert budget.next_at(1019.9) == 1020.0
    assert budget.may_start(1020.0)


def test_a_reservation_counts_and_leaves_no_interval() -> None:
    budget = PunchBudget()
    release = budget.reserve()
    assert not budget.may_start(0.0)
    release()
    release()
    assert budget.running == 0
    assert budget.may_start(0.0)


def test_the_first_one_can_be_deferred() -> None:
    budget = PunchBudget(interval=5.0, deferred_since=100.0)
    assert not budget.may_start(104.9)
    assert budget.may_start(105.0)


def test_two_at_once() -> None:
    budget = PunchBudget(limit=2)
    budget.begin()
    assert budget.may_start(0.0)
    budget.begin()
    assert not budget.may_start(0.0)


def test_hosts_without_proof_are_punched_only_so_often() -> None:
    budget = PunchBudget()
    assert sum(budget.admits_stranger("99.0.0.1", 0.0) for _ in range(1000)) == STRANGER_BURST
    assert budget.strangers_refused == 1000 - STRANGER_BURST
    assert sum(budget.admits_stranger("99.0.0.1", 10.0) for _ in range(1000)) == STRANGER_RATE * 10
    everybody = [f"99.1.{number >> 8}.{number & 255}" for number in range(5000)]
    assert sum(budget.admits_stranger(host, 10.0) for host in everybody) <= STRANGERS_BURST


def test_both_sides_read_each_other() -> None:
    one, two = SecurePayload(SECRET, Random(1)), SecurePayload(SECRET, Random(2))
    sealed = one.encrypt(PAYLOAD)
    assert two.decrypt(sealed) == PAYLOAD
    assert one.encrypt(PAYLOAD) != sealed
    assert SecurePayload(b"x" * 32, Random(1)).decrypt(sealed) is None


@pytest.mark.parametrize("cut", range(60))
def test_cut_payloads(cut: int) -> None:
    one = SecurePayload(SECRET, Random(1))
    assert one.decrypt(one.encrypt(PAYLOAD)[:cut]) is None


@settings(deadline=None)
@given(st.binary(max_size=120))
def test_any_bytes_under_the_seal(plaintext: bytes) -> None:
    opened = SecurePayload(SECRET, Random(1)).decrypt(seal_payload(SECRET, plaintext, bytes(24)))
    assert opened is None or isinstance(opened, HolepunchPayload)


@settings(deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes(sealed: bytes) -> None:
    assert SecurePayload(SECRET, Random(1)).decrypt(sealed) is None


def test_tokens_prove_a_host_to_who_issued_them() -> None:
    one, two = SecurePayload(SECRET, Random(1)), SecurePayload(SECRET, Random(2))
    assert one.token("10.0.0.1") == one.token("10.0.0.1")
    assert len({one.token("10.0.0.1"), one.token("10.0.0.2"), two.token("10.0.0.1")}) == 3
    assert len(one.token("10.0.0.1")) == 32
