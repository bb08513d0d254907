"""The history of a NAT class: nearest changes checked by trying, uses of samples by made-up attempts."""

from __future__ import annotations

from itertools import permutations, product

from hypothesis import given, settings
from hypothesis import strategies as st

from capture.nat_history import Change, nearest_change
from protocol.address import Address
from protocol.constants import Firewall
from protocol.nat import classify

A, B, C, D = (Address("192.0.2.1", port) for port in (1, 2, 3, 4))
OTHER = Address("192.0.2.9", 9)


def seen(*addresses: Address) -> list[tuple[Address, Address]]:
    return [(address, Address("198.51.100.1", number)) for number, address in enumerate(addresses, 1)]


def test_an_address_of_three_is_never_outweighed() -> None:
    assert nearest_change(seen(A, A, A)) is None
    assert nearest_change(seen(A, B, A, A)) is None


def test_all_different_ports_need_one_address_three_times() -> None:
    change = nearest_change(seen(A, B, C, D))
    assert change == Change(Firewall.CONSISTENT, again=(A, A), others=0)


def test_one_sample_more_decides_where_two_agree() -> None:
    change = nearest_change(seen(A, A))
    assert change is not None
    assert len(change.again) + change.others == 1
    assert change.firewall is Firewall.CONSISTENT


def test_a_second_host_can_make_it_consistent() -> None:
    assert classify(seen(A, A, OTHER, OTHER)).firewall is Firewall.CONSISTENT
    change = nearest_change(seen(A, A, OTHER))
    assert change is not None
    assert change.firewall is Firewall.CONSISTENT
    assert len(change.again) == 1


def after(addresses: list[Address], further: tuple[Address, ...]) -> Firewall:
    return classify(seen(*addresses, *further)).firewall


FRESH = [Address("192.0.2.1", 100), Address("192.0.2.1", 101)]


@given(st.lists(st.sampled_from([A, B, C, OTHER]), max_size=6))
@settings(max_examples=60)
def test_fewer_samples_would_not_change_the_class_and_those_would(addresses: list[Address]) -> None:
    present = after(addresses, ())
    change = nearest_change(seen(*addresses))
    fewer = 2 if change is None else len(change.again) + change.others - 1
    for number in range(1, min(fewer, 2) + 1):
        for further in product([*dict.fromkeys(addresses), *FRESH], repeat=number):
            assert after(addresses, further) == present
    if change is not None:
        assert change.firewall != present
        new = [Address("192.0.2.1", 100 + number) for number in range(change.others)]
        assert change.firewall in {after(addresses, order) for order in permutations([*change.again, *new])}
