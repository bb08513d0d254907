"""The candidates of an attempt as ICE tools show them: where each side could reach the other, and what came of it."""

from __future__ import annotations

from typing import Final

from app.draw import terms
from app.draw.linked import Linked, blank, heading, labelled, paragraph
from app.draw.spans import Line, Span, Tone, cell
from app.terminal_text import cell_width
from app.wording import counted
from capture.candidate_list import Candidate, CandidateState, Source, Tried
from capture.model import Flow, TokenState

STATE_GLYPHS: Final = {
    CandidateState.WAITING: "·",
    CandidateState.OPENED: "○",
    CandidateState.PROBING: "◌",
    CandidateState.HIT: "✓",
    CandidateState.DEAD: "✗",
    CandidateState.NOMINATED: "★",
}
_STATE_TONE: Final = {
    CandidateState.WAITING: Tone.DIM,
    CandidateState.OPENED: Tone.PUNCH,
    CandidateState.PROBING: Tone.WARN,
    CandidateState.HIT: Tone.GOOD,
    CandidateState.DEAD: Tone.BAD,
    CandidateState.NOMINATED: Tone.GOOD,
}
STATE_MEANING: Final = {
    CandidateState.WAITING: "known, and nothing was sent to it",
    CandidateState.OPENED: "only openers went there: low TTL, to open the sender's own NAT",
    CandidateState.PROBING: "tried; this capture does not show what came of it",
    CandidateState.HIT: "something got through, one way or the other",
    CandidateState.DEAD: "tried, and nothing got through",
    CandidateState.NOMINATED: "the stream came up on it",
}
SOURCE_MEANING: Final = {
    Source.LAN: "a private address in the noise payload (needs keys), for peers behind one NAT",
    Source.PUBLIC: "a public address in the noise payload (needs keys)",
    Source.RELAY: "where a relay sees that side (peer_address)",
    Source.STATED: "where it says it is, from its own NAT samples (ICE: reflexive)",
    Source.OBSERVED: "nobody named it: packets went there or came from there",
}
_UNVERIFIED_RULE: Final = (
    "The reference tries an address that no token has proved only at every fourth tick, never against a random NAT; "
    "besides those a server sends one punch for a fast open and one for each punch that reaches it."
)
_WIDE: Final = 126
"""Cells for the source in the same line."""
_MIDDLE: Final = 96
"""Cells for the times in the same line."""


def candidates_page(flow: Flow, width: int) -> list[Linked]:
    """The server's addresses as the client tries them, then the client's as the server does."""
    lines: list[Linked] = []
    for of_server, title in ((True, "The server's addresses, as the client tries them"),
                             (False, "The client's addresses, as the server tries them")):  # fmt: skip
        found = [one for one in flow.candidates if one.of_server == of_server]
        lines.append(heading(title))
        if not found:
            side = "server" if of_server else "client"
            lines += paragraph(f"This capture names no address of the {side} that could be tried.", width, Tone.DIM)
        else:
            lines.append(Linked(_head(width)))
            for one in found:
                lines += _rows(flow, one, width)
        lines.append(blank())
    lines += _path(flow, width)
    if flow.candidates:
        lines += _legend(flow, width)
    return lines


def _head(width: int) -> Line:
    spans = [cell("address", 22, Tone.DIM), cell("state", 12, Tone.DIM), cell("verified", 11, Tone.DIM)]
    spans += [cell("sent to it", 17 if width < _WIDE else 20, Tone.DIM)]
    spans += [cell("came from it", 14 if width < _WIDE else 18, Tone.DIM)]
    if width >= _MIDDLE:
        spans.append(cell("first", 8, Tone.DIM, right=True))
        spans.append(cell("last", 9, Tone.DIM, right=True))
    if width >= _WIDE:
        spans += [Span("  "), cell("source", 24, Tone.DIM)]
    return tuple(spans)


def _rows(flow: Flow, one: Candidate, width: int) -> list[Linked]:
    """The row of a candidate; where it is narrow, its source and times follow on a line of their own."""
    verified, tone = _verified(flow, one)
    spans = [
        cell(terms.any_port(one.address), 22, Tone.STRONG if one.state is CandidateState.NOMINATED else Tone.PLAIN),
        cell(f"{STATE_GLYPHS[one.state]} {one.state}", 12, _STATE_TONE[one.state]),
        cell(verified, 11, tone),
        cell(_sent(one.sent), 17 if width < _WIDE else 20),
        cell(_received(one.received), 14 if width < _WIDE else 18),
    ]
    first, last = _times(flow, one)
    sources = ", ".join(one.sources)
    if width >= _MIDDLE:
        spans += [cell(first, 8, Tone.DIM, right=True), cell(last, 9, Tone.DIM, right=True)]
    lines: list[Linked] = []
    if width >= _WIDE:
        spans += [Span("  "), cell(sources, width - 102, Tone.DIM)]
        lines.append(Linked(tuple(spans), one.link))
        details = _details(one)
    else:
        lines.append(Linked(tuple(spans), one.link))
        span = f"{first} to {last} s" if first and last != first else f"{first} s" if first else ""
        details = terms.joined((sources, "" if width >= _MIDDLE else span, _details(one)))
    if details:
        lines += paragraph(details, width, Tone.DIM, "  ")
    if one.unproven:
        lines += paragraph(
            f"! never verified: {counted(one.unproven, 'punch', 'punches')} went there before a token proved the host"
            if one.verified is None
            else f"! verified late: {counted(one.unproven, 'punch', 'punches')} went there before a token proved it",
            width,
            Tone.WARN,
            "  ",
        )
    return lines


