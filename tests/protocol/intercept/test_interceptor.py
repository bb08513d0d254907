"""Every action, alone and beside others; nothing gets lost without being counted."""

from __future__ import annotations

from collections import Counter
from random import Random

import pytest

from protocol.dht.contact import Outgoing
from protocol.intercept.values import (
    LET_PASS,
    Action,
    Delay,
    Direction,
    Drop,
    Duplicate,
    Edit,
    EditFailedError,
    Fate,
    Hold,
    NotHeldError,
    Passing,
    Redirect,
    Reorder,
    Replay,
    Ruling,
)
from tests.protocol.intercept.machines import OTHER, REMOTE, World, when


def upper(data: bytes) -> bytes:
    if data == b"x!":
        raise EditFailedError("no")
    return data.upper()


def test_nothing_is_changed_where_nothing_is_ruled() -> None:
    world = World(lambda _: LET_PASS)
    world.receive(b"a")
    assert world.send(b"b", ttl=5) == [Outgoing(b"b", REMOTE, 1, 5)]
    assert world.got == [b"a"]
    assert (world.touched, world.inside.passed) == ([], 2)
    assert world.inside.leaving is not None
    assert world.inside.leaving.passing.data == b"b"


def test_both_ways_are_ruled_over_and_each_says_which_it_is() -> None:
    seen: list[Passing] = []

    def judge(passing: Passing) -> Ruling:
        seen.append(passing)
        return LET_PASS

    world = World(judge)
    world.receive(b"a")
    world.send(b"b", OTHER, 5)
    assert seen == [
        Passing(1, Direction.RECEIVED, REMOTE, 1, None, b"a", 0.0),
        Passing(2, Direction.SENT, OTHER, 1, 5, b"b", 0.0),
    ]


def test_drop() -> None:
    world = World(when(b"x", Drop(), Hold(), Duplicate()))
    world.receive(b"x1")
    assert world.send(b"x2") == []
    assert world.got == []
    assert world.fates == ["dropped", "dropped"]
    assert [one.data for one in world.touched] == [None, None]
    assert world.touched[0].rule == "r"


def test_edit_one_after_the_other_and_redirect() -> None:
    world = World(when(b"x", Edit(lambda data: data + b"!"), Edit(bytes.upper), Redirect(OTHER)))
    assert world.send(b"xy") == [Outgoing(b"XY!", OTHER, 1, None)]
    world.receive(b"xz")
    assert world.machine.received == [(b"XZ!", OTHER)]
    assert world.fates == ["redirected", "redirected"]
    assert world.touched[0].passing.data == b"xy"
    assert world.inside.leaving is not None
    assert world.inside.leaving.touched == world.touched[0]


def test_an_edit_that_changes_nothing_touches_nothing() -> None:
    world = World(when(b"x", Edit(lambda data: data)))
    assert len(world.send(b"x")) == 1
    assert world.fates == []


def test_an_edit_that_fails_is_told_and_the_rest_is_done() -> None:
    world = World(when(b"x", Edit(upper), Duplicate()))
    assert [one.data for one in world.send(b"x!")] == [b"x!", b"x!"]
    assert world.fates == ["unedited", "duplicated"]
    assert world.touched[0].reason == "no"


def test_another_ttl_for_what_is_sent_only() -> None:
    world = World(lambda _: Ruling(ttl=3, rule="r"))
    assert world.send(b"x") == [Outgoing(b"x", REMOTE, 1, 3)]
    world.receive(b"x")
    assert world.fates == ["edited"]


def test_delay() -> None:
    world = World(when(b"x", Delay(1.5), Delay(0.5), Edit(bytes.upper)))
    world.receive(b"x")
    assert world.send(b"xy") == []
    world.receive(b"a")
    assert world.got == [b"a"], "others go past"
    world.wait(1.9)
    assert world.got == [b"a"]
    world.wait(0.2)
    assert world.got == [b"a", b"X"]
    assert [one.data for one in world.sent()] == [b"XY"]
    assert world.fates == ["delayed", "delayed"]


def test_duplicate() -> None:
    world = World(when(b"x", Duplicate(2)))
    world.receive(b"x")
    assert world.got == [b"x"] * 3
    assert world.fates == ["duplicated", "duplicated"]


def test_replay_after_some_time() -> None:
    world = World(when(b"x", Replay(2.0)))
    world.receive(b"x")
    assert world.got == [b"x"]
    world.wait(2.0)
    assert world.got == [b"x", b"x"]
    assert world.fates == ["replayed"]


def test_replay_behind_the_next_of_its_group() -> None:
    world = World(when(b"x", Replay(behind=1, group="r")))
    for data in (b"x1", b"a", b"x2", b"a", b"x3"):
        world.receive(data)
    assert world.got == [b"x1", b"a", b"x2", b"x1", b"a", b"x3", b"x2"]
    world.wait(10.0)
    assert world.got[-1] == b"x3", "what nothing follows goes by itself"
    assert world.inside.waiting == 0


