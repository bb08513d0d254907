"""Filters from what is selected: the values of an attempt, a step or a field as expressions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from capture.filter.fields import Field, Kind
from capture.filter.names import FIELDS
from capture.filter.tree import quoted

if TYPE_CHECKING:
    from capture.flow import Flow
    from capture.model import Step
    from protocol.spans import Field as MessageField

MOST: Final = 18
"""Expressions that are proposed for one thing."""

_OF_ATTEMPTS: Final = (
    "verdict",
    "outcome",
    "path",
    "client",
    "server",
    "client.firewall",
    "server.firewall",
    "token",
    "app.error",
    "relay",
    "key",
    "target",
    "rounds",
    "fast_open",
    "id",
)
"""Fields of an attempt that one filters by, the likeliest first."""
_OF_MESSAGES: Final = {
    "tid": "tid",
    "mode": "mode",
    "target": "target",
    "to": "to",
    "error": "error",
    "firewall": "firewall",
    "round": "round",
    "punching": "punching",
    "remote_id": "udx.id",
    "command": "command",
}
"""Fields of a datagram by their names in the tree, and the filter's name for them."""
_FIRST_DIGITS: Final = 16
"""Hex digits of a key that tell it from others."""


class Prepared(NamedTuple):
    """An expression, and what it asks for."""

    text: str
    says: str


def of_attempt(flow: Flow) -> list[Prepared]:
    """Expressions that an attempt passes."""
    found: list[Prepared] = []
    for name in _OF_ATTEMPTS:
        field = FIELDS[name]
        assert field.of_flow is not None
        for value in dict.fromkeys(map(str, field.of_flow(flow))):
            found.append(_compared(field, value))
    return found[:MOST]


def of_step(flow: Flow, step: Step) -> list[Prepared]:
    """Expressions that the packets of a step pass."""
    found: list[Prepared] = []
    if step.message is not None:
        message = flow.messages[step.message]
        found.append(_compared(FIELDS["command"], message.command))
        if message.mode in FIELDS["mode"].words:
            found.append(_compared(FIELDS["mode"], str(message.mode)))
        found.append(_compared(FIELDS["role"], str(message.from_role)))
        found.append(_compared(FIELDS["tid"], str(message.tid)))
        if message.round is not None and flow.rounds[message.round].round is not None:
            found.append(_compared(FIELDS["round"], str(flow.rounds[message.round].round)))
    for name, address in (("src", step.src), ("dst", step.dst)):
        if address is not None:
            found += [_compared(FIELDS[name], str(address)), _compared(FIELDS["addr"], address.host)]
    if step.ttl is not None:
        found.append(_compared(FIELDS["ttl"], str(step.ttl)))
    if step.sighting is not None:
        found.append(_compared(FIELDS["frame"], str(step.sighting.frame)))
    found.append(_compared(FIELDS["id"], flow.shown_id))
    return list(dict.fromkeys(found))[:MOST]


def of_message_field(shown: MessageField) -> list[Prepared]:
    """The expression for a field of a datagram; nothing where the filter has no name for it."""
    name = _OF_MESSAGES.get(shown.name)
    if name is None or shown.value is None:
        return []
    field = FIELDS[name]
    value = shown.value.hex() if isinstance(shown.value, bytes) else str(shown.value)
    if field.kind is Kind.WORD:
        known = [word for word in field.words if word in (shown.note or "") or word == value]
        if not known:
            return []
        value = known[0]
    if field.kind is Kind.YES_NO:
        value = "yes" if shown.value else "no"
    if not value:
        return []
    return [_compared(field, value)]


def added(before: str, text: str) -> str:
    """An expression that asks for something more than the one before."""
    if not before.strip():
        return text
    return f"({before.strip()}) and {text}" if " or " in before or "||" in before else f"{before.strip()} and {text}"


def _compared(field: Field, value: str) -> Prepared:
    if field.kind is Kind.HEX:
        value = value[:_FIRST_DIGITS]
    if field.kind is Kind.YES_NO:
        value = "yes" if value.lower() in ("true", "yes") else "no"
    return Prepared(f"{field.name} == {quoted(value)}", field.says)
