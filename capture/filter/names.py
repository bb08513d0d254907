"""Every field by its names."""

from __future__ import annotations

import difflib
from typing import Final

from capture.filter.attempt_fields import ATTEMPT_FIELDS
from capture.filter.fields import Field, Kind
from capture.filter.noted import NOTED_FIELDS
from capture.filter.packet_fields import PACKET_FIELDS

FIELDS: Final[dict[str, Field]] = {field.name: field for field in (*ATTEMPT_FIELDS, *PACKET_FIELDS, *NOTED_FIELDS)}
"""Every field, by the name that filters use."""
TEXT: Final = FIELDS["text"]
"""The field that a text which stands alone is looked for in."""

_NAMES: Final = {**FIELDS, **{alias: field for field in FIELDS.values() for alias in field.aliases}}
_LIKELY: Final = 0.75
"""How alike a word and the name of a field are that it was probably meant for."""


def field_named(name: str) -> Field | None:
    """The field with that name or alias, whatever the case."""
    return _NAMES.get(name.lower())


def unknown_name(name: str) -> str:
    """What to say of a name that no field has."""
    near = difflib.get_close_matches(name.lower(), _NAMES, 1)
    hint = f"; did you mean {near[0]}?" if near else f"; fields are {', '.join(FIELDS)}"
    return f"no field is named {name!r}{hint}"


def likely_meant(word: str) -> Field | None:
    """The yes-or-no field that a word alone is probably a misspelling of."""
    alone = [name for name, field in _NAMES.items() if field.kind is Kind.YES_NO]
    near = difflib.get_close_matches(word.lower(), alone, 1, _LIKELY)
    return _NAMES[near[0]] if near else None
