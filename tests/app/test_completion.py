"""Completion: scripts for three shells, tried in the shells themselves where they are installed."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from app.command_grammar import Takes, commands, filter_words, theme_words
from app.completion import script
from app.options import COMMANDS, parser_of
from app.own_options import SHELLS
from tests.app.running import Run, run
from tests.needs import need_tools

__all__ = ["run"]

HOME = Path(__file__).parents[2]
ASK_BASH = """
eval "$(cat "$1")"
COMP_WORDS=("${@:2}")
COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
compopt() { :; }
_peephole
printf '%s\\n' "${COMPREPLY[@]}"
"""


@pytest.fixture(scope="session")
def scripts(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("completion")
    found = {shell: folder / f"peephole.{shell}" for shell in SHELLS}
    for shell, path in found.items():
        path.write_text(script(shell))
    return found


def bash(scripts: dict[str, Path], *words: str) -> list[str]:
    """What bash offers for the last word."""
    program = shutil.which("bash")
    assert program is not None
    done = subprocess.run(
        [program, "--norc", "-c", ASK_BASH, "bash", str(scripts["bash"]), "peephole", *words],
        capture_output=True,
        text=True,
        check=True,
        cwd=HOME,
        env=os.environ | {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"},
    )
    assert not done.stderr
    return done.stdout.split("\n")[:-1]


def test_the_grammar_has_every_command_and_option_with_its_help() -> None:
    found = {command.name or "open": command for command in commands()}
    assert set(found) == {"open", *COMMANDS}
    for name, command in found.items():
        parser = parser_of(name)
        assert {flag for option in command.options for flag in option.flags} == set(parser._option_string_actions)
        assert command.says
        for part in command.parts:
            assert part.help, f"{name} {part.flags or part.value} has no help"


def test_every_value_that_can_be_completed_is() -> None:
    takes = {(command.name, part.flags[-1]): part.takes for command in commands() for part in command.options}
    assert takes["report", "--filter"] is Takes.FILTER
    assert takes["export", "--format"] is Takes.WORD
    assert takes["export", "--output"] is Takes.FILE
    assert takes["report", "--keylog"] is Takes.FILE
    assert takes["node", "--key-file"] is Takes.FILE
    assert takes["watch", "--interface"] is Takes.INTERFACE
    assert takes["", "--theme"] is Takes.THEME
    assert takes["report", "--json"] is Takes.NOTHING
    assert {"verdict", "punched", "and"} <= set(filter_words())
    assert {"dark", "contrast", "nord"} <= set(theme_words())


@pytest.mark.parametrize("shell", SHELLS)
def test_the_command_prints_the_script(run: Run, shell: str) -> None:
    status, out, err = run("completion", shell)
    assert (status, err) == (0, "")
    assert out == script(shell)
    assert "\t" not in out.replace("\\t", "")


def test_another_shell_is_refused(run: Run) -> None:
    status, _, err = run("completion", "tcsh")
    assert status == 2
    assert "tcsh" in err


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        (("rep",), ["report"]),
        (("config", "e"), ["edit", "example"]),
        (("completion", ""), ["bash", "zsh", "fish"]),
        (("report", "--ver"), ["--verbose"]),
        (("export", "x", "--format", "me"), ["mermaid"]),
        (("--theme", "con"), ["contrast"]),
        (("report", "--filter", "'verdict == both"), ["verdict == both-nats-random"]),
        (("report", "--filter", "'not (fast_o"), ["not (fast_open"]),
        (("report", "app/samp"), ["app/samples"]),
        (("report", "-x"), []),
        (("export", "x", "--flow", "a"), []),
        (("app/samp",), ["app/samples"]),
        (("watch", "-i", "l"), ["lo"]),
    ],
)
def test_bash_offers(scripts: dict[str, Path], words: tuple[str, ...], offered: list[str]) -> None:
    need_tools("bash")
    assert [word for word in bash(scripts, *words) if word] == offered


def test_fish_offers(scripts: dict[str, Path]) -> None:
    need_tools("fish")
    lines = [
        f"source {scripts['fish']}",
        'complete -C "peephole rep"',
        'complete -C "peephole export x --format me"',
        'complete -C "peephole report --filter \'verdict == both"',
        'complete -C "peephole report --ver"',
    ]
    done = subprocess.run(
        ["fish", "--no-config", "-c", "\n".join(lines)], capture_output=True, text=True, check=True, cwd=HOME
    )
    assert not done.stderr
    assert [line.partition("\t")[0] for line in done.stdout.splitlines()] == [
        "report", "mermaid", "verdict == both-nats-random", "--verbose",
    ]  # fmt: skip


def test_zsh_takes_the_script(scripts: dict[str, Path]) -> None:
    need_tools("zsh")
    load = (
        f"autoload -U compinit; compinit -u -D; source {scripts['zsh']}; whence -w _peephole; print $_comps[peephole]"
    )
    done = subprocess.run(["zsh", "-f", "-c", load], capture_output=True, text=True, check=True)
    assert not done.stderr
    assert done.stdout.split("\n")[:2] == ["_peephole: function", "_peephole"]
