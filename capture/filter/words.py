"""The words that a filter is made of."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final, NamedTuple

from capture.filter.errors import FilterError

_TOKEN: Final = re.compile(
    r"""\s*(?:
        (?P<operator>==|!=|<=|>=|=~|<|>|~)
      | (?P<sign>\(|\)|!|&&|\|\|)
      | '(?P<single>[^']*)'
      | "(?P<double>[^"]*)"
      | (?P<word>[^\s()!<>=~&|'"]+)
    )""",
    re.VERBOSE,
)
_SIGNS: Final = {"!": "not", "&&": "and", "||": "or"}
OPERATOR_WORDS: Final = {
    "eq": "==",
    "ne": "!=",
    "lt": "<",
    "le": "<=",
    "gt": ">",
    "ge": ">=",
    "contains": "~",
    "matches": "=~",
}
"""Operators as Wireshark spells them; only where an operator can stand."""


class Word(NamedTuple):
    """One word or sign of a filter."""

    kind: str
    """``operator``, ``value`` (quoted), ``word``, ``(``, ``)``, ``not``, ``and``, ``or`` or ``end``."""
    text: str
    column: int
    """Where it begins, from 1."""
    end: int
    """The column after it."""


def words_of(text: str) -> Iterator[Word]:
    """The words of a filter, and an ``end``.

    Raises:
        FilterError: a character that begins no word, or a quote that is never closed.
    """
    at, end = 0, len(text.rstrip())
    while at < end:
        found = _TOKEN.match(text, at)
        if found is None:
            start = at + len(text[at:]) - len(text[at:].lstrip())
            what = (
                "a quote that is never closed" if text[start] in "'\"" else f"{text[start]!r} is not part of a filter"
            )
            raise FilterError(start + 1, what)
        group = found.lastgroup or ""
        word = found[group]
        column, after = found.start(group) + 1, found.end() + 1
        if group in ("single", "double"):
            yield Word("value", word, column - 1, after)
        elif group == "sign":
            yield Word(_SIGNS.get(word, word), word, column, after)
        elif group == "word" and word.lower() in ("not", "and", "or"):
            yield Word(word.lower(), word, column, after)
        else:
            yield Word(group, word, column, after)
        at = found.end()
    yield Word("end", "", end + 1, end + 1)
