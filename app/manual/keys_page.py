"""The page docs/keys.md: every action of the inspector with its keys, from the registry."""

from __future__ import annotations

from app.manual.contents import Page
from app.tui.keys.action import key_text
from app.tui.keys.registry import ACTIONS


def write(page: Page) -> str:
    """The page, with the keys of the registry whatever a user has set."""
    del page
    lines = [
        "# All keys",
        "",
        "Made by `make pages` from the registry of actions. `?` or `F1` shows those of where one is, `:` finds one by",
        "its name, and [config.md](config.md) says how to give an action other keys: by its id.",
        "",
    ]
    for context in dict.fromkeys(action.context for action in ACTIONS):
        title = f"{str(context)[:1].upper()}{str(context)[1:]}"
        lines += [f"## {title}", "", "| keys | what they do | id |", "|---|---|---|"]
        lines += [
            f"| {keys_cell(action.keys)} | {action.help.replace('|', chr(92) + '|')} | `{action.id}` |"
            for action in ACTIONS
            if action.context is context
        ]
        lines.append("")
    return "\n".join(lines).rstrip() + "\n"


def keys_cell(keys: str) -> str:
    """Keys as code, each by itself."""
    text = key_text(keys)
    return " ".join(f"`` {key} ``" if "`" in key else f"`{key}`" for key in text.split()).replace("|", "\\|")
