"""A message as lines of text for an editor, and what was changed in them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from protocol.editing.values import EditableField, EditError

_HEAD: Final = (
    "Change what stands behind a =. Lines that begin with # count for nothing.",
    "Without a change the message stays as it is.",
)


def message_text(title: str, fields: Iterable[EditableField], trouble: str = "") -> str:
    """A line for each field, and above it how it may be written.

    Args:
        title: what the message is.
        fields: what can be changed.
        trouble: what was wrong with the last try.
    """
    lines = [f"# {one}" for one in (title, *_HEAD)]
    if trouble:
        lines[:0] = [f"# ✗ {trouble}"]
    for field in fields:
        said = "; ".join(part for part in (_written(field), field.note) if part)
        lines += ["", f"# {said}", f"{field.name} = {field.text}"]
    return "\n".join(lines) + "\n"


def changes_in(text: str, fields: Iterable[EditableField]) -> Mapping[str, str]:
    """Texts of the fields that are others than before, by name.

    Raises:
        EditError: a line is none of a field, or a field is there twice.
    """
    before = {field.name: field.text for field in fields}
    found: dict[str, str] = {}
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        name, sign, value = line.partition("=")
        name = name.strip()
        if not sign:
            raise EditError(f"line {number}", "it has no =")
        if name not in before:
            raise EditError(name or f"line {number}", f"there is no such field; there are {', '.join(before)}")
        if name in found:
            raise EditError(name, "it is there twice")
        found[name] = value.strip()
    return {name: value for name, value in found.items() if value != before[name]}


def _written(field: EditableField) -> str:
    """How a value of the field is written."""
    choices = f": {', '.join(field.choices)}" if field.choices else ""
    return f"{field.kind}{choices}{' or none' if field.optional else ''}"
