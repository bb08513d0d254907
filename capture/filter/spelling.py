"""How numbers of the wire are spelled in a filter, and the words that it offers for them."""

from __future__ import annotations

from typing import Final

from capture.envelopes import Kind
from protocol.constants import Command, ErrorCode, Firewall, InternalCommand, Mode, ResponseError

COMMANDS: Final = (*Command.__members__, *InternalCommand.__members__)
MODES: Final = tuple(Mode.__members__)
KINDS: Final = tuple(name.lower() for name in Kind.__members__)
ERRORS: Final = tuple(
    dict.fromkeys(name for name in (*ErrorCode.__members__, *ResponseError.__members__) if name != "NONE")
)

_MANY: Final = 255
"""Numbers from here on have no column of their own."""
_COMMANDS: Final = {int(command): command.name for command in Command}
_INTERNAL: Final = {int(command): command.name for command in InternalCommand}
_FIREWALLS: Final = {int(firewall): firewall.name for firewall in Firewall}
_ERRORS: Final = {int(error): error.name for error in ErrorCode}
_RESPONSE_ERRORS: Final = {int(error): error.name for error in ResponseError}
_MODES: Final = {int(mode): mode.name for mode in Mode}


def command_word(number: int, *, internal: bool) -> str:
    """The name of a command; ``UNKNOWN(n)`` for others, and ``UNKNOWN`` for those from 255 on."""
    known = (_INTERNAL if internal else _COMMANDS).get(number)
    return known or (f"UNKNOWN({number})" if number < _MANY else "UNKNOWN")


def mode_word(number: int) -> str:
    """The name of a mode, or its number."""
    return _MODES.get(number) or str(number)


def firewall_word(number: int) -> str:
    """The name of a NAT class, or its number."""
    return _FIREWALLS.get(number) or str(number)


def error_word(number: int) -> str:
    """The name of an error inside a payload, or its number."""
    return _ERRORS.get(number) or str(number)


def response_error_word(number: int) -> str:
    """The name of an error of a response, or its number."""
    return _RESPONSE_ERRORS.get(number) or str(number)


COMMAND_NAMES: Final = tuple(
    command_word(number, internal=internal) for internal in (False, True) for number in range(_MANY + 1)
)
"""By number; those of dht-rpc itself 256 later."""
MODE_NAMES: Final = tuple(mode_word(number) for number in range(_MANY))
KIND_NAMES: Final = tuple(kind.name.lower() for kind in sorted(Kind))
