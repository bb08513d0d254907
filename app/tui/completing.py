"""What can stand where one types in a filter: names of fields, operators, values, and what joins them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Final, NamedTuple

from capture.filter.errors import FilterError
from capture.filter.fields import NONE, OPERATOR_SAYS, OPERATORS, Field, Kind
from capture.filter.names import FIELDS, field_named
from capture.filter.tree import quoted
from capture.filter.words import OPERATOR_WORDS, Word, words_of

_PART: Final = re.compile(r"""[^\s()!<>=~&|'"]*\Z""")
_SIGN: Final = re.compile(r"[!<>=~&|]+\Z")
_OPEN_QUOTE: Final = re.compile(r"""(['"])[^'"]*\Z""")

Known = Callable[[Field], Iterable[str]]
"""Values that a field has at hand, such as those of the selected attempt."""


class Candidate(NamedTuple):
    """Something that can stand at the cursor."""

    text: str
    says: str


class Completion(NamedTuple):
    """What can stand at the cursor, and what of the text it replaces."""

    start: int
    end: int
    candidates: tuple[Candidate, ...]
    field: Field | None = None
    """The field that the words before the cursor are about."""

    def accept(self, text: str, index: int) -> tuple[str, int]:
        """The text with a candidate in it and a blank behind, and where the cursor is then."""
        put = self.candidates[index].text + " "
        rest = text[self.end :].removeprefix(" ")
        return text[: self.start] + put + rest, self.start + len(put)


def complete(text: str, cursor: int, known: Known = lambda _: ()) -> Completion:
    """What can stand at the cursor.

    Args:
        text: what is typed so far.
        cursor: characters before the cursor.
        known: values at hand.
    """
    before = text[:cursor]
    sign = _SIGN.search(before)
    quote = _open_quote(before)
    part = before[quote:] if quote is not None else sign[0] if sign is not None else _PART.search(before)[0]  # type: ignore[index]
    start = cursor - len(part)
    end = cursor if sign is not None or quote is not None else _end_of_word(text, cursor)
    try:
        words = list(words_of(before[:start]))[:-1]
    except FilterError:
        return Completion(cursor, cursor, ())
    place, field = _place(words)
    if place == "term" and not sign:
        return Completion(start, end, _fields(part))
    if place == "operator" and field is not None:
        found = _begin(_operators(field), part)
        if field.kind is Kind.YES_NO and not sign:
            found += _begin(_JOINING, part)
        return Completion(start, end, found, field)
    if place == "value" and field is not None and not sign:
        return Completion(start, end, _values(field, words[-1].text, part.lstrip("'\""), known), field)
    if place == "join":
        return Completion(start, end, _begin(_JOINING, part), field)
    return Completion(cursor, cursor, (), field)


_JOINING: Final = (
    Candidate("and", "both"),
    Candidate("or", "at least one"),
)


def unfinished(text: str) -> bool:
    """Whether the last word may become the name of a field: it is a text to look for only if nothing follows."""
    try:
        words = list(words_of(text))[:-1]
    except FilterError:
        return False
    if not words or words[-1].kind != "word" or text != text.rstrip():
        return False
    place, _ = _place(words[:-1])
    last = words[-1].text.lower()
    return place == "term" and field_named(last) is None and any(name.startswith(last) for name in FIELDS)


def _open_quote(before: str) -> int | None:
    """Where a quote begins that is not closed before the cursor."""
    open_at: int | None = None
    for at, character in enumerate(before):
        if character in "'\"":
            if open_at is None:
                open_at = at
            elif before[open_at] == character:
                open_at = None
    return open_at


def _end_of_word(text: str, cursor: int) -> int:
    end = cursor
    while end < len(text) and _PART.fullmatch(text[end]):
        end += 1
    return end


def _place(words: list[Word]) -> tuple[str, Field | None]:
    """What comes after some words: ``term``, ``operator``, ``value`` or ``join``; and the field it is about."""
    place, field = "term", None
    for word in words:
        if word.kind in ("and", "or", "not", "("):
            place, field = "term", None
        elif word.kind == ")":
            place, field = "join", None
        elif place == "term":
            field = field_named(word.text) if word.kind == "word" else None
            place = "join" if field is None else "operator"
        elif place == "operator" and (word.kind == "operator" or word.text.lower() in OPERATOR_WORDS):
            place = "value"
        elif place == "value":
            place = "join"
    return place, field


def _fields(part: str) -> tuple[Candidate, ...]:
    """Fields whose name begins with the part, then those that have it further on."""
    wanted = part.lower()
    first = [field for name, field in FIELDS.items() if name.startswith(wanted)]
    later = [field for name, field in FIELDS.items() if wanted in name and not name.startswith(wanted)]
    found = [Candidate(field.name, f"{field.says} · {field.kind}") for field in (*first, *(later if wanted else ()))]
    if wanted and "not".startswith(wanted):
        found.append(Candidate("not", "the opposite"))
    return tuple(found)


def _operators(field: Field) -> tuple[Candidate, ...]:
    return tuple(Candidate(operator, OPERATOR_SAYS[operator]) for operator in OPERATORS[field.kind])


def _values(field: Field, operator: str, part: str, known: Known) -> tuple[Candidate, ...]:
    words = [(word, "") for word in field.words]
    if field.kind is Kind.YES_NO:
        words = [("yes", ""), ("no", "")]
    at_hand = [(value, "of the selected attempt") for value in known(field)]
    if field.kind is Kind.WORD:
        here = {value for value, _ in at_hand}
        words.sort(key=lambda word: word[0] not in here)
        words = [(word, "of the selected attempt" if word in here else "") for word, _ in words]
    else:
        words += at_hand
    hint = _HINTS.get(field.kind)
    if not part and hint is not None:
        words += [(value, says) for value, says in hint]
    if OPERATOR_WORDS.get(operator.lower(), operator) in ("==", "!="):
        words.append((NONE, "it has no value"))
    wanted = part.lower()
    found = [Candidate(quoted(value), says) for value, says in dict(words).items() if value.lower().startswith(wanted)]
    more = [
        Candidate(quoted(value), says)
        for value, says in dict(words).items()
        if wanted in value.lower() and not value.lower().startswith(wanted)
    ]
    return (*found, *more)


_HINTS: Final = {
    Kind.ADDRESS: (("10.0.0.0/8", "a network"), ("192.168.1.2:49737", "host and port")),
    Kind.TIME: (("1.5", "seconds since the first packet"), ("12:34:56", "time of day")),
    Kind.BYTES: (("0x0a0b", "hex"),),
}


def _begin(candidates: Iterable[Candidate], part: str) -> tuple[Candidate, ...]:
    return tuple(one for one in candidates if one.text.startswith(part.lower()))
