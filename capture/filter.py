"""The filter language: which attempts to show, report and export.

```
expression = conjunction { ("or" | "||") conjunction }
conjunction = negation { ("and" | "&&") negation }
negation = ("not" | "!") negation | "(" expression ")" | comparison
comparison = field [ operator value ]
operator = "==" | "!=" | "<" | "<=" | ">" | ">=" | "~"
value = word | number | "'" text "'" | '"' text '"'
```

``~`` means "contains", whatever the case. A field that is yes or no can stand alone: ``fast_open and rounds > 1``.
Fields are in `capture.filter_fields`. An empty filter passes everything.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Final, NamedTuple

from capture.filter_fields import FIELDS, Field, Kind, WrongOperatorError, WrongValueError
from capture.model import Flow

Predicate = Callable[[Flow], bool]

MAX_DEPTH: Final = 100
"""Parentheses and negations inside each other; deeper is an error rather than a crash."""

_TOKEN: Final = re.compile(
    r"""\s*(?:
        (?P<operator>==|!=|<=|>=|<|>|~)
      | (?P<sign>\(|\)|!|&&|\|\|)
      | '(?P<single>[^']*)'
      | "(?P<double>[^"]*)"
      | (?P<word>[^\s()!<>=~&|'"]+)
    )""",
    re.VERBOSE,
)
_SIGNS: Final = {"!": "not", "&&": "and", "||": "or"}


class FilterError(ValueError):
    """A filter that does not parse. `column` counts characters from 1."""

    def __init__(self, column: int, reason: str) -> None:
        super().__init__(f"column {column}: {reason}")
        self.column = column
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Filter:
    """A parsed filter."""

    text: str
    predicate: Predicate

    def matches(self, flow: Flow) -> bool:
        """Whether the attempt passes."""
        return self.predicate(flow)

    def select(self, flows: Iterable[Flow]) -> tuple[Flow, ...]:
        """The attempts that pass, in their order."""
        return tuple(flow for flow in flows if self.predicate(flow))


class _Token(NamedTuple):
    kind: str
    """``operator``, ``value`` (quoted), ``word``, ``(``, ``)``, ``not``, ``and``, ``or`` or ``end``."""
    text: str
    column: int


def parse_filter(text: str) -> Filter:
    """Parse a filter.

    Raises:
        FilterError: what is wrong, and at which column.
    """
    parser = _Parser(list(_tokens(text)))
    if parser.next.kind == "end":
        return Filter(text, lambda _flow: True)
    return Filter(text, parser.parse())


def _tokens(text: str) -> Iterator[_Token]:
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
        column = found.start(group) + 1
        if group in ("single", "double"):
            yield _Token("value", word, column - 1)
        elif group == "sign":
            yield _Token(_SIGNS.get(word, word), word, column)
        elif group == "word" and word.lower() in ("not", "and", "or"):
            yield _Token(word.lower(), word, column)
        else:
            yield _Token(group, word, column)
        at = found.end()
    yield _Token("end", "", end + 1)


class _Parser:
    """Recursive descent over the tokens of one filter."""

    def __init__(self, tokens: list[_Token]) -> None:
        self._tokens = tokens
        self._at = 0
        self._depth = 0

    @property
    def next(self) -> _Token:
        return self._tokens[self._at]

    def parse(self) -> Predicate:
        whole = self._expression()
        if self.next.kind != "end":
            raise FilterError(self.next.column, f"expected 'and', 'or' or the end, found {self.next.text!r}")
        return whole

    def _take(self) -> _Token:
        token = self.next
        self._at += 1
        return token

    def _expression(self) -> Predicate:
        terms = [self._conjunction()]
        while self.next.kind == "or":
            self._take()
            terms.append(self._conjunction())
        return terms[0] if len(terms) == 1 else lambda flow: any(term(flow) for term in terms)

    def _conjunction(self) -> Predicate:
        terms = [self._negation()]
        while self.next.kind == "and":
            self._take()
            terms.append(self._negation())
        return terms[0] if len(terms) == 1 else lambda flow: all(term(flow) for term in terms)

    def _negation(self) -> Predicate:
        if self.next.kind not in ("not", "("):
            return self._comparison()
        opener = self._take()
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise FilterError(opener.column, f"more than {MAX_DEPTH} parentheses and negations inside each other")
        if opener.kind == "not":
            term = self._negation()
            self._depth -= 1
            return lambda flow: not term(flow)
        inner = self._expression()
        if self.next.kind != ")":
            raise FilterError(self.next.column, f"the parenthesis of column {opener.column} is never closed")
        self._take()
        self._depth -= 1
        return inner

    def _comparison(self) -> Predicate:
        field = self._field()
        if self.next.kind != "operator":
            if field.kind is not Kind.YES_NO:
                raise FilterError(self.next.column, f"{field.name} needs an operator and a value, as {field.name} == …")
            return field.test("==", "yes")
        operator = self._take()
        if self.next.kind not in ("word", "value"):
            raise FilterError(self.next.column, f"expected a value for {field.name}")
        value = self._take()
        try:
            return field.test(operator.text, value.text)
        except WrongOperatorError as problem:
            raise FilterError(operator.column, str(problem)) from None
        except WrongValueError as problem:
            raise FilterError(value.column, str(problem)) from None

    def _field(self) -> Field:
        token = self._take() if self.next.kind == "word" else self.next
        if token.kind != "word":
            raise FilterError(token.column, f"expected a field, found {token.text or 'the end'!r}")
        field = FIELDS.get(token.text.lower())
        if field is None:
            near = difflib.get_close_matches(token.text.lower(), FIELDS, 1)
            hint = f"; did you mean {near[0]}?" if near else f"; fields are {', '.join(FIELDS)}"
            raise FilterError(token.column, f"no field is named {token.text!r}{hint}")
        return field
