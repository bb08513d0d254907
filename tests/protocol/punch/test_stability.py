"""Analysing a socket, and replacing one whose NAT can not be punched."""

from __future__ import annotations

from protocol.constants import Firewall
from protocol.messages import Address
from tests.protocol.punch.host import OURS, PunchHostUnderTest
from tests.protocol.punch.test_puncher import Ended


class Answers:
    """What `analyze` said, and when."""

    def __init__(self) -> None:
        self.said: list[tuple[bool, float]] = []

    def __call__(self, stable: bool, now: float) -> None:
        self.said.append((stable, now))


def test_analyzing_waits_for_the_nat() -> None:
    host = PunchHostUnderTest()
    puncher = host.puncher(remote=Firewall.CONSISTENT)
    answers = Answers()
    puncher.analyze(False, host.now, answers)
    assert not answers.said
    host.advance(0.5)
    host.answer_all(OURS)
    assert answers.said == [(True, 100.5)]
    puncher.analyze(True, host.now, answers)
    assert len(answers.said) == 2
    assert puncher.reopened == 0


def test_random_on_both_sides_is_not_stable() -> None:
    host = PunchHostUnderTest()
    puncher = host.sampled(Firewall.RANDOM, remote=Firewall.RANDOM)
    answers = Answers()
    puncher.analyze(False, host.now, answers)
    assert answers.said == [(False, 100.0)]
    other = host.sampled(Firewall.RANDOM, remote=Firewall.CONSISTENT)
    other.analyze(False, host.now, answers)
    assert answers.said[1:] == [(True, 100.0)]


def test_other_sockets_are_tried_three_times_at_most() -> None:
    host = PunchHostUnderTest()
    puncher = host.sampled(Firewall.RANDOM, remote=Firewall.RANDOM)
    seen = [puncher.socket]
    answers = Answers()
    puncher.analyze(True, host.now, answers)
    puncher.analyze(True, host.now, answers)
    for count in range(1, 4):
        assert puncher.reopened == count
        assert not answers.said
        seen.append(puncher.socket)
        assert puncher.sockets == [puncher.socket]
        host.answer_all(*(Address(OURS.host, OURS.port + number) for number in range(4)))
    assert answers.said == [(False, 100.0)] * 2
    assert (puncher.reopened, len(set(seen))) == (3, 4)
    assert host.released == seen[:3]
    # The answer stays.
    puncher.analyze(True, host.now, answers)
    assert answers.said[2:] == [(False, 100.0)]


def test_a_better_socket_is_kept() -> None:
    host = PunchHostUnderTest()
    puncher = host.sampled(Firewall.RANDOM, remote=Firewall.RANDOM)
    answers = Answers()
    puncher.analyze(True, host.now, answers)
    host.answer_all(OURS)
    assert answers.said == [(True, 100.0)]
    assert (puncher.reopened, puncher.nat.firewall) == (1, Firewall.CONSISTENT)


def test_reopening_does_not_outlive_the_attempt() -> None:
    host = PunchHostUnderTest()
    ended = Ended()
    puncher = host.sampled(Firewall.RANDOM, remote=Firewall.RANDOM, on_abort=ended.on_abort)
    answers = Answers()
    puncher.analyze(True, host.now, answers)
    puncher.destroy(host.now)
    assert answers.said == [(False, 100.0)]
    assert ended.aborted == [100.0]
    assert (puncher.reopened, len(host.pool)) == (1, 0)
    host.answer_all(OURS)
    host.advance(10)
    assert len(answers.said) == 1
