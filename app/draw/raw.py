"""Bytes in the forms in which people take them elsewhere."""

from __future__ import annotations

from base64 import b64encode
from enum import Enum

from app.draw.hexdump import hex_row, row_count
from app.draw.spans import text_of

_ROW = 16


class Form(Enum):
    """A way to write bytes down."""

    DUMP = "hex dump"
    HEX = "hex"
    TEXT = "text"
    BASE64 = "base64"
    PYTHON = "Python"
    C = "C array"


def raw_lines(data: bytes, form: Form, width: int = 76) -> list[str]:
    """The bytes in a form, line by line; all of it printable ASCII but for the dots of the dump.

    Args:
        data: the bytes.
        form: how to write them.
        width: cells of a line.
    """
    match form:
        case Form.DUMP:
            size = 16 if width >= 72 else 8
            return [text_of(hex_row(data, row, size, None)) for row in range(row_count(data, size))]
        case Form.HEX:
            return _pieces(data.hex(), max(16, width // 2 * 2))
        case Form.TEXT:
            return _pieces(_escaped(data), max(16, width))
        case Form.BASE64:
            return _pieces(b64encode(data).decode("ascii"), max(16, width // 4 * 4))
        case Form.PYTHON:
            rows = [f'    b"{_literal(row)}"' for row in _rows(data, width, 4, 8)]
            return ["data = (", *(rows or ['    b""']), ")"]
        case Form.C:
            rows = [f"    {', '.join(f'0x{byte:02x}' for byte in row)}," for row in _rows(data, width, 6, 5)]
            return [f"static const unsigned char data[{len(data)}] = {{", *rows, "};"]


def raw_text(data: bytes, form: Form) -> str:
    """The bytes in a form, to copy: what is one string stays on one line."""
    if form in (Form.HEX, Form.TEXT, Form.BASE64):
        return "".join(raw_lines(data, form, 1 << 20))
    return "\n".join(raw_lines(data, form))


def _escaped(data: bytes) -> str:
    r"""Printable ASCII as it is, a backslash doubled, the rest as ``\xNN``."""
    return "".join("\\\\" if byte == 0x5C else chr(byte) if 0x20 <= byte < 0x7F else f"\\x{byte:02x}" for byte in data)


def _literal(row: bytes) -> str:
    return "".join(f"\\x{byte:02x}" for byte in row)


def _pieces(text: str, size: int) -> list[str]:
    return [text[at : at + size] for at in range(0, len(text), size)]


def _rows(data: bytes, width: int, each: int, around: int) -> list[bytes]:
    """The bytes in rows that fit, each byte taking `each` cells and the rest of a line `around`."""
    size = max(4, min(_ROW, (width - around) // each))
    return [data[at : at + size] for at in range(0, len(data), size)]
