"""The help page: keys by context, then the signs that the drawings use."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from app.draw.linked import Linked, blank, heading, paragraph
from app.draw.packets import DIRECTION_SIGNS, LINK_MEANING, ROLE_LETTERS
from app.draw.spans import Line, Span, Tone, cell
from app.draw.terms import SAMPLED, SAMPLED_MEANING, TOKEN_MEANING, TOKEN_TONE
from app.terminal_text import cell_width
from app.wording import TOKEN_GLYPHS


class HelpRow(NamedTuple):
    """Keys and what they do."""

    keys: str
    text: str


_WIDEST_KEYS: Final = 20
"""Cells of the column of keys."""

_SIGNS: Final = (
    ("── ▶", Tone.PLAIN, "a request, from the lane it leaves to the lane it reaches; ┼ where it passes a lane"),
    ("┄┄ ▶", Tone.PLAIN, "a reply"),
    ("┄┄ ✕", Tone.PUNCH, "an opener: low TTL, meant to open the sender's own NAT and to die on the way"),
    ("── ✕", Tone.PUNCH, "seen leaving, not seen arriving although this capture would show it"),
    ("══ ▶", Tone.PUNCH, "a burst folded into one arrow: count, seconds, ports, first hit; Enter unfolds it"),
    ("┄┄ ▷", Tone.BAD, "expected here and never seen, and no longer waited for"),
    ("↻", Tone.DIM, "a retransmission: the same request again"),
    ("1–9", Tone.KEY, "left of a step: it is that number of the verdict's evidence"),
    ("◆  ◇  ;", Tone.KEY, "marked with Space (◇ earlier), with a comment"),
    ("⌂", Tone.CLIENT, "above a lane: the host on which was captured"),
    ("A B C", Tone.CLIENT, "left of a step, where several attempts share a ladder: which one it is of"),
    ("◧ ◨  a b c", Tone.DIM, "which of several captures saw it; a dot: this one did not"),
    ("↳", Tone.DIM, "the same datagram where it was seen next, with its addresses and TTL there"),
    ("✎", Tone.PLAIN, "a token on its way back to whoever issued it"),
    ("?", Tone.DIM, "in place of a NAT class: neither side said it in what this capture lets one read"),
    (SAMPLED, Tone.PLAIN, SAMPLED_MEANING),
    *((link.value, Tone.KEY, meaning) for link, meaning in LINK_MEANING.items()),
    (
        " ".join(DIRECTION_SIGNS.values()),
        Tone.PLAIN,
        "in the packet list: it came in, went out, or passed by to another host",
    ),
    ("C R S B N", Tone.PLAIN, f"before an address in the packet list: {ROLE_LETTERS}"),
    ("≠  −  +", Tone.PLAIN, "between two messages: differs, only in the first, only in the second"),
    (
        "○ ◌ ✓ ✗ ★",
        Tone.PLAIN,
        "a candidate: opened, tried, hit, dead, became the path; ! punched before it was verified",
    ),
    ("●  ✗  ?", Tone.PLAIN, "connected, failed, unknown; a question mark after a verdict: likely, not proven"),
)


def help_page(sections: Iterable[tuple[str, Sequence[HelpRow]]], width: int) -> list[Linked]:
    """The page.

    Args:
        sections: heading and keys of each context, the present one first.
        width: cells of a line.
    """
    lines: list[Linked] = []
    shown = [(title, rows) for title, rows in sections if rows]
    longest = max((cell_width(row.keys) for _, rows in shown for row in rows), default=0)
    keys_width = min(longest, _WIDEST_KEYS) + 2
    for title, rows in shown:
        lines.append(heading(title))
        for row in rows:
            lines += _key_lines(row, keys_width, width)
        lines.append(blank())
    lines.append(heading("signs"))
    for sign, tone, text in _SIGNS:
        lines += _wrapped(sign, tone, text, width)
    lines += [blank(), heading("address tokens, client's then server's")]
    for state, meaning in TOKEN_MEANING.items():
        lines += _wrapped(TOKEN_GLYPHS[state], TOKEN_TONE[state], meaning, width)
    return lines


def _key_lines(row: HelpRow, keys_width: int, width: int) -> list[Linked]:
    """Keys and what they do; keys that take more than their column have a line of their own."""
    if cell_width(row.keys) >= keys_width:
        alone: Line = (Span("  "), Span(row.keys, Tone.KEY))
        return [Linked(alone), *paragraph(row.text, width, indent=" " * (keys_width + 2))]
    lines = paragraph(row.text, width, indent=" " * (keys_width + 2))
    first: Line = (Span("  "), cell(row.keys, keys_width, Tone.KEY), Span(lines[0].line[0].text[keys_width + 2 :]))
    return [Linked(first), *lines[1:]]


def _wrapped(sign: str, tone: Tone, text: str, width: int) -> list[Linked]:
    lines = paragraph(text, width, indent=" " * 16)
    first = Linked(
        (Span("  "), Span(sign, tone), Span(" " * (14 - cell_width(sign))), Span(lines[0].line[0].text[16:]))
    )
    return [first, *lines[1:]]
