"""A made-up capture for the packet list, and the list on its stage."""

from textual.pilot import Pilot

from app.tui.packet_list import PacketList
from app.tui.packet_screen import PacketScreen
from capture.story import Story
from tests.capture.story_builder import CLIENT, called
from tests.capture.wire_builder import NODE, Wire

FIRST_HOLEPUNCH = 6
"""Row of the first PEER_HOLEPUNCH message: a search and a handshake come before it."""


def a_wire() -> Wire:
    wire, call = called()
    call.probe()
    call.agree()
    call.punch(low=True)
    call.punch(by_client=False)
    call.stream()
    wire.ping(CLIENT, NODE)
    wire.send(CLIENT, NODE, b"\x03\x00")
    wire.send(CLIENT, NODE, b"GET \x1b[2J / HTTP/1.1")
    return wire


def a_story() -> Story:
    return a_wire().story()


def screen_of(pilot: Pilot[int]) -> PacketScreen:
    screen = pilot.app.screen_stack[-1]
    assert isinstance(screen, PacketScreen)
    return screen


def list_of(pilot: Pilot[int]) -> PacketList:
    return screen_of(pilot).packets


async def caught_up(pilot: Pilot[int]) -> None:
    """Wait until the message is that of the selected packet."""
    await pilot.pause()
    await pilot.app.workers.wait_for_complete()
    await pilot.pause()
    assert screen_of(pilot).caught_up


async def settled(pilot: Pilot[int]) -> None:
    """Wait until the attempts of the packets on screen are found."""
    await pilot.pause()
    await pilot.app.workers.wait_for_complete()
    await pilot.pause()
    assert not list_of(pilot).reader.waiting
