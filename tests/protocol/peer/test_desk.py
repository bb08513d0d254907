"""Steps on a desk: each decision, what the machine behind takes it for, and that no attempt waits for another."""

from collections.abc import Callable

import pytest

from protocol.editing.fields import fields_of, with_field
from protocol.editing.values import EditError
from protocol.keys import key_pair
from protocol.messages import Address, HolepunchInfo, HolepunchPayload, NoisePayload, RelayInfo
from protocol.peer.choices import Way, choices_for
from protocol.peer.desk import Desk, Fate, NotHeldError
from protocol.peer.events import Stage
from protocol.peer.steps import Act, HolepunchStep, Let, NoiseStep, PunchStep, Sending, Skipped, Step
from protocol.peer.waits import PUNCHES_LAST

RELAY = Address("198.51.100.1", 49737)
THEIRS = Address("203.0.113.9", 4000)
TOKEN = bytes(range(32))


class Somebody:
    """Whose steps these are."""

    attempt = b"attempt!"
    initiator = True
    remote_public_key = key_pair(bytes(32)).public_key
    closing: object = None

    def set_stage(self, stage: Stage) -> None:
        """It gets nowhere."""


class Machine:
    """What stands behind a gate: takes down what is let go, and what goes once more."""

    def __init__(self) -> None:
        self.let: list[Let] = []
        self.again: list[Step] = []

    def build(self, desk: Desk, step: Step, now: float = 0.0) -> None:
        desk(step, Sending(lambda let, _: self.let.append(let), lambda step, _: self.again.append(step)), now)

    def build_once(self, desk: Desk, step: Step) -> None:
        """A step that can go only once."""
        desk(step, lambda let, _: self.let.append(let), 0.0)


def probe(connection: Somebody | None = None, number: int = 0) -> HolepunchStep:
    payload = HolepunchPayload(0, 2, number, addresses=(THEIRS,))
    return HolepunchStep(
        Act.PROBE, connection or Somebody(), payload, RELAY, THEIRS, 3, 0, own_token=TOKEN, heard_token=None
    )


def punch(act: Act = Act.PING) -> PunchStep:
    return PunchStep(act, Somebody(), THEIRS)


@pytest.fixture
def machine() -> Machine:
    return Machine()


def test_a_step_waits_until_it_is_sent(machine: Machine) -> None:
    desk, step = Desk(), probe()
    machine.build(desk, step)
    assert machine.let == []
    assert [held.step for held in desk.held] == [step]
    desk.send(desk.held[0].number, 2.0)
    assert machine.let == [step]
    assert not desk.held
    assert [(done.fate, done.time) for done in desk.done] == [(Fate.SENT, 2.0)]


def test_what_is_not_by_hand_goes_at_once_and_is_listed(machine: Machine) -> None:
    desk, step = Desk({Act.PUNCH}), probe()
    machine.build(desk, step)
    assert machine.let == [step]
    assert desk.done[0].fate is Fate.BY_ITSELF


def test_an_edited_step_goes_as_it_is_then(machine: Machine) -> None:
    desk = Desk()
    machine.build(desk, probe())
    number = desk.held[0].number
    desk.edit(number, with_field(desk.held[0].step, "firewall", "RANDOM"))
    assert desk.held[0].edited
    desk.revert(number)
    assert not desk.held[0].edited
    desk.edit(number, with_field(desk.held[0].step, "round", "7"))
    desk.send(number, 1.0)
    [sent] = machine.let
    assert isinstance(sent, HolepunchStep)
    assert sent.payload.round == 7
    assert desk.done[0].fate is Fate.EDITED


def test_a_step_can_not_become_another(machine: Machine) -> None:
    desk = Desk()
    machine.build(desk, probe())
    with pytest.raises(NotHeldError, match="another kind"):
        desk.edit(desk.held[0].number, punch())


@pytest.mark.parametrize(
    ("decide", "let", "fate"),
    [
        (Desk.leave_out, None, Fate.LEFT_OUT),
        (Desk.skip, Skipped, Fate.SKIPPED),
    ],
)
def test_what_is_not_sent(
    machine: Machine, decide: Callable[[Desk, int, float], None], let: type | None, fate: Fate
) -> None:
    desk = Desk()
    machine.build(desk, probe())
    decide(desk, desk.held[0].number, 0.0)
    [gone] = machine.let
    assert gone is None if let is None else isinstance(gone, let)
    assert desk.done[0].fate is fate
    assert desk.done[0].sent is None


def test_a_step_that_is_put_off_goes_after_others(machine: Machine) -> None:
    desk, first, second = Desk(), probe(number=0), probe(number=1)
    machine.build(desk, first)
    number = desk.held[0].number
    desk.put_off(number, 0.0)
    assert isinstance(machine.let.pop(), Skipped)
    machine.build(desk, second)
    with pytest.raises(NotHeldError, match="already"):
        desk.put_off(number, 0.0)
    desk.send(desk.held[1].number, 1.0)
    desk.send(number, 2.0)
    assert machine.let == [second]
    assert machine.again == [first]
    assert [done.fate for done in desk.done] == [Fate.SENT, Fate.LATE]


def test_a_delayed_step_goes_when_it_is_due(machine: Machine) -> None:
    desk, step = Desk(), probe()
    machine.build(desk, step)
    desk.delay(desk.held[0].number, 2.5, 1.0)
    assert desk.next_timeout() == 3.5
    desk.handle_timeout(3.4)
    assert not machine.let
    desk.handle_timeout(3.5)
    assert machine.let == [step]
    assert desk.next_timeout() is None


