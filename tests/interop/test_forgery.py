"""The table of docs/forgery.md: every case is in it, and real peers still do what it says."""

from __future__ import annotations

import pytest

from tests.interop.forgery.cases import CASES
from tests.interop.forgery.outcome import outcome_of
from tests.interop.forgery.table import PAGE, STEADY, recorded, row_of
from tests.interop.forgery.world import a_world, flow_of, real_peers

PLAYED = (
    "stripped-token",
    "forged-token",
    "token-of-another-address",
    "token-over-a-foreign-relay",
    "address-of-another-host",
    "round-numbers-backwards",
    "error-77",
    "replayed-payload",
    "token-withheld-random",
    "token-forged",
    "echo-forged",
)
"""Those that are over at once: they are refused, and no timer is waited for."""


def test_every_case_is_in_the_table() -> None:
    rows = recorded(PAGE.read_text())
    assert sorted(rows) == sorted(case.name for case in CASES)
    for case in CASES:
        assert rows[case.name][1:3] == (case.sent, case.nat)


@pytest.mark.node
async def test_real_peers_do_what_the_table_says() -> None:
    rows = recorded(PAGE.read_text())
    cases = [case for case in CASES if case.name in PLAYED]
    assert len(cases) == len(PLAYED)
    async with a_world(nodes=8) as world, real_peers() as real:
        played = [await world.play(case, real) for case in cases]
        story = world.story()
    for each in played:
        case = each.case
        row = row_of(case, outcome_of(each, flow_of(story, each)))
        assert row[STEADY] == rows[case.name][STEADY], case.name
