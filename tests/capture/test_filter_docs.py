"""docs/filter.md lists every field, as the code has it."""

from __future__ import annotations

import re
from pathlib import Path

from capture.filter import parse_filter
from capture.filter.parsing import __doc__ as grammar
from capture.story import Story
from tests.capture.filter_table import table_lines

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/filter.md").read_text(encoding="utf-8")


def test_the_tables_of_fields_are_those_of_the_code() -> None:
    assert PAGE.split("## Fields\n\n", 1)[1].rstrip("\n").splitlines() == table_lines()


def test_the_grammar_is_the_parser_s() -> None:
    def rules(text: str) -> list[str]:
        block = text.split("```\n", 2)[1]
        return re.sub(r"\s+", " ", block).strip().split(" = ")

    assert rules(PAGE) == rules(grammar or "")


def test_the_examples_parse_and_can_be_asked() -> None:
    story = Story.open([str(ROOT / "app/samples/tour.pcapng")])
    examples = [line.strip() for line in PAGE.split("```", 1)[0].splitlines() if line.startswith("    ")]
    examples += re.findall(r"--filter '([^']*)'", PAGE)
    assert len(examples) > 8
    for example in examples:
        wanted = parse_filter(example).on(story)
        assert len(wanted.rows()) == len(story.table)
        wanted.select(story.flows)