def test_a_step_that_went_goes_once_more_the_same_or_changed(machine: Machine) -> None:
    desk, step = Desk(), probe()
    machine.build(desk, step)
    number = desk.held[0].number
    with pytest.raises(NotHeldError, match="first"):
        desk.repeat(number, 0.0)
    desk.send(number, 0.0)
    desk.repeat(number, 1.0)
    changed = with_field(step, "token", "random")
    desk.repeat(number, 2.0, changed)
    assert machine.again == [step, changed]
    assert [done.fate for done in desk.done] == [Fate.SENT, Fate.REPEATED, Fate.REPEATED]
    desk.repeat(desk.done[-1].number, 3.0)
    assert machine.again[-1] == changed


def test_a_step_that_goes_only_once(machine: Machine) -> None:
    desk = Desk()
    machine.build_once(desk, punch(Act.BARRAGE))
    with pytest.raises(NotHeldError, match="before"):
        desk.put_off(desk.held[0].number, 0.0)
    desk.send(desk.held[0].number, 0.0)
    with pytest.raises(NotHeldError, match="once"):
        desk.repeat(desk.done[0].number, 0.0)


def test_from_here_on_by_itself_and_in_hand_again(machine: Machine) -> None:
    desk = Desk()
    machine.build(desk, probe())
    machine.build(desk, punch())
    desk.run_by_itself(0.0, Act.PROBE)
    assert [held.step.act for held in desk.held] == [Act.PING]
    desk.run_by_itself(0.0)
    assert not desk.held
    machine.build(desk, probe())
    assert not desk.held
    desk.take_in_hand(Act.PROBE)
    machine.build(desk, probe())
    assert len(desk.held) == 1


def test_too_many_held_steps_let_the_oldest_go(machine: Machine) -> None:
    desk = Desk(limit=2, kept=2)
    for number in range(4):
        machine.build(desk, probe(number=number))
    assert [held.step.payload.round for held in desk.held] == [2, 3]  # type: ignore[union-attr]
    assert desk.counts[Fate.OVERTAKEN] == 2
    desk.let_all_go(0.0)
    assert (len(desk.done), desk.forgotten) == (2, 2)


def test_steps_of_an_attempt_that_is_over_leave_the_desk(machine: Machine) -> None:
    desk, mine, other = Desk(), Somebody(), Somebody()
    machine.build(desk, probe(mine))
    machine.build(desk, probe(other))
    mine.closing = object()
    desk.sweep(1.0)
    assert [held.step.connection for held in desk.held] == [other]
    assert machine.let == [None]
    assert desk.done[0].fate is Fate.TOO_LATE


def test_what_runs_down_while_a_step_of_a_client_waits(machine: Machine) -> None:
    desk, connection = Desk(), Somebody()
    machine.build(desk, probe(connection), 5.0)
    [timer] = desk.held[0].timers
    assert (timer.name, timer.due) == ("the server stops waiting for a punch round", 15.0)
    desk.send(desk.held[0].number, 6.0)
    machine.build(desk, PunchStep(Act.BARRAGE, connection), 7.0)
    [timer] = desk.held[0].timers
    assert (timer.name, timer.due) == ("the server's punches end", 7.0 + PUNCHES_LAST)


def test_what_runs_down_while_an_answer_waits(machine: Machine) -> None:
    desk, connection = Desk(), Somebody()
    machine.build(desk, HolepunchStep(Act.REPLY, connection, HolepunchPayload(0, 2, 0)), 1.0)
    assert [(timer.name, timer.due) for timer in desk.held[0].timers] == [
        ("the client asks again", 2.0),
        ("the client asks again", 3.0),
        ("the client asks again", 4.0),
        ("the client gives this relay up", 5.0),
    ]


def test_tokens_that_a_step_knows_can_be_issued_and_echoed() -> None:
    step = probe()
    assert with_field(step, "token", "issue").payload.token == TOKEN
    assert with_field(step, "token", "recompute").payload.token == TOKEN
    with pytest.raises(EditError, match="gave us none"):
        with_field(step, "remote_token", "echo")


def test_bytes_that_are_sealed_can_be_written() -> None:
    step = with_field(probe(), "plaintext", "00" * 4)
    assert step.sealed_bytes == bytes(4)
    assert step.payload == HolepunchPayload(0, 0, 0)
    broken = with_field(probe(), "plaintext", "ff")
    assert broken.sealed_bytes == b"\xff"
    assert with_field(broken, "round", "3").payload.round == 3
    assert with_field(broken, "round", "3").plaintext is None


@pytest.mark.parametrize("act", Act, ids=lambda act: act.name)
def test_the_first_choice_is_to_send_and_names_are_unique(act: Act) -> None:
    choices = choices_for(PunchStep(act, Somebody(), THEIRS))
    assert (choices[0].way, dict(choices[0].changes)) == (Way.SEND, {})
    assert len({choice.name for choice in choices}) == len(choices)


def test_every_choice_of_a_round_can_be_made() -> None:
    step = HolepunchStep(
        Act.REPLY, Somebody(), HolepunchPayload(0, 2, 0), None, THEIRS, 0, 1, own_token=TOKEN, heard_token=TOKEN
    )
    names = {field.name for field in fields_of(step)}
    for choice in choices_for(step):
        assert choice.asks in names if choice.way is Way.ASK else choice.applied(step).act is Act.REPLY


def test_an_open_server_can_offer_punching_all_the_same() -> None:
    offer = HolepunchInfo(4, (RelayInfo(RELAY, THEIRS),))
    step = NoiseStep(Act.ANSWER, Somebody(), NoisePayload(1, 0, 1), mode=1, offer=offer)
    [choice] = [one for one in choices_for(step) if one.name == "offer punching"]
    changed = choice.applied(step)
    assert isinstance(changed, NoiseStep)
    assert (changed.payload.firewall, changed.payload.holepunch) == (0, offer)
    assert "offer punching" not in {one.name for one in choices_for(changed)}
