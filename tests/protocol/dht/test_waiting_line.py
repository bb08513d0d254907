"""What an attempt has begun goes on before others begin."""

from __future__ import annotations

from protocol.constants import Command, InternalCommand
from protocol.dht.contact import Ask, Contact, NodeSocket
from protocol.dht.flight_table import InFlight
from protocol.dht.waiting_line import WaitingLine
from protocol.messages import Address

SEARCH = Ask(Command.FIND_PEER)
HANDSHAKE = Ask(Command.PEER_HANDSHAKE)
PING = Ask(InternalCommand.PING, internal=True)
POOL = 7


def flight(ask: Ask, tid: int, socket: int = NodeSocket.CLIENT) -> InFlight:
    return InFlight(ask, Contact(Address("10.0.0.1", 1)), tid, socket, b"", lambda *_: None, lambda *_: None)


def all_of(line: WaitingLine) -> list[int]:
    return [one.tid for one in iter(line.take, None)]


def test_handshakes_and_samples_go_before_searches_but_leave_them_a_fourth() -> None:
    line = WaitingLine()
    for tid in range(4):
        line.add(flight(SEARCH, tid))
    for tid in range(10, 14):
        line.add(flight(HANDSHAKE, tid))
    for tid in range(20, 22):
        line.add(flight(PING, tid, POOL))
    assert all_of(line) == [10, 11, 12, 0, 13, 20, 21, 1, 2, 3]
    assert line.take() is None


def test_internal_commands_are_told_from_others_with_their_numbers() -> None:
    line = WaitingLine()
    numbers = {Command.PEER_HANDSHAKE, Command.PEER_HOLEPUNCH}
    assert numbers & {int(command) for command in InternalCommand}
    line.add(flight(SEARCH, 1))
    for tid, number in enumerate(sorted(numbers), 2):
        line.add(flight(Ask(number, internal=True), tid))
    line.add(flight(HANDSHAKE, 9))
    assert all_of(line) == [9, 1, 2, 3]


def test_who_has_given_up_takes_nobodys_place() -> None:
    line = WaitingLine()
    gone = [flight(HANDSHAKE, tid) for tid in range(8)]
    for one in gone:
        one.done = True
        line.add(one)
    line.add(flight(SEARCH, 10))
    line.add(flight(HANDSHAKE, 11))
    assert all_of(line) == [11, 10]
    line.add(flight(SEARCH, 12))
    line.clear()
    assert line.take() is None
