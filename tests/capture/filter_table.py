"""The tables of fields in docs/filter.md, made from the code: ``python -m tests.capture.filter_table`` prints them."""

from __future__ import annotations

from capture.filter.fields import OPERATORS, Field, Kind
from capture.filter.names import FIELDS


def table_lines() -> list[str]:
    """Lines of the tables, a heading before each."""
    attempts = [field for field in FIELDS.values() if field.of_packet is None]
    either = [field for field in FIELDS.values() if field.of_packet is not None and field.of_flow is not None]
    packets = [field for field in FIELDS.values() if field.of_flow is None]
    lines = ["| kind | operators |", "|---|---|"]
    lines += [f"| {kind} | {' '.join(f'`{one}`' for one in OPERATORS[kind])} |" for kind in Kind]
    for title, fields in (
        ("Fields of attempts", attempts),
        ("Fields of packets", packets),
        ("Fields of either", either),
    ):
        lines += ["", f"### {title}", "", "| field | kind | what it is |", "|---|---|---|", *map(_row, fields)]
    return lines


def _row(field: Field) -> str:
    names = ", ".join(f"`{name}`" for name in (field.name, *field.aliases))
    words = ": " + " ".join(f"`{word}`" for word in field.words) if field.words else ""
    return f"| {names} | {field.kind} | {field.says}{words} |"


if __name__ == "__main__":
    print("\n".join(table_lines()))
