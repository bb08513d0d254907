"""NAT evidence as lines: what each side's samples were, and the rule that decided."""

from __future__ import annotations

from collections import Counter

from app.draw import terms
from app.draw.linked import Linked, blank, heading, labelled, paragraph
from app.draw.spans import Span, Tone, cell
from app.wording import counted
from capture.model import Flow, NatEvidence


def nat_page(flow: Flow, width: int) -> list[Linked]:
    """Both sides' samples, one below the other; each sample leads to its packet."""
    lines: list[Linked] = []
    for side, evidence, said in (
        ("client", flow.client_nat, flow.client_firewall),
        ("server", flow.server_nat, flow.server_firewall),
    ):
        lines.append(heading(f"The {side}'s NAT"))
        if evidence is None or not evidence.samples:
            lines += labelled("says", _announced(said), width, terms.firewall_tone(said))
            lines += paragraph(f"No sample of the {side} is in this capture: it was taken elsewhere.", width, Tone.DIM)
        else:
            lines += _side(flow, evidence, width)
        lines.append(blank())
    lines += paragraph(
        "A sample is a node's answer that says from which address it sees the socket. The same port everywhere is "
        "CONSISTENT and can be aimed at; another port for every destination is RANDOM.",
        width,
        Tone.DIM,
    )
    return lines


def _side(flow: Flow, evidence: NatEvidence, width: int) -> list[Linked]:
    lines = labelled("says", _announced(evidence.announced), width, terms.firewall_tone(evidence.announced))
    classified = terms.firewall(evidence.classified)
    lines += labelled("samples say", classified, width, terms.firewall_tone(evidence.classified))
    lines += labelled("by the rule", evidence.rule, width)
    if terms.nat_class(evidence.announced, evidence)[0].endswith(terms.SAMPLED):
        lines += paragraph(
            f"It stated no class of its own, so the list shows {classified}{terms.SAMPLED}: sampled, not stated.",
            width,
            Tone.DIM,
        )
    if evidence.announced is not None and evidence.announced not in (evidence.classified, 0) and evidence.samples:
        lines += paragraph(
            "The two differ: it may hold samples from before the capture, or from another socket.", width, Tone.WARN
        )
    hits = Counter(sample.seen_as for sample in evidence.samples)
    where = counted(len(hits), "address", "addresses")
    lines.append(Linked((Span(f"{counted(len(evidence.samples), 'sample')}, {where}", Tone.DIM),)))
    socket_width = 22 if width >= 95 else 8
    columns = (("time", 9), ("frame", 8), ("asked node", 22), ("socket", socket_width), ("seen as", 22))
    lines.append(Linked(tuple(cell(title, size, Tone.DIM) for title, size in columns)))
    seen: Counter[object] = Counter()
    for sample in evidence.samples:
        seen[sample.seen_as] += 1
        socket = terms.address(sample.socket)
        again = f"hit {seen[sample.seen_as]}" if hits[sample.seen_as] > 1 else "only once"
        lines.append(
            Linked(
                (
                    cell(terms.offset(sample.time - flow.started), 9),
                    cell(f"#{sample.sighting.frame}", 8, Tone.LINK),
                    cell(terms.address(sample.seen_by), 22),
                    cell(socket if socket_width > 8 else f":{sample.socket.port}", socket_width, Tone.DIM),
                    cell(terms.address(sample.seen_as), 22, Tone.STRONG),
                    Span(again, Tone.GOOD if hits[sample.seen_as] > 1 else Tone.WARN),
                ),
                sample.sighting,
            )
        )
    return lines


def _announced(value: int | None) -> str:
    return "not readable in this capture" if value is None else terms.firewall(value)