def test_reorder_behind_the_next_between_the_same_two() -> None:
    world = World(when(b"x", Reorder(2, patience=5.0)))
    world.receive(b"x")
    world.receive(b"a", OTHER)
    world.send(b"b")
    world.receive(b"c")
    assert world.got == [b"a", b"c"]
    world.receive(b"d")
    assert world.got == [b"a", b"c", b"d", b"x"]
    world.receive(b"x")
    world.wait(4.9)
    assert world.got[-1] == b"x"
    assert len(world.got) == 4
    world.wait(0.2)
    assert len(world.got) == 5
    assert world.fates == ["reordered", "reordered"]


def test_held_ones_wait_and_nobody_waits_for_them() -> None:
    world = World(when(b"x", Hold("why")))
    world.receive(b"x1")
    assert world.send(b"x2") == []
    world.receive(b"a")
    assert world.got == [b"a"]
    first, second = world.inside.held
    assert (first.label, first.since, first.rule, first.edited) == ("why", 0.0, "r", False)
    assert [one.name for one in first.timers] == ["soon", "late"]
    world.inside.forward(second.number, 1.0)
    assert [one.data for one in world.sent()] == [b"x2"]
    world.inside.forward(first.number, 1.0)
    assert world.got == [b"a", b"x1"]
    assert world.fates == ["held", "held", "forwarded", "forwarded"]
    assert world.touched[-1].rule is None, "a person did it"
    assert world.inside.held == ()


def test_a_held_one_is_edited_reverted_and_goes_elsewhere() -> None:
    world = World(when(b"x", Hold(), Edit(bytes.upper)))
    world.send(b"xy")
    (held,) = world.inside.held
    assert (held.data, held.edited) == (b"XY", True)
    assert world.inside.edit(held.number, data=b"new").data == b"new"
    assert world.inside.revert(held.number).edited is False
    world.inside.edit(held.number, to=OTHER, ttl=7)
    world.inside.forward(held.number, 0.0)
    assert world.sent() == [Outgoing(b"xy", OTHER, 1, 7)]
    assert world.fates == ["held", "redirected"]


def test_what_a_rule_edited_and_a_person_let_go_is_the_rules_work() -> None:
    world = World(when(b"x", Hold(), Edit(bytes.upper)))
    world.send(b"xy")
    world.inside.forward(1, 0.0)
    assert (world.fates[-1], world.touched[-1].rule, world.touched[-1].data) == ("edited", "r", b"XY")


def test_a_held_one_is_dropped_delayed_duplicated_and_sent_again() -> None:
    world = World(when(b"x", Hold()))
    for number in range(3):
        world.send(b"x%d" % number)
    world.inside.drop(1, 0.0)
    world.inside.duplicate(2, 0.0)
    assert [one.data for one in world.sent()] == [b"x1"]
    world.inside.delay(2, 3.0, world.now)
    world.inside.delay(3, 1.0, world.now)
    world.inside.hold(3)
    world.wait(3.0)
    assert [one.data for one in world.sent()] == [b"x1"]
    assert [one.number for one in world.inside.held] == [3]
    dropped = next(one for one in world.touched if one.fate is Fate.DROPPED)
    world.inside.replay(dropped, world.now)
    assert [one.data for one in world.sent()] == [b"x0"]
    assert world.fates[3:] == ["dropped", "duplicated", "delayed", "replayed"]


def test_a_passing_is_sent_again() -> None:
    world = World(lambda _: LET_PASS)
    world.inside.replay(Passing(0, Direction.SENT, OTHER, 1, 9, b"z", 0.0), 0.0)
    assert world.sent() == [Outgoing(b"z", OTHER, 1, 9)]


def test_order_of_held_ones() -> None:
    world = World(when(b"x", Hold()))
    for number in range(4):
        world.send(b"x%d" % number)
    world.inside.move(4, 1)
    world.inside.move(2, None)
    world.inside.move(3, 3)
    assert [one.number for one in world.inside.held] == [4, 1, 3, 2]
    assert world.inside.forward_all(0.0) == 4
    assert [one.data for one in world.sent()] == [b"x3", b"x0", b"x2", b"x1"]


@pytest.mark.parametrize("act", ["forward", "drop", "revert", "duplicate", "delay", "move", "hold", "edit"])
def test_what_is_not_held_can_not_be_decided_over(act: str) -> None:
    world = World(when(b"x", Hold()))
    inside = world.inside
    acts = {
        "forward": lambda: inside.forward(7, 0.0),
        "drop": lambda: inside.drop(7, 0.0),
        "revert": lambda: inside.revert(7),
        "duplicate": lambda: inside.duplicate(7, 0.0),
        "delay": lambda: inside.delay(7, 1.0, 0.0),
        "move": lambda: inside.move(7, None),
        "hold": lambda: inside.hold(7),
        "edit": lambda: inside.edit(7, data=b""),
    }
    with pytest.raises(NotHeldError):
        acts[act]()