def verified_word(flow: Flow, one: Candidate) -> str:
    """When a token proved the host of a candidate, or that none did."""
    return _verified(flow, one)[0]


def _verified(flow: Flow, one: Candidate) -> tuple[str, Tone]:
    if one.verified is not None:
        return f"✓ {terms.offset(one.verified - flow.started)} s", Tone.GOOD
    if TokenState.UNREADABLE in (flow.client_token, flow.server_token):
        return "? sealed", Tone.DIM
    return "– no", Tone.WARN if one.sent.normal else Tone.DIM


def _sent(tried: Tried) -> str:
    """Openers, punches and pings that went to a candidate."""
    parts = (
        f"{tried.low_ttl} low" if tried.low_ttl else "",
        counted(tried.normal, "punch", "punches") if tried.normal else "",
        counted(tried.pings, "PING") if tried.pings else "",
    )
    return terms.joined(parts, ", ") or "–"


def _received(tried: Tried) -> str:
    """Openers and punches that came from a candidate, and how many of them were seen to arrive."""
    if not tried.count:
        return "–"
    return str(tried.count) if tried.arrived is None else f"{tried.count}, {tried.arrived} arrived"


def _details(one: Candidate) -> str:
    """Ports, sockets and TTLs, where they say something."""
    sent, received = one.sent, one.received
    return terms.joined(
        (
            f"{counted(sent.ports, 'port')} tried" if sent.ports > 1 else "",
            f"from {counted(sent.sockets, 'socket')}" if sent.sockets > 1 else "",
            f"TTL {_list(sent.ttls)}" if sent.ttls else "",
            f"it uses {counted(max(received.sockets, received.ports), 'port')}"
            if max(received.sockets, received.ports) > 1
            else "",
            f"its TTL {_list(received.ttls)}" if received.ttls else "",
            f"{sent.arrived} of what was sent arrived" if sent.arrived else "",
        )
    )


def _list(ttls: tuple[int, ...]) -> str:
    return ", ".join(map(str, ttls[:4])) + ("…" if len(ttls) > 4 else "")


def _times(flow: Flow, one: Candidate) -> tuple[str, str]:
    firsts = [tried.first for tried in (one.sent, one.received) if tried.first is not None]
    lasts = [tried.last for tried in (one.sent, one.received) if tried.last is not None]
    if not firsts:
        return "", ""
    return terms.offset(min(firsts) - flow.started), terms.offset(max(lasts) - flow.started)


def _path(flow: Flow, width: int) -> list[Linked]:
    """The pair that became the path."""
    pair = [one for one in flow.candidates if one.state is CandidateState.NOMINATED]
    if not pair:
        words = "No direct path came up." if flow.outcome != "unknown" else "No direct path is in this capture (yet)."
        return labelled("path", words, width, Tone.DIM)
    ends = {one.of_server: terms.any_port(one.address) for one in pair}
    text = f"★ {ends.get(False, '?')} ⇄ {ends.get(True, '?')}, {terms.path(flow.path)}"
    first, *rest = labelled("path", text, width, Tone.GOOD)
    link = next((one.link for one in pair if one.link is not None), None)
    return [Linked(first.line, link), *rest]


def _legend(flow: Flow, width: int) -> list[Linked]:
    """What the words mean that stand above."""
    lines = [blank()]
    states = dict.fromkeys(one.state for one in flow.candidates)
    sources = dict.fromkeys(source for one in flow.candidates for source in one.sources)
    said = [(f"{STATE_GLYPHS[state]} {state}", STATE_MEANING[state]) for state in CandidateState if state in states]
    said += [(str(source), SOURCE_MEANING[source]) for source in Source if source in sources]
    label_width = max(cell_width(word) for word, _ in said) + 2
    for word, meaning in said:
        lines += labelled(word, meaning, width, Tone.DIM, label_width)
    if any(one.unproven for one in flow.candidates):
        lines += [blank(), *paragraph(_UNVERIFIED_RULE, width, Tone.WARN)]
    return lines
