"""The demo as lines: one for the top of the screen, and a page of what is where and how it went."""

from __future__ import annotations

from typing import Final

from app.demo_status import DemoStatus, NatStatus, Staged
from app.draw import terms
from app.draw.linked import Linked, blank, heading, labelled, paragraph
from app.draw.spans import Line, Span, Tone, cell
from app.terminal_text import cell_width, clip, safe_text
from app.wording import counted, grouped

_WHAT = (
    "A small internet inside this process: real UDP sockets on loopback addresses, a DHT of our own nodes, and NATs in "
    "user space. Peers come, look each other up in the DHT and try to connect through their NATs; some are meant to "
    "fail. Nothing leaves this machine."
)
_HOW = (
    "Each row of the list is one attempt to connect: Enter opens its ladder, who said what to whom over which relay; v "
    "is its verdict and n the evidence on its NATs. The newest is followed; any arrow key stays with another, f "
    "follows again, / filters, p pauses."
)

_LEAST: Final = 20
"""Cells that it takes to say what is played."""


def demo_line(status: DemoStatus, width: int) -> Line:
    """What this is and what happens now, most important first."""
    network = status.network
    parts = [
        ("an internet in this process", Tone.STRONG),
        (f"{counted(len(network.nodes), 'DHT node')}, {counted(len(network.nats), 'NAT')}", Tone.PLAIN),
        (_agreement(status), Tone.PLAIN if status.agreed == status.judged else Tone.BAD),
    ]
    spans = [Span(" demo ", Tone.KEY)]
    room = width - 6
    for index, (text, tone) in enumerate(part for part in parts if part[0]):
        between = " · " if index else " "
        if cell_width(between + text) + (_LEAST if index > 1 else 0) > room:
            break
        spans += [Span(between, Tone.RULE), Span(text, tone)]
        room -= cell_width(between + text)
    if network.playing and room > _LEAST:
        now = clip(f"now: {safe_text('; '.join(network.playing))}", room - 4)
        spans += [Span(" · ", Tone.RULE), Span(now, Tone.WARN)]
    return tuple(spans)


def demo_page(status: DemoStatus, width: int) -> list[Linked]:
    """What this is, what happens, how it went, what is where."""
    network = status.network
    lines = [heading("What is this?"), *paragraph(_WHAT, width), blank(), heading("How to look at it")]
    lines += [*paragraph(_HOW, width), blank(), heading("Now")]
    lines += labelled("playing", "; ".join(network.playing) or "nothing", width, Tone.WARN)
    lines += labelled("played", terms.joined((counted(network.played, "scene"), _agreement(status))), width)
    host, port = network.bootstrap
    lines += labelled("to join", f"peephole node --bootstrap {host}:{port} in another terminal", width)
    lines += [blank(), heading("Staged, and what the packets say"), *_staged(status, width)]
    lines += [blank(), heading(f"NATs that are there now: {len(network.nats)}")]
    for nat in network.nats:
        lines += _nat(nat, width)
    lines += [blank(), heading(f"Nodes of the DHT: {len(network.nodes)}")]
    nodes = ", ".join(f"{address} ({known} known)" for address, known in network.nodes)
    lines += [*paragraph(nodes, width), blank(), heading("Lost on the way")]
    lines += paragraph("; ".join(f"{grouped(count)} {reason}" for reason, count in network.dropped) or "nothing", width)
    return lines


def _agreement(status: DemoStatus) -> str:
    return f"{grouped(status.agreed)} of {grouped(status.judged)} verdicts as staged" if status.judged else ""


def _staged(status: DemoStatus, width: int) -> list[Linked]:
    lines = []
    if status.waiting:
        lines += paragraph(f"  … {counted(status.waiting, 'attempt')} settling: silence counts when it lasts.", width)
    if not status.latest and not status.waiting:
        lines += paragraph("  no attempt is over yet", width, Tone.DIM)
    return lines + [_verdict(staged) for staged in status.latest]


def _verdict(staged: Staged) -> Linked:
    got = "not in the capture" if staged.verdict is None else staged.verdict.value
    wanted = "" if staged.agrees else f"  wanted {' or '.join(staged.wanted)}"
    return Linked(
        (
            Span("  ✓ " if staged.agrees else "  ✗ ", Tone.GOOD if staged.agrees else Tone.BAD),
            cell(staged.attempt[:8] or "–", 10, Tone.DIM),
            cell(got, 22, Tone.STRONG),
            Span(safe_text(staged.title + (", once more" if staged.again else ""))),
            Span(wanted, Tone.BAD),
        )
    )


def _nat(nat: NatStatus, width: int) -> list[Linked]:
    counts = f"{counted(nat.mappings, 'mapping')}, {counted(nat.ports, 'port')}, {grouped(nat.refused)} turned away"
    inside = ", ".join(nat.inside) or "nobody"
    return labelled(f"  {nat.public_host}", f"{nat.kind}; {counts}; inside: {inside}", width, label_width=18)
