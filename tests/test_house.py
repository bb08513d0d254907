"""Conventions of the house that no linter knows."""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from app.exit_status import ExitStatus
from app.options import COMMANDS, OVERVIEW
from capture.model import TokenState, VerdictCode

ROOT = Path(__file__).parent.parent
PACKAGES = ("app", "capture", "protocol")
FOREIGN = {"node_modules", ".venv", "build", "dist", "lab-out"}
LONGEST_FILE = 400
VAGUE = {"utils", "util", "helpers", "helper", "manager", "data", "info", "misc", "common"}


def sources(*folders: str, ending: str = ".py") -> Iterator[Path]:
    for folder in folders:
        for path in sorted((ROOT / folder).rglob(f"*{ending}")):
            if not FOREIGN & set(path.relative_to(ROOT).parts):
                yield path


@cache
def text_of(path: Path) -> str:
    return path.read_text()


@cache
def parsed(path: Path) -> tuple[frozenset[str], frozenset[str]]:
    """Names that a file defines; and modules that importing it imports: not in functions, nor for type checking."""
    tree = ast.parse(text_of(path))
    named = (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    defined = frozenset(node.name.lower() for node in ast.walk(tree) if isinstance(node, named))
    imported: set[str] = set()
    for node in tree.body:
        if isinstance(node, ast.Import):
            imported |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            imported.add(node.module)
    return defined, frozenset(imported)


EVERYTHING = tuple(sources(*PACKAGES, "tests", "bench"))
OURS = tuple(sources(*PACKAGES))


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", EVERYTHING, ids=name)
def test_no_file_is_too_long(path: Path) -> None:
    assert len(text_of(path).splitlines()) <= LONGEST_FILE


@pytest.mark.parametrize("path", OURS, ids=name)
def test_names_say_something(path: Path) -> None:
    assert not VAGUE & (parsed(path)[0] | {path.stem} | set(path.relative_to(ROOT).parts[:-1]))


@pytest.mark.parametrize("path", EVERYTHING, ids=name)
def test_nothing_is_left_for_later(path: Path) -> None:
    marks = re.findall(r"#\s*(?:TO" + r"DO|FIX" + r"ME|XX" + r"X|HACK)\b", text_of(path))
    assert not marks


SCAPYS = ("capture/layers/", "capture/ring_socket.py")
"""Classes of scapy's, for whoever asks for them; nothing else of ours imports them, but inside a function."""


@pytest.mark.parametrize("path", [path for path in OURS if not name(path).startswith(SCAPYS)], ids=name)
def test_scapy_is_never_imported_at_start(path: Path) -> None:
    found = parsed(path)[1]
    assert not [module for module in found if module.partition(".")[0] == "scapy"]
    assert not [module for module in found if module.startswith(("capture.layers", "capture.ring_socket"))]


@pytest.mark.parametrize("path", tuple(sources("protocol")), ids=name)
def test_the_protocol_does_no_input_or_output(path: Path) -> None:
    banned = {"numpy", "os", "pathlib", "io", "sys", "subprocess", "time", "random", "threading"}
    assert not banned & {module.partition(".")[0] for module in parsed(path)[1]}


def test_only_the_protocols_shell_opens_sockets() -> None:
    users = [name(path) for path in sources("protocol") if "socket" in parsed(path)[1]]
    assert set(users) <= {"protocol/keys.py", "protocol/wire.py", "protocol/udp_shell.py", "protocol/udp_sockets.py"}


def test_the_version_is_the_changelogs() -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    first = re.search(r"^## \[(.+?)\]", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert first is not None
    assert first[1] == version


def test_the_reports_page_has_every_code_state_and_status() -> None:
    page = (ROOT / "docs" / "report.md").read_text()
    for word in (*VerdictCode, *TokenState):
        assert f"`{word}`" in page, word
    for status in ExitStatus:
        assert re.search(rf"^\| (?:.*\b)?{int(status)}\b", page, re.MULTILINE), status


def test_the_help_has_every_command_and_status() -> None:
    for command in COMMANDS:
        assert f"peephole {command}" in OVERVIEW
    for status in (ExitStatus.USAGE, ExitStatus.UNREADABLE, ExitStatus.BAD_FILTER, ExitStatus.NOT_PERMITTED):
        assert re.search(rf"\b{int(status)} ", OVERVIEW)


def test_links_between_pages_lead_somewhere() -> None:
    pages = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sources("docs", ending=".md")]
    for page in pages:
        for target in re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text()):
            assert (page.parent / target).exists(), f"{name(page)}: {target}"


def test_what_the_security_page_names_is_tested() -> None:
    page = (ROOT / "docs" / "security.md").read_text()
    named = re.findall(r"\b(tests/[\w/]+/(?!\w)|tests/[\w/]+\.py)(?:::(\w+))?", page)
    assert len(named) > 40
    for path, test in named:
        assert (ROOT / path).exists(), path
        assert not test or test in parsed(ROOT / path)[0], f"{path} has no {test}"
    for promise in re.findall(r"^\| (?:he )?can't .*", page, re.MULTILINE):
        assert "tests/" in promise, f"nothing tries it: {promise}"
