"""The choice of an interface: rows with rates, marks, who opens, and what is said of permissions."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager

import pytest
from textual.pilot import Pilot

from app import interface_choice
from app.listening import Listening, Openers
from app.tui.interface_chooser import ChooserApp, InterfaceScreen, InterfaceView
from capture.interfaces import NetworkInterface
from capture.links import ETHERNET
from capture.privileged import permission
from tests.app.tui.stage import text_on

ETH = NetworkInterface(1, "eth\x1b0", "ethernet", True, ("192.0.2.7/24",), ETHERNET, 1000)
LO = NetworkInterface(2, "lo", "loopback", True, ("127.0.0.1/8",), ETHERNET, 10)
ODD = NetworkInterface(3, "can0", "hardware type 280", False, (), None, 0)
ASKED = Openers(("", "sudo"), ("lo: you are not permitted to capture", "--sudo: a helper\x1b opens it"))


def counting() -> Callable[[], list[NetworkInterface]]:
    """Interfaces of which one passes 5 packets between two looks; the second is gone at the fourth look."""

    def looks() -> Iterator[list[NetworkInterface]]:
        for number in range(100):
            busy = NetworkInterface(1, ETH.name, ETH.kind, True, ETH.addresses, ETHERNET, 1000 + 5 * number)
            yield [busy, *([LO] if number < 3 else []), ODD]

    found = looks()
    return lambda: next(found)


@asynccontextmanager
async def choosing(openers: Openers = ASKED, size: tuple[int, int] = (80, 24)) -> AsyncIterator[Pilot[int]]:
    app = ChooserApp(InterfaceScreen(counting(), openers))
    async with app.run_test(size=size) as pilot:
        await pilot.pause()
        yield pilot


def choice_of(pilot: Pilot[int]) -> Listening | None:
    assert isinstance(pilot.app, ChooserApp)
    return pilot.app.choice


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 60)])
async def test_interfaces_stand_with_what_they_are(size: tuple[int, int]) -> None:
    async with choosing(size=size) as pilot:
        shown = text_on(pilot)
        for said in ("eth\\e0", "192.0.2.7/24", "loopback", "up", "down", "! frames can't be read"):
            assert said in shown, said
        assert "opened by peephole itself · not promiscuous" in shown
        assert "lo: you are not permitted to capture" in shown
        assert "--sudo: a helper\\e opens it" in shown
        assert "enter listen" in shown.splitlines()[-1].lower().replace("⏎", "enter")


async def test_rates_are_counted_and_interfaces_come_and_go() -> None:
    async with choosing() as pilot:
        view = pilot.app.screen.query_one(InterfaceView)
        await pilot.press("down", "down")
        view.look_again()
        await pilot.pause()
        assert "5/s" in text_on(pilot)
        view.look_again()
        view.look_again()
        await pilot.pause()
        assert "lo " not in text_on(pilot)
        assert view.cursor == 1, "the cursor stays on its interface"


async def test_enter_listens_on_the_row() -> None:
    async with choosing() as pilot:
        await pilot.press("down", "enter")
        assert choice_of(pilot) == Listening(("lo",), False, "")


async def test_marks_mode_and_opener_are_taken_along() -> None:
    async with choosing() as pilot:
        await pilot.press("space", "down", "space", "p", "u")
        await pilot.pause()
        assert "opened by sudo · promiscuous" in text_on(pilot)
        await pilot.press("enter")
        assert choice_of(pilot) == Listening(("eth\x1b0", "lo"), True, "sudo")


async def test_what_could_not_be_opened_is_chosen_again() -> None:
    screen = InterfaceScreen(counting(), ASKED, Listening(("lo",), True, "sudo"))
    async with ChooserApp(screen).run_test() as pilot:
        await pilot.pause()
        await pilot.press("enter")
        assert choice_of(pilot) == Listening(("lo",), True, "sudo")
    screen = InterfaceScreen(counting(), ASKED, Listening(("lo", "can0", "gone"), False, "doas"))
    async with ChooserApp(screen).run_test() as pilot:
        await pilot.pause()
        await pilot.press("enter")
        assert choice_of(pilot) == Listening(("lo", "can0"), False, "")


@pytest.mark.parametrize("key", ["escape", "q", "ctrl+q"])
async def test_leaving_chooses_nothing(key: str) -> None:
    async with choosing() as pilot:
        await pilot.press(key)
        assert choice_of(pilot) is None


def test_openers_are_those_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(interface_choice.shutil, "which", lambda name: f"/bin/{name}" if name == "pkexec" else None)
    monkeypatch.setattr(permission, "may_gain", lambda: True)
    monkeypatch.setattr(permission, "may_capture", lambda: True)
    assert interface_choice.openers() == Openers(("", "pkexec"))
    monkeypatch.setattr(permission, "may_capture", lambda: False)
    monkeypatch.setattr(permission, "own_capturer", lambda: None)
    asked = interface_choice.openers()
    assert asked.names == ("pkexec",)
    assert asked.said[0].startswith("You are not permitted to capture")
    assert interface_choice.openers(("eth0: refused",)).said == ("eth0: refused",)
    monkeypatch.setattr(permission, "own_capturer", lambda: "/usr/bin/dumpcap")
    assert interface_choice.openers().names == ("dumpcap", "pkexec")
