"""What a Mermaid sequence diagram says, without its spelling: participants, arrows with their records, notes, blocks.

Understands what hyperdht's diagrams and our exports use, and refuses the rest, so that a comparison can't pass by
overlooking something.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import NamedTuple

Record = dict[str, "Record | str | None"]
"""Named fields; the value is None where only the name is given. ``...`` is left out: it names nothing."""


class Participant(NamedTuple):
    kind: str
    id: str
    title: str


class Arrow(NamedTuple):
    start: str
    line: str
    end: str
    text: Record | str


class MermaidNote(NamedTuple):
    place: str
    of: tuple[str, ...]
    text: str


class Block(NamedTuple):
    """The beginning, the turn or the end of an opt or alt block."""

    word: str
    condition: str


@dataclass(frozen=True)
class Diagram:
    participants: tuple[Participant, ...]
    body: tuple[Arrow | MermaidNote | Block, ...]

    @property
    def arrows(self) -> tuple[Arrow, ...]:
        return tuple(item for item in self.body if isinstance(item, Arrow))

    @property
    def notes(self) -> tuple[MermaidNote, ...]:
        return tuple(item for item in self.body if isinstance(item, MermaidNote))


_PARTICIPANT = re.compile(r"(actor|participant) (\w+) as (.+)")
_ARROW = re.compile(r"(\w+) (-->>|->>|--x|-x) (\w+): (.+)")
_NOTE = re.compile(r"note (left of|right of|over) (\w+(?:,\w+)*): (.+)")
_BLOCK = re.compile(r"(opt|alt|else|end)\b ?(.*)")
_RECORD = re.compile(r"\s*([{},:]|\.\.\.|[^\s{},:.][^\s{},:]*)")


def parse_diagrams(markdown: str) -> list[Diagram]:
    """Every ```mermaid block of a Markdown text."""
    return [parse_diagram(block) for block in re.findall(r"```mermaid\n(.*?)```", markdown, re.DOTALL)]


def parse_diagram(text: str) -> Diagram:
    """One sequence diagram."""
    lines = [line.strip() for line in text.splitlines()]
    lines = [line for line in lines if line and not line.startswith("%%")]
    assert lines[0] == "sequenceDiagram", lines[0]
    participants: list[Participant] = []
    body: list[Arrow | MermaidNote | Block] = []
    for line in lines[1:]:
        if found := _PARTICIPANT.fullmatch(line):
            participants.append(Participant(*found.groups()))
        elif found := _ARROW.fullmatch(line):
            start, style, end, said = found.groups()
            body.append(Arrow(start, style, end, parse_record(said) if said.startswith("{") else said))
        elif found := _NOTE.fullmatch(line):
            place, of, said = found.groups()
            body.append(MermaidNote(place, tuple(of.split(",")), said))
        elif found := _BLOCK.fullmatch(line):
            body.append(Block(*found.groups()))
        else:
            raise AssertionError(f"not understood: {line!r}")
    known = {participant.id for participant in participants}
    for item in body:
        if isinstance(item, Arrow):
            assert {item.start, item.end} <= known, item
        if isinstance(item, MermaidNote):
            assert set(item.of) <= known, item
    return Diagram(tuple(participants), tuple(body))


def parse_record(text: str) -> Record:
    """``{ a, b: { c, ... }, d: E }`` as nested fields."""
    tokens = _RECORD.findall(text)
    assert "".join(tokens) == re.sub(r"\s", "", text), f"not a record: {text!r}"
    record, rest = _fields(tokens[1:])
    assert tokens[0] == "{", text
    assert not rest, text
    return record


def _fields(tokens: list[str]) -> tuple[Record, list[str]]:
    record: Record = {}
    while tokens[0] != "}":
        name, tokens = tokens[0], tokens[1:]
        value: Record | str | None = None
        if tokens[0] == ":":
            if tokens[1] == "{":
                value, tokens = _fields(tokens[2:])
            else:
                value, tokens = tokens[1], tokens[2:]
        if name != "...":
            record[name] = value
        if tokens[0] == ",":
            tokens = tokens[1:]
    return record, tokens[1:]


def taken(diagram: Diagram, *, otherwise: bool) -> Diagram:
    """What is left of a diagram when its conditions hold, or, `otherwise`, when they don't."""
    body: list[Arrow | MermaidNote | Block] = []
    shown, inside = True, False
    for item in diagram.body:
        if not isinstance(item, Block):
            body += [item] if shown else []
            continue
        match item.word:
            case "opt" | "alt":
                assert not inside, "no block in a block"
                shown, inside = not otherwise, True
            case "else":
                assert inside
                shown = otherwise
            case "end":
                assert inside
                shown, inside = True, False
    assert not inside, "a block does not end"
    return Diagram(diagram.participants, tuple(body))


def conditions(diagram: Diagram) -> list[str]:
    """What the branches of a diagram depend on."""
    return [f"{item.word} {item.condition}" for item in diagram.body if isinstance(item, Block) and item.condition]
