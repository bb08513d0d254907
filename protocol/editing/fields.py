"""The public face of editing: the fields of a message, and the message with some of them changed.

```python
for field in fields_of(data, opener):
    print(field.name, field.text)
data = with_field(data, "firewall", "RANDOM", opener)  # opened, changed, sealed again
```

A message is the bytes of a datagram, a `Draft` (bytes, and where they go), or a step of a peer of ours.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final, TypeVar, cast

from protocol.editing.datagrams import PAYLOAD, lines_of, put_together, take_apart
from protocol.editing.lines import Line
from protocol.editing.payloads import NOISE_LINES
from protocol.editing.steps import STEP_LINES
from protocol.editing.values import NOTHING_KNOWN, Draft, EditableField, EditError, Opener, SealedError
from protocol.messages import Address, Handshake, Holepunch
from protocol.peer_values import TO_CLIENT

M = TypeVar("M")

_NOWHERE: Final = Address("0.0.0.0", 0)
PREFIXES: Final = ("payload.", "holepunch.", "handshake.", "value.", "request.", "response.", "envelope.", "noise.")
_DELIVERY: Final = ("destination", "ttl")


def fields_of(message: object, opener: Opener = NOTHING_KNOWN) -> tuple[EditableField, ...]:
    """What can be changed of a message, in the order of a form.

    Args:
        message: the bytes of a datagram, a `Draft`, or a step.
        opener: what opens it.

    Raises:
        TypeError: it is no message.
    """
    if isinstance(message, bytes | Draft):
        parts = take_apart(_draft(message), opener)
        shown = (one.shown(parts) for one in lines_of(parts))
        hidden = _DELIVERY if isinstance(message, bytes) else ()
        return tuple(field for field in shown if field is not None and field.name not in hidden)
    fields = (one.shown(message) for one in _step_lines(message))
    return tuple(field for field in fields if field is not None)


def with_field(message: M, name: str, text: str, opener: Opener = NOTHING_KNOWN) -> M:
    """The message with one field changed; see `with_fields`."""
    return with_fields(message, {name: text}, opener)


def with_fields(message: M, changes: Mapping[str, str], opener: Opener = NOTHING_KNOWN) -> M:
    """The message with some fields changed, one after the other; what was sealed is sealed again.

    Args:
        message: the bytes of a datagram, a `Draft`, or a step.
        changes: texts by the names of fields.
        opener: what opens it.

    Raises:
        SealedError: a field is inside a seal that can't be opened.
        EditError: there is no such field, or the text is no value of it.
        TypeError: it is no message.
    """
    if not isinstance(message, bytes | Draft):
        lines = _step_lines(message)
        changed: Any = message
        for name, text in changes.items():
            changed = _line(name, lines, type(message).__name__).changed(changed, text, opener)
        return cast("M", changed)
    draft = _draft(message)
    if "raw" in changes:
        draft = _changed(draft, {"raw": changes["raw"]}, opener)
    draft = _changed(draft, {name: text for name, text in changes.items() if name != "raw"}, opener)
    return cast("M", draft.data if isinstance(message, bytes) else draft)


def _changed(draft: Draft, changes: Mapping[str, str], opener: Opener) -> Draft:
    was = parts = take_apart(draft, opener)
    lines = lines_of(parts)
    for name, text in changes.items():
        try:
            found = _line(name, lines, _described(parts.envelope, parts.value))
        except EditError as error:
            raise _why(error, parts.value, parts.payload is None, opener) from None
        parts = found.changed(parts, text, opener)
    return put_together(was, parts, opener)


def _draft(message: bytes | Draft) -> Draft:
    return message if isinstance(message, Draft) else Draft(message, _NOWHERE)


def _step_lines(message: object) -> tuple[Line, ...]:
    lines = STEP_LINES.get(type(message))
    if lines is None:
        raise TypeError(f"{type(message).__name__} is no message that can be edited")
    return lines


def _line(name: str, lines: Iterable[Line], of: str) -> Line:
    plain = name.strip().lower().replace("-", "_")
    known = {one.name: one for one in lines}
    for word in (plain, *(plain.removeprefix(prefix) for prefix in PREFIXES)):
        if word in known:
            return known[word]
    raise EditError(name, f"{of} has no such field; it has {', '.join(known)}")


def _why(error: EditError, value: object, sealed: bool, opener: Opener) -> EditError:
    """A better reason, where the field is inside a seal."""
    names = {error.field, *(error.field.removeprefix(prefix) for prefix in PREFIXES)}
    if isinstance(value, Handshake) and names & {one.name for one in NOISE_LINES}:
        opens = "the client" if value.mode in TO_CLIENT else "the server"
        return SealedError(error.field, f"it is inside the noise message, which only {opens} opens")
    if isinstance(value, Holepunch) and sealed and names & {one.name for one in PAYLOAD}:
        reason = "none of the known secrets opens it" if opener.secrets else opener.lack
        return SealedError(error.field, f"it is inside the sealed payload: {reason}")
    return error


def _described(envelope: object, value: object) -> str:
    if value is not None:
        return f"a {type(value).__name__.lower()}"
    return "a datagram of another kind" if envelope is None else f"a {type(envelope).__name__.lower()} like this"
