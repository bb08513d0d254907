"""Interfaces that may not be opened become a choice on a terminal, and the same message where nothing is chosen."""

from __future__ import annotations

import argparse
from contextlib import ExitStack

import pytest

from app import interface_choice
from app.input_order import Kind
from app.interface_choice import opened_or_chosen
from app.interface_input import NotPermittedHereError
from app.listening import Listening, Openers
from app.options import parser_of
from capture.errors import NotPermittedError

SOURCE = object()


def options(*words: str) -> argparse.Namespace:
    return parser_of("watch").parse_args([*words])


@pytest.fixture
def tried(monkeypatch: pytest.MonkeyPatch) -> list[tuple[object, ...]]:
    """What was tried to open: `eth0` may be opened by sudo alone."""
    found: list[tuple[object, ...]] = []

    def opened(wanted: argparse.Namespace, _: ExitStack) -> object:
        found.append((wanted.interface, wanted.inputs, wanted.promiscuous, wanted.sudo))
        if not wanted.sudo:
            raise NotPermittedHereError(NotPermittedError("eth0", "not permitted"), ["eth0"])
        return SOURCE

    monkeypatch.setattr(interface_choice, "opened_inputs", opened)
    return found


def choosing(monkeypatch: pytest.MonkeyPatch, *choices: Listening | None) -> list[tuple[Openers, Listening | None]]:
    asked: list[tuple[Openers, Listening | None]] = []
    left = list(choices)

    def choose(openers: Openers, _: object, before: Listening | None) -> Listening | None:
        asked.append((openers, before))
        return left.pop(0)

    monkeypatch.setattr("app.tui.interface_chooser.choose", choose)
    return asked


def test_what_is_refused_is_chosen_anew(monkeypatch: pytest.MonkeyPatch, tried: list[tuple[object, ...]]) -> None:
    again = Listening(("eth0",), True, "sudo")
    asked = choosing(monkeypatch, Listening(("lo",), False, ""), again)
    with ExitStack() as stack:
        assert opened_or_chosen(options("-i", "eth0"), stack) is SOURCE
    assert asked[0][0].said[0].startswith("eth0: not permitted. What works here:")
    assert [before for _, before in asked] == [Listening(("eth0",), False, ""), Listening(("lo",), False, "")]
    assert tried[1] == (["lo"], ((Kind.INTERFACE, "lo"),), False, None)
    assert tried[2] == (["eth0"], ((Kind.INTERFACE, "eth0"),), True, "sudo")


@pytest.mark.parametrize("words", [("-i", "eth0"), ("-i", "eth0", "--report"), ("-i", "eth0", "--ssh", "there")])
def test_without_a_choice_it_is_refused(
    monkeypatch: pytest.MonkeyPatch, tried: list[tuple[object, ...]], words: tuple[str, ...]
) -> None:
    asked = choosing(monkeypatch, None)
    with ExitStack() as stack, pytest.raises(NotPermittedHereError):
        opened_or_chosen(options(*words), stack)
    assert len(tried) == 1
    assert len(asked) == (len(words) == 2)
