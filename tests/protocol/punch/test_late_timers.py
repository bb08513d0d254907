"""A puncher whose timers come late, as on a busy machine."""

from __future__ import annotations

import pytest

from protocol.constants import Firewall
from tests.protocol.punch.host import PunchHostUnderTest
from tests.protocol.punch.test_puncher import Ended, remote


@pytest.mark.parametrize("late", [0.05, 0.15])
def test_a_busy_machine_probes_as_often_in_larger_handfuls(late: float) -> None:
    host = PunchHostUnderTest()
    ended = Ended()
    puncher = host.sampled(Firewall.CONSISTENT, on_abort=ended.on_abort)
    remote(puncher, Firewall.RANDOM)
    assert puncher.punch(host.now)
    while not ended.aborted:
        host.now += late
        puncher.handle_timeout(host.now)
        host.pump()
    assert len(host.punched) == 1750
    assert ended.aborted == [pytest.approx(135, abs=late + 0.02)]


def test_a_machine_that_stood_still_does_not_send_all_at_once() -> None:
    host = PunchHostUnderTest()
    puncher = host.sampled(Firewall.CONSISTENT)
    remote(puncher, Firewall.RANDOM)
    assert puncher.punch(host.now)
    host.now += 10
    puncher.handle_timeout(host.now)
    host.pump()
    assert 10 <= len(host.punched) <= 12
    assert puncher.punching
