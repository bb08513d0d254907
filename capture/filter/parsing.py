"""From the text of a filter to its tree: recursive descent.

```
expression = conjunction { ("or" | "||") conjunction }
conjunction = negation { ("and" | "&&") negation }
negation = ("not" | "!") negation | "(" expression ")" | comparison | text
comparison = field [ operator value ]
operator = "==" | "!=" | "<" | "<=" | ">" | ">=" | "~" | "=~"
         | "eq" | "ne" | "lt" | "le" | "gt" | "ge" | "contains" | "matches"
value = word | number | "'" text "'" | '"' text '"'
text = word that names no field | "'" text "'" | '"' text '"'
```
"""

from __future__ import annotations

from datetime import tzinfo
from typing import Final

from capture.filter.errors import FilterError, WrongOperatorError, WrongValueError
from capture.filter.fields import Field, Kind
from capture.filter.names import TEXT, field_named, likely_meant, unknown_name
from capture.filter.tree import And, Comparison, Node, Or, joined, negated
from capture.filter.words import OPERATOR_WORDS, Word, words_of

MAX_DEPTH: Final = 100
"""Parentheses and negations inside each other; deeper is an error rather than a crash."""
MAX_WORDS: Final = 10_000
"""Words of one filter."""


def parse(text: str, zone: tzinfo | None = None) -> Node | None:
    """The tree of a filter; None for an empty one.

    Args:
        text: the filter.
        zone: in which times of day are meant; None is the machine's.

    Raises:
        FilterError: what is wrong, and at which column.
    """
    words = list(words_of(text))
    if len(words) > MAX_WORDS:
        raise FilterError(words[MAX_WORDS].column, f"more than {MAX_WORDS} words")
    parser = _Parser(words, zone)
    return None if parser.next.kind == "end" else parser.parse()


class _Parser:
    """Walks through the words of one filter."""

    def __init__(self, words: list[Word], zone: tzinfo | None) -> None:
        self._words = words
        self._zone = zone
        self._at = 0
        self._depth = 0

    @property
    def next(self) -> Word:
        return self._words[self._at]

    def parse(self) -> Node:
        whole = self._expression()
        if self.next.kind != "end":
            raise FilterError(self.next.column, f"expected 'and', 'or' or the end, found {self.next.text!r}")
        return whole

    def _take(self) -> Word:
        word = self.next
        self._at += 1
        return word

    def _expression(self) -> Node:
        terms = [self._conjunction()]
        while self.next.kind == "or":
            self._take()
            terms.append(self._conjunction())
        return joined(Or, terms)

    def _conjunction(self) -> Node:
        terms = [self._negation()]
        while self.next.kind == "and":
            self._take()
            terms.append(self._negation())
        return joined(And, terms)

    def _negation(self) -> Node:
        if self.next.kind not in ("not", "("):
            return self._comparison()
        opener = self._take()
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise FilterError(opener.column, f"more than {MAX_DEPTH} parentheses and negations inside each other")
        if opener.kind == "not":
            term = negated(self._negation())
            self._depth -= 1
            return term
        inner = self._expression()
        if self.next.kind != ")":
            raise FilterError(self.next.column, f"the parenthesis of column {opener.column} is never closed")
        self._take()
        self._depth -= 1
        return inner

    def _comparison(self) -> Node:
        name = self.next
        if name.kind not in ("word", "value"):
            raise FilterError(name.column, f"expected a field, found {name.text or 'the end'!r}")
        self._take()
        operator = self._operator()
        field = field_named(name.text) if name.kind == "word" else None
        if field is None:
            return self._text(name, operator)
        if operator is None:
            if field.kind is not Kind.YES_NO:
                raise FilterError(self.next.column, f"{field.name} needs an operator and a value, as {field.name} == …")
            return self._compare(field, name, name._replace(text="=="), name._replace(text="yes"))
        if self.next.kind not in ("word", "value"):
            raise FilterError(self.next.column, f"expected a value for {field.name}")
        return self._compare(field, name, operator, self._take())

    def _operator(self) -> Word | None:
        word = self.next
        if word.kind == "operator":
            return self._take()
        if word.kind == "word" and word.text.lower() in OPERATOR_WORDS:
            return self._take()._replace(text=OPERATOR_WORDS[word.text.lower()])
        return None

    def _text(self, word: Word, operator: Word | None) -> Node:
        """A text that stands alone is looked for everywhere."""
        if operator is not None:
            said = "a text stands alone" if word.kind == "value" else unknown_name(word.text)
            raise FilterError(word.column, said)
        meant = likely_meant(word.text) if word.kind == "word" else None
        if meant is not None:
            raise FilterError(
                word.column, f"no field is named {word.text!r}; did you mean {meant.name}? A text goes in quotes"
            )
        return self._compare(TEXT, word, word._replace(text="~"), word)

    def _compare(self, field: Field, name: Word, operator: Word, value: Word) -> Node:
        opposite = operator.text == "!="
        meant = "==" if opposite else operator.text
        try:
            term = Comparison(field, meant, value.text, field.check(meant, value.text, self._zone), name.column)
        except WrongOperatorError as problem:
            raise FilterError(operator.column, str(problem)) from None
        except WrongValueError as problem:
            raise FilterError(value.column, str(problem)) from None
        return negated(term) if opposite else term
