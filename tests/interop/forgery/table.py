"""The table of docs/forgery.md: written between two marks, and read again."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from tests.interop.forgery.cases import CASES, Case
from tests.interop.forgery.outcome import Outcome

PAGE: Final = Path(__file__).parents[3] / "docs" / "forgery.md"
BEGIN: Final = "<!-- begin: made by python -m tests.interop.forgery -->"
END: Final = "<!-- end -->"
SIDES: Final = {
    "client": "Our client, a real server",
    "server": "Our server, a real client",
}
GROUPS: Final = {
    "tokens": "Tokens",
    "addresses": "Addresses",
    "firewalls": "Firewalls",
    "rounds": "Rounds and errors",
    "sealing": "Sealing and framing",
    "handshake": "Handshake",
}
COLUMNS: Final = (
    "case", "sent", "our NAT", "the real peer", "verified us", "punched", "end",
    "Peephole: verdict", "server's token", "client's token", "rounds", "its punches", "seconds",
)  # fmt: skip
STEADY: Final = slice(3, 10)
"""Cells that are the same in every run: what the real peer did, and what Peephole says of it."""


def row_of(case: Case, outcome: Outcome) -> tuple[str, ...]:
    """The cells of one row."""
    return (
        f"`{case.name}`",
        case.sent,
        case.nat,
        outcome.answered,
        "yes" if outcome.verified else "no",
        outcome.punched,
        outcome.ended,
        f"`{outcome.verdict}`",
        f"`{outcome.server_token}`",
        f"`{outcome.client_token}`",
        str(outcome.rounds),
        f"{outcome.punches} at {outcome.targets}" if outcome.punches else "0",
        f"{outcome.seconds:.1f}",
    )


def row_text(case: Case, outcome: Outcome) -> str:
    """One row in Markdown."""
    return _line(row_of(case, outcome))


def written(page: str, outcomes: list[Outcome]) -> str:
    """The page with a new table."""
    by_name = {outcome.case: outcome for outcome in outcomes}
    lines = [BEGIN]
    for side, title in SIDES.items():
        for group, heading in GROUPS.items():
            cases = [case for case in CASES if case.by == side and case.group == group]
            if cases:
                lines += ["", f"### {title}: {heading.lower()}", "", _line(COLUMNS), _line(("---",) * len(COLUMNS))]
                lines += [row_text(case, by_name[case.name]) for case in cases]
    before, rest = page.split(BEGIN)
    return before + "\n".join((*lines, "", END)) + rest.split(END)[1]


def recorded(page: str) -> dict[str, tuple[str, ...]]:
    """The cells of every row of the page, by case."""
    rows = (line for line in _table_of(page).splitlines() if line.startswith("| `"))
    cells = (tuple(cell.strip() for cell in line.strip("|").split(" | ")) for line in rows)
    return {row[0].strip("`"): row for row in cells}


def _line(cells: tuple[str, ...]) -> str:
    return f"| {' | '.join(cells)} |"


def _table_of(page: str) -> str:
    return page.partition(BEGIN)[2].partition(END)[0]
