"""What a datagram says, as plain values: for programs that read records of sensors and know CBOR alone.

Names are those of the protocol's fields; keys, tokens and ids are lower-case hex, an address is ``host:port``.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from enum import Enum
from typing import Any, Final

import numpy as np

from capture.arrays import I64
from capture.direction import direction_of
from capture.envelopes import Kind
from capture.flows.joining import Join
from capture.table import PacketTable
from protocol.address import Address
from protocol.constants import REQUEST_TYPE, Mode
from protocol.envelope import decode_request, decode_response
from protocol.errors import DecodeError
from protocol.rpc_messages import Request, Response
from protocol.values import Value, decode_request_value, decode_response_value

_NOWHERE: Final = Address("0.0.0.0", 0)
_SEALED: Final = frozenset({"noise", "payload"})
"""Buffers that nobody reads without keys; they are in the frame."""
_LONGEST: Final = 256
"""Bytes of a field that are given here."""
_MODES: Final = {mode.value: mode.name for mode in Mode}
_OMITTED: Final = frozenset({"value", "value_offset"})


class Readings:
    """Reads datagrams of a table that grows; of responses it tells what they answer.

    Args:
        table: the packets as they were captured, also where what is published is masked.
    """

    def __init__(self, table: PacketTable) -> None:
        self._table = table
        self._join = Join(table)
        self._looked = 0
        self._asked: I64 = np.empty(0, np.int64)
        """For each primary row of a response, the row of its request; else -1."""

    def update(self) -> None:
        """Look at packets that came since."""
        table, start, stop = self._table, self._looked, len(self._table)
        if start == stop:
            return
        self._looked = stop
        if self._asked.size < stop:
            grown = np.full(2 * stop, -1, np.int64)
            grown[: self._asked.size] = self._asked
            self._asked = grown
        requests = np.flatnonzero(table.kind[start:stop] == Kind.REQUEST) + start
        answers, asked = self._join.feed(requests, start, stop)
        self._asked[answers] = asked

    def message(self, row: int, payload: bytes) -> dict[str, Any]:
        """The entries `message` or `undecodable` of a reading.

        Args:
            row: of the datagram.
            payload: of it, as it is published.
        """
        table = self._table
        kind = table.kind.item(row)
        cut = table.wire_length.item(row) > len(payload)
        try:
            if kind == Kind.REQUEST:
                request = decode_request(payload, cut=cut)
                return {"message": _request(request)}
            if kind == Kind.RESPONSE:
                return {"message": _response(decode_response(payload, cut=cut), self._question(row))}
            if kind == Kind.MALFORMED:
                decode = decode_request if payload[:1] == bytes((REQUEST_TYPE,)) else decode_response
                decode(payload, cut=cut)
        except DecodeError as error:
            return {"undecodable": _error(error)}
        return {}

    def _question(self, row: int) -> Request | None:
        """What a response answers: its command, and nothing else of it."""
        table = self._table
        primary = table.copy_of.item(row)
        asked = int(self._asked[row if primary < 0 else primary])
        if asked < 0:
            return None
        internal = bool(table.asked_internally(np.array([asked]))[0])
        return Request(0, _NOWHERE, table.command.item(asked), internal)

    def kind(self, row: int) -> str:
        """What a datagram is, in a word."""
        return Kind(self._table.kind.item(row)).name.lower()

    def direction(self, row: int) -> str | None:
        """Which way it passed; None where nothing tells."""
        found = direction_of(self._table.direction.item(row))
        return None if found is None else str(found)


def _request(request: Request) -> dict[str, Any]:
    said = {"command": request.command_name, **_fields(request)}
    return said | _value_of(lambda: decode_request_value(request))


def _response(response: Response, question: Request | None) -> dict[str, Any]:
    said = {"command": None if question is None else question.command_name, **_fields(response)}
    return said if question is None else said | _value_of(lambda: decode_response_value(response, question))


def _value_of(read: Callable[[], Value | None]) -> dict[str, Any]:
    """The entry `value` of a message; `value_error` where it does not decode."""
    try:
        plain = plain_value(read())
    except DecodeError as error:
        return {"value_error": _error(error)}
    if isinstance(plain, dict) and "mode" in plain:
        plain["mode"] = _MODES.get(plain["mode"], str(plain["mode"]))
    return {} if plain is None else {"value": plain}


def _error(error: DecodeError) -> dict[str, Any]:
    return {"field": error.field, "offset": error.offset, "reason": error.reason}


def _fields(message: Request | Response) -> dict[str, Any]:
    return {name: value for name, value in plain_value(message).items() if name != "command"}


def plain_value(value: Any) -> Any:
    """Any value of the protocol as one that CBOR has."""
    match value:
        case None | bool() | str() | float():
            return value
        case Address():
            return str(value)
        case Enum():
            return value.name
        case int():
            return int(value)
        case bytes():
            return value.hex() if len(value) <= _LONGEST else f"({len(value)} bytes)"
        case tuple() if not hasattr(value, "_fields"):
            return [plain_value(one) for one in value]
        case _:
            named = value._asdict() if hasattr(value, "_asdict") else _of(value)
            return {name: plain_value(one) for name, one in named.items() if name not in _SEALED}


def _of(value: Any) -> dict[str, Any]:
    return {one.name: getattr(value, one.name) for one in dataclasses.fields(value) if one.name not in _OMITTED}
