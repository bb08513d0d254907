"""Bytes as rows of hex and text, with a lit range."""

from __future__ import annotations

from app.draw.spans import Line, Span, Tone, cell

_OFFSET = 6
_DOTS = {byte: "·" for byte in range(256) if not 0x20 <= byte < 0x7F}


def bytes_per_row(width: int) -> int:
    """How many bytes fit a row of `width` cells: 16 if possible, else 8 or 4."""
    return next((size for size in (16, 8) if _width(size) <= width), 4)


def row_count(data: bytes, size: int) -> int:
    """Rows that `data` takes at `size` bytes a row."""
    return -(-len(data) // size)


def hex_row(data: bytes, row: int, size: int, lit: tuple[int, int] | None) -> Line:
    """One row: offset, hex, and the bytes as text; the range `lit` (first, one past last) is marked.

    What is no printable ASCII is a dot. A lit byte stands between brackets at the ends of its range, so that it can be
    found without colour.
    """
    start = row * size
    if lit is None or lit[1] <= start - 1 or lit[0] > start + size or lit[0] >= lit[1]:
        return _plain_row(data[start : start + size], start, size)
    spans = [cell(f"{start:04x}", _OFFSET, Tone.DIM)]
    for index in range(start, start + size):
        inside = lit is not None and lit[0] <= index < lit[1]
        before = "[" if lit is not None and index == lit[0] and inside else " "
        if lit is not None and index == lit[1] and lit[0] < lit[1]:
            before = "]"
        text = f"{data[index]:02x}" if index < len(data) else "  "
        spans.append(Span(before, Tone.LIT if inside and index != lit[0] else Tone.PLAIN) if lit else Span(before))
        spans.append(Span(text, Tone.LIT if inside else Tone.PLAIN))
    ends_here = lit is not None and lit[0] < lit[1] and lit[1] == start + size
    spans.append(Span("]" if ends_here else " "))
    spans.append(Span(" "))
    for index in range(start, min(start + size, len(data))):
        inside = lit is not None and lit[0] <= index < lit[1]
        byte = data[index]
        spans.append(Span(chr(byte) if 0x20 <= byte < 0x7F else "·", Tone.LIT if inside else Tone.DIM))
    return tuple(spans)


def _plain_row(content: bytes, start: int, size: int) -> Line:
    """A row in which nothing is lit."""
    text = content.decode("latin-1").translate(_DOTS)
    return (cell(f"{start:04x}", _OFFSET, Tone.DIM), Span(f" {content.hex(' '):<{3 * size}} "), Span(text, Tone.DIM))


def byte_at(x: int, row: int, size: int) -> int | None:
    """The byte under cell `x` of a row, in the hex or in the text part."""
    at = (x - _OFFSET) // 3
    if 0 <= at < size:
        return row * size + at
    at = x - (_OFFSET + 3 * size + 2)
    return row * size + at if 0 <= at < size else None


def _width(size: int) -> int:
    return _OFFSET + 3 * size + 2 + size
