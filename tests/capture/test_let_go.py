"""What stays of attempts that were let go: totals of all of them, and a line of each of the newest."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from capture.figures import figures_of
from capture.let_go import Ledger, Line, line_of
from capture.model import Outcome, VerdictCode
from capture.opening import open_captures
from capture.statistics import statistics_of
from capture.story import Story
from protocol.address import Address

TOUR = Path(__file__).parents[2] / "app" / "samples" / "tour.pcapng"


def made(number: int, client_class: str = "RANDOM") -> Line:
    return Line(
        f"{number:016x}",
        1000.0 + number,
        0.5,
        Address("2001:db8::7", number) if number % 2 else Address("10.0.0.7", number),
        None if number % 3 else Address("203.0.113.9", 7),
        VerdictCode.PROBES_LOST if number % 2 else VerdictCode.PUNCHED,
        Outcome.FAILED if number % 2 else Outcome.CONNECTED,
        number % 5 == 0,
        client_class,
        "CONSISTENT",
    )


def test_lines_come_back_as_they_were_and_the_oldest_go_first() -> None:
    ledger = Ledger(most=10)
    lines = [made(number) for number in range(25)]
    for count, line in enumerate(lines, 1):
        ledger.add([line])
        assert list(ledger) == lines[max(0, count - 10) : count]
    assert (ledger.attempts, len(ledger), ledger.forgotten) == (25, 10, 15)
    assert ledger.verdicts == {VerdictCode.PUNCHED: 13, VerdictCode.PROBES_LOST: 12}
    for index in (-1, 10):
        with pytest.raises(IndexError):
            ledger.line(index)


def test_any_number_of_made_up_nat_classes_takes_no_more_room() -> None:
    ledger = Ledger(most=1000)
    ledger.add(made(number, str(number)) for number in range(1000))
    names = Counter(line.client_class for line in ledger)
    assert len(names) <= 64
    assert names["?"] > 900
    assert sum(ledger.totals().pairs.values()) == 1000


def test_statistics_count_what_was_let_go_as_if_it_were_there() -> None:
    flows = Story(open_captures([str(TOUR)])).flows
    whole = statistics_of(map(figures_of, flows))
    half = len(flows) // 2
    ledger = Ledger()
    ledger.add(map(line_of, flows[:half]))
    counted = statistics_of(map(figures_of, flows[half:]), ledger.totals())
    assert (counted.attempts, counted.let_go, counted.forgotten) == (len(flows), half, 0)
    assert counted.outcomes == whole.outcomes
    assert sorted(counted.verdicts) == sorted(whole.verdicts)
    assert sorted(counted.pairs) == sorted(whole.pairs)
    assert (counted.period, counted.periods) == (whole.period, whole.periods)


def test_totals_stay_right_when_lines_are_forgotten() -> None:
    flows = Story(open_captures([str(TOUR)])).flows
    ledger = Ledger(most=2)
    ledger.add(map(line_of, flows))
    counted = statistics_of((), ledger.totals())
    whole = statistics_of(map(figures_of, flows))
    assert counted.attempts == len(flows)
    assert sorted(counted.verdicts) == sorted(whole.verdicts)
    assert counted.forgotten == len(flows) - 2
    assert sum(one.attempts for one in counted.periods) == 2
