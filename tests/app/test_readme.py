"""The table of keys in the README is that of the registry."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from app.manual.keys_page import keys_cell
from app.tui.keys.registry import ACTIONS

README: Final = Path(__file__).parents[2] / "README.md"
SHOWN: Final = (
    "attempts.open",
    "main.back",
    "main.next_pane",
    "main.filter",
    "find.find",
    "main.verdict",
    "main.evidence",
    "main.nat",
    "main.rounds",
    "main.candidates",
    "main.tokens",
    "main.statistics",
    "main.packets",
    "main.problems",
    "main.detail",
    "ladder.compress",
    "main.time",
    "main.export",
    "main.copy",
    "everywhere.settings",
    "everywhere.help",
    "everywhere.palette",
    "everywhere.quit",
)
"""What a newcomer needs; everything is in docs/keys.md."""


def table() -> str:
    actions = {action.id: action for action in ACTIONS}
    return "\n".join(f"| {keys_cell(actions[id_].keys)} | {actions[id_].help} |" for id_ in SHOWN) + "\n"


def test_the_keys_of_the_readme_are_those_of_the_registry() -> None:
    found = re.search(r"\| key \| does \|\n\|---\|---\|\n(.*?)\n\n", README.read_text(), re.DOTALL)
    assert found is not None
    assert f"{found[1]}\n" == table()


def test_the_two_commands_to_set_up_are_there() -> None:
    text = README.read_text()
    assert "    make run " in text
    assert "    make test " in text


def test_every_page_of_the_docs_is_reached_from_the_readme() -> None:
    docs = README.parent / "docs"
    pages, reached = [README], set[Path]()
    while pages:
        page = pages.pop()
        for target in re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text()):
            path = (page.parent / target).resolve()
            if path.suffix == ".md" and path not in reached:
                reached.add(path)
                pages.append(path)
    assert not {page for page in docs.rglob("*.md") if page.resolve() not in reached}
