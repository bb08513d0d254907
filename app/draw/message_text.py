"""A message as plain text: what is known of it, its fields and its bytes."""

from __future__ import annotations

from app.draw.message import DATAGRAM, MessageView, field_line
from app.draw.raw import Form, raw_lines
from app.draw.spans import text_of
from app.wording import counted


def message_text(view: MessageView) -> str:
    """All of a message, as an editor, a pager or the clipboard takes it."""
    lines = [view.title, ""]
    lines += [f"{fact.label + ':':<8}{fact.text}".rstrip() for fact in view.facts]
    if view.sealed_reason:
        lines.append(f"opaque: {view.sealed_reason}")
    lines.append("")
    lines += [text_of(field_line(row, open_=True, cut=view.cut)) for row in view.rows]
    for part, content in enumerate(view.parts):
        what = "datagram" if part == DATAGRAM else "plaintext"
        lines += ["", f"{what}, {counted(len(content), 'byte')}", *raw_lines(content, Form.DUMP)]
    return "\n".join(lines) + "\n"