def test_too_many_held_let_the_one_go_that_was_held_longest() -> None:
    world = World(when(b"x", Hold()), room=2)
    for number in range(4):
        world.receive(b"x%d" % number)
        world.now += 1
    assert world.got == [b"x0", b"x1"]
    assert [one.passing.data for one in world.inside.held] == [b"x2", b"x3"]
    assert world.inside.counts[Fate.OVERTAKEN] == 2


def test_too_many_delayed_let_the_one_go_that_is_due_next() -> None:
    world = World(when(b"x", Delay(5.0)), room=2)
    for number in range(3):
        world.receive(b"x%d" % number)
        world.now += 1
    assert world.got == [b"x0"]
    assert world.fates == ["overtaken"]
    world.wait(10.0)
    assert world.got == [b"x0", b"x1", b"x2"]


@pytest.mark.parametrize("ending", ["close", "suspend"])
def test_what_waits_when_it_ends_goes_nowhere_and_is_told(ending: str) -> None:
    def judge(passing: Passing) -> Ruling:
        return Ruling((Hold(),) if passing.data == b"h" else (Delay(1.0),) if passing.data == b"d" else ())

    world = World(judge)
    for data in (b"h", b"d"):
        world.receive(data)
        world.send(data)
    getattr(world.inside, ending)(0.0)
    assert world.inside.counts[Fate.ABANDONED] == 4
    assert world.inside.held == ()
    assert world.inside.waiting == 0
    assert world.machine.calls == [ending]
    assert world.got == []


def test_farewells_are_not_held() -> None:
    world = World(lambda _: Ruling((Hold(), Delay(1.0), Edit(bytes.upper)), "r"))
    world.inside.close(0.0)
    assert world.sent() == [Outgoing(b"BYE", REMOTE, 0, None)]
    assert world.inside.held == ()


def test_the_rest_of_the_face_is_that_of_the_machine() -> None:
    world = World(lambda _: LET_PASS)
    inside, machine = world.inside, world.machine
    inside.local_addresses = (REMOTE,)
    assert machine.local_addresses == inside.local_addresses == (REMOTE,)
    inside.start(7, 0.0)
    inside.name_resolved("h", None, 0.0)
    inside.socket_failed(3, 0.0)
    inside.addresses_changed((), 0.0)
    inside.resume(8, 0.0)
    machine.due = 4.0
    assert inside.next_timeout() == 4.0
    inside.handle_timeout(3.0)
    assert "timeout" not in machine.calls, "nothing is due yet"
    inside.handle_timeout(4.0)
    assert machine.calls == ["start 7", "name h", "failed 3", "addresses", "resume 8", "timeout"]
    assert inside.poll_event() is None


@pytest.mark.parametrize("seed", range(20))
def test_every_datagram_meets_its_fate_whatever_is_done(seed: int) -> None:
    """Sums: what went in came out, was dropped, or was abandoned; copies are counted apart."""
    random = Random(seed)
    some: tuple[Action, ...] = (
        Hold(),
        Drop(),
        Delay(0.5),
        Duplicate(),
        Redirect(OTHER),
        Edit(upper),
        Reorder(2),
        Replay(0.3),
        Replay(behind=1),
    )

    def judge(_: Passing) -> Ruling:
        return Ruling(tuple(random.sample(some, random.randrange(3))), "r")

    world = World(judge, room=8)
    sent: list[Outgoing] = []
    for number in range(200):
        world.receive(b"r%d" % number)
        sent += world.send(b"s%d" % number)
        for held in world.inside.held:
            act = random.randrange(8)
            if act == 0:
                world.inside.forward(held.number, world.now)
            elif act == 1:
                world.inside.drop(held.number, world.now)
            elif act == 2:
                world.inside.duplicate(held.number, world.now)
            elif act == 3:
                world.inside.delay(held.number, 0.2, world.now)
        world.wait(random.random() / 4)
    world.inside.close(world.now)
    sent += world.sent()
    counts = world.inside.counts
    out = len(sent) + len(world.got)
    copies = counts[Fate.DUPLICATED] + counts[Fate.REPLAYED]
    # A copy that was waiting at the end, or that there was no room for, is told as that and not as a copy.
    told = Counter(one.fate for one in world.touched)
    assert told == counts
    # 401: the machine says goodbye.
    late = sum(one.fate in (Fate.ABANDONED, Fate.OVERTAKEN) for one in world.touched)
    assert 401 + copies - counts[Fate.DROPPED] - counts[Fate.ABANDONED] <= out
    assert out <= 401 + copies - counts[Fate.DROPPED] + late
