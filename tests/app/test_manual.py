"""The manual page and the page of all commands: complete, up to date, and readable by man."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from app.command_grammar import commands
from app.config.settings import SETTINGS
from app.exit_status import ExitStatus
from app.manual import FORMS, page
from app.manual.contents import EXIT_STATUS, synopsis
from app.manual.keys_page import keys_cell
from app.tui.keys.registry import ACTIONS, use_keys
from tests.app.running import Run, run
from tests.needs import need_tools

__all__ = ["run"]

DOCS = Path(__file__).parents[2] / "docs"


@pytest.mark.parametrize(("form", "file"), [("markdown", "commands.md"), ("roff", "peephole.1"), ("keys", "keys.md")])
def test_what_is_in_the_docs_is_up_to_date(form: str, file: str) -> None:
    assert (DOCS / file).read_text() == page(form), "make pages"


@pytest.mark.parametrize("form", [form for form in FORMS if form != "keys"])
def test_every_form_has_every_command_option_and_variable(form: str) -> None:
    text = page(form).replace("\\-", "-")
    for command in commands():
        assert f"peephole {command.name}".strip() in text.lower()
        for part in command.parts:
            assert (part.flags or (part.value,))[-1] in text
    for setting in SETTINGS.values():
        assert setting.variable in text


def test_the_page_of_keys_has_every_action_with_the_keys_of_the_registry() -> None:
    use_keys({"main.verdict": "f12"})
    try:
        text = page("keys")
    finally:
        use_keys({})
    for action in ACTIONS:
        assert f"| {keys_cell(action.keys)} | {action.help} | `{action.id}` |" in text


def test_the_statuses_are_all() -> None:
    assert {int(status) for status, _ in EXIT_STATUS} == {int(status) for status in ExitStatus}


def test_a_line_of_usage_says_what_may_be_left_out() -> None:
    found = {command.name: " ".join(synopsis(command)) for command in commands()}
    assert found["config"] == "peephole config [show|path|edit|example|keys|check]"
    assert found["completion"] == "peephole completion bash|zsh|fish"
    assert found["export"].startswith("peephole export FILE... --format text|")
    assert "[--key KEY]..." in found["report"]
    assert found["watch"].startswith("peephole watch --interface IFACE [BPF...] ") or "[BPF...]" in found["watch"]


def test_the_command_prints_each_form(run: Run) -> None:
    for form in FORMS:
        status, out, err = run("man", "--format", form)
        assert (status, err) == (0, "")
        assert out == page(form)
    assert run("man")[1] == page("roff"), "no terminal here"


def test_lines_keep_to_their_width() -> None:
    assert max(map(len, page("text").splitlines())) <= 80
    table = [line for line in page("markdown").splitlines() if not line.startswith("|")]
    assert max(map(len, table)) <= 120


def test_man_has_nothing_to_complain_about() -> None:
    need_tools("groff")
    done = subprocess.run(
        ["groff", "-man", "-Tutf8", "-ww", "-z"], input=page("roff"), capture_output=True, text=True, check=True
    )
    assert not done.stderr
