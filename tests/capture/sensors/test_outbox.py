"""The outbox as a machine: nothing is lost, nothing changes its place, and it never has more than one may know."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from capture.sensors.outbox import WINDOW, Outbox, Parcel


def _filled(count: int, size: int = 10, **limits: int) -> Outbox:
    box = Outbox(**limits)
    for number in range(count):
        box.put("s", f"id.{number}", bytes(size))
    return box


def _taken(box: Outbox) -> list[Parcel]:
    found = []
    while (parcel := box.take()) is not None:
        found.append(parcel)
    return found


def test_parcels_go_in_order_and_are_kept_until_they_are_acknowledged() -> None:
    box = _filled(3)
    sent = _taken(box)
    assert [one.message_id for one in sent] == ["id.0", "id.1", "id.2"]
    assert (len(box), box.bytes, box.on_way) == (3, 30, 3)
    for one in sent:
        box.acknowledged(one.number)
    assert (len(box), box.bytes, box.on_way) == (0, 0, 0)


def test_after_a_connection_what_was_not_acknowledged_goes_again_before_what_is_new() -> None:
    box = _filled(4)
    sent = _taken(box)
    box.acknowledged(sent[1].number)
    box.put("s", "id.4", b"new")
    box.rewind()
    assert [one.message_id for one in _taken(box)] == ["id.0", "id.2", "id.3", "id.4"]
    assert box.repeated == 3


def test_an_acknowledgement_may_come_after_the_connection() -> None:
    box = _filled(2)
    sent = _taken(box)
    box.rewind()
    box.acknowledged(sent[0].number)
    box.acknowledged(sent[0].number)
    assert [one.message_id for one in _taken(box)] == ["id.1"]
    assert box.acknowledged_count == 1


def test_it_is_full_by_bytes_and_refuses_nothing() -> None:
    box = _filled(3, most_bytes=25)
    assert box.full
    assert len(box) == 3
    sent = _taken(box)
    box.acknowledged(sent[0].number)
    assert not box.full


def test_no_more_than_the_window_is_on_its_way() -> None:
    box = _filled(5, size=100, window_bytes=250)
    assert [one.number for one in _taken(box)] == [0, 1]
    box.acknowledged(0)
    assert [one.number for one in _taken(box)] == [2]


def test_one_that_is_larger_than_the_window_goes_alone() -> None:
    box = _filled(2, size=300, window_bytes=250)
    assert [one.number for one in _taken(box)] == [0]
    box.acknowledged(0)
    assert [one.number for one in _taken(box)] == [1]


def test_no_more_parcels_than_the_window_are_on_their_way() -> None:
    assert len(_taken(_filled(WINDOW + 5, size=0))) == WINDOW


_ACTS = st.lists(st.one_of(st.tuples(st.just("put"), st.integers(0, 9)), st.tuples(st.just("take"), st.just(0)),
                           st.tuples(st.just("acknowledge"), st.integers(0, 30)),
                           st.tuples(st.just("rewind"), st.just(0))), max_size=60)  # fmt: skip


@settings(max_examples=100, deadline=None)
@given(_ACTS)
def test_whatever_happens_what_is_not_acknowledged_is_sent_in_order(acts: list[tuple[str, int]]) -> None:
    box = Outbox(window_bytes=20)
    put: list[int] = []
    stored: set[int] = set()
    connection: list[int] = []
    for act, number in acts:
        if act == "put":
            box.put("s", str(len(put)), bytes(number))
            put.append(number)
        elif act == "take":
            parcel = box.take()
            if parcel is not None:
                assert parcel.number not in stored
                assert connection == sorted(connection)
                connection.append(parcel.number)
        elif act == "acknowledge" and number in connection:
            box.acknowledged(number)
            stored.add(number)
        elif act == "rewind":
            box.rewind()
            connection.clear()
        left = [one for one in range(len(put)) if one not in stored]
        assert len(box) == len(left)
        assert box.bytes == sum(put[one] for one in left)
    box.rewind()
    sent: list[int] = []
    while (parcel := box.take()) is not None:
        sent.append(parcel.number)
        box.acknowledged(parcel.number)
    assert sent == [one for one in range(len(put)) if one not in stored]
