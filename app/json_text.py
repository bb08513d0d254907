"""JSON for people, as `json.dumps(value, indent=2)` writes it, in a tenth of its time.

With an indent the standard library leaves its encoder in C and writes every bracket and comma from Python, one by one.
A report is made of thousands of objects with the same names in the same order: the text around their values is made
once for each such shape, and the values are written by what the C encoder would use.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from functools import lru_cache
from json.encoder import encode_basestring_ascii
from math import isfinite
from typing import Any, Final

_STEP: Final = "  "


def indented(value: object, depth: int = 0) -> str:
    """The text of a value of dictionaries with string keys, lists, strings, numbers, booleans and None.

    Args:
        value: the value; a tuple counts as a list.
        depth: how far in the value begins. Its first line carries no indent of its own.

    Raises:
        TypeError: something inside is nothing that JSON can say.
    """
    plain = _PLAIN.get(type(value))
    if plain is not None:
        return plain(value)
    if isinstance(value, dict):
        return _object(value, depth)
    if isinstance(value, list | tuple):
        return _array(value, depth)
    return json.dumps(value)


def _object(value: dict[str, Any], depth: int) -> str:
    if not value:
        return "{}"
    deeper = depth + 1
    texts = []
    for each in value.values():
        plain = _PLAIN.get(type(each))
        texts.append(plain(each) if plain is not None else indented(each, deeper))
    return _around(tuple(value), depth) % tuple(texts)


@lru_cache(maxsize=1024)
def _around(keys: tuple[str, ...], depth: int) -> str:
    """All that an object of this shape consists of but its values: a template for the operator ``%``."""
    lines = [f"{_STEP * (depth + 1)}{encode_basestring_ascii(key).replace('%', '%%')}: %s" for key in keys]
    return "{\n" + ",\n".join(lines) + "\n" + _STEP * depth + "}"


def _array(values: Sequence[object], depth: int) -> str:
    if not values:
        return "[]"
    start = "\n" + _STEP * (depth + 1)
    return f"[{start}{(',' + start).join([indented(each, depth + 1) for each in values])}\n{_STEP * depth}]"


def _number(value: float) -> str:
    return float.__repr__(value) if isfinite(value) else json.dumps(value)


_PLAIN: Final[dict[type, Callable[[Any], str]]] = {
    str: encode_basestring_ascii,
    int: int.__repr__,
    float: _number,
    bool: {True: "true", False: "false"}.__getitem__,
    type(None): {None: "null"}.__getitem__,
}
"""What writes a value of just this type; all else, subclasses too, takes the longer way."""
