"""The card under an SVG ladder: verdict, evidence by number, what to try, and how far the attempt could be opened."""

from __future__ import annotations

import textwrap

from app import svg_parts as svg
from app.draw import terms
from app.terminal_text import safe_text
from capture.model import Flow

_PADDING = 18.0
_LINE = 18.0


def verdict_card(flow: Flow, x: float, top: float, width: float, sign: str = "") -> tuple[list[str], float]:
    """The card as SVG parts, and where it ends. Its numbers are those of the rows above.

    Args:
        flow: the attempt.
        x: left edge.
        top: upper edge.
        width: outer width.
        sign: of the attempt among several.
    """
    tone = str(terms.OUTCOME_TONE[flow.outcome])
    cells = svg.cells_in(width - 2 * _PADDING - 30)
    verdict = flow.verdict
    parts: list[str] = []
    y = top + _PADDING + 10
    likely = " · likely, not proven" if verdict.inferred else ""
    parts.append(svg.text(x + _PADDING, y, f"{sign}verdict  {verdict.code}{likely}", f"strong {tone}"))
    for number, evidence in enumerate(verdict.evidence, 1):
        for at, sentence in enumerate(
            textwrap.wrap(f"#{evidence.sighting.frame}  {safe_text(evidence.says)}", cells) or [""]
        ):
            y += _LINE + (4 if at == 0 else 0)
            if at == 0:
                parts.append(svg.badge(x + _PADDING + 8, y - 4, str(number)))
            parts.append(svg.text(x + _PADDING + 28, y, sentence, "ink"))
    y += 6
    saw = f"The application saw {safe_text(verdict.application_error)}." if verdict.application_error else ""
    for content, classes in ((saw, "ink"), (safe_text(verdict.advice), "ink"), (_opened(flow), "small dim")):
        for sentence in textwrap.wrap(content, cells):
            y += _LINE
            parts.append(svg.text(x + _PADDING, y, sentence, classes))
    bottom = y + _PADDING
    frame = [svg.box(x, top, width, bottom - top, "panel"), svg.box(x, top, 5, bottom - top, tone, 2.5)]
    return [*frame, *parts], bottom


def _opened(flow: Flow) -> str:
    key = flow.key
    if key.holepunch_secret is None:
        return f"Payloads are sealed: {safe_text(key.reason)}" if key.reason else "Payloads are sealed."
    how = {
        "captured": "a key found in the capture",
        "given": "a given key",
        "keylog": "the key log",
        "own": "our own key",
    }[str(key.source)]
    return f"Payloads opened with {how}; server key {terms.key(key.server_public_key, 8)}."
