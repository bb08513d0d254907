"""The verdict of an attempt as lines: headline, summary, evidence that leads to packets, advice."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from app.draw import terms
from app.draw.linked import Linked, blank, heading, labelled, paragraph
from app.draw.spans import Line, Span, Tone, width_of
from app.terminal_text import safe_text
from app.wording import OUTCOME_GLYPHS, TOKEN_GLYPHS, counted
from capture.course import Course
from capture.error_origin import ORIGIN_WORDS, AbortOrigin, error_origin
from capture.model import FileSummary, Flow, NatEvidence, Outcome

_PUNCHED_OUT: Final = "the puncher destroyed itself after its last punch"


def headline(flow: Flow, width: int | None = None) -> Line:
    """Glyph, verdict code, what the application was told, and where there is room also what that masked.

    Args:
        flow: the attempt.
        width: cells; None is no limit.
    """
    verdict = flow.verdict
    tone = terms.OUTCOME_TONE[flow.outcome]
    spans = [Span(f"{OUTCOME_GLYPHS[flow.outcome]} {verdict.code}", tone)]
    if verdict.inferred:
        spans.append(Span(" (likely, not proven)", Tone.WARN))
    error = error_origin(flow)
    if error is not None:
        spans.append(Span(f"  the application saw {safe_text(error.raised)}", Tone.DIM))
        masked = f", which masked {error.masked}" if error.masked not in (None, error.raised) else ""
        if width is None or width_of((*spans, Span(masked))) <= width:
            spans.append(Span(masked, Tone.DIM))
    return tuple(spans)


def error_words(flow: Flow) -> list[str]:
    """What the application saw and what was behind it, a sentence each; empty if it saw nothing, as far as is known."""
    error = error_origin(flow)
    if error is None:
        return []
    words = [f"{error.raised} is what hyperdht raised to the application."]
    likely = "likely " if error.likely else ""
    if error.origin is not None:
        why = ORIGIN_WORDS[error.origin]
        if error.origin is AbortOrigin.PUNCHER_GONE:
            why = "the puncher was destroyed because of another error" if error.masked else _PUNCHED_OUT
        words.append(f"It has {len(ORIGIN_WORDS)} origins; this is {likely}number {error.origin.value}: {why}.")
    if error.masked is not None and error.masked != error.raised:
        words.append(f"The library made {error.masked} first; destroying the puncher masked it.")
    return words


def evidence_line(number: int, flow: Flow, files: Sequence[FileSummary]) -> Linked:
    """One piece of evidence; `number` counts from 1 and is its key."""
    evidence = flow.verdict.evidence[number - 1]
    where = f"#{evidence.sighting.frame}"
    if len(files) > 1 and evidence.sighting.file < len(files):
        where += f" in {safe_text(files[evidence.sighting.file].path.rpartition('/')[2])}"
    spans = (
        Span(f" {number} ", Tone.KEY),
        Span(f" {where}", Tone.LINK),
        Span(f"  {safe_text(evidence.says)}"),
    )
    return Linked(spans, evidence.sighting)


def verdict_panel(flow: Flow, files: Sequence[FileSummary], width: int) -> list[Linked]:
    """The panel under the ladder: everything a tired person needs."""
    lines = [Linked(headline(flow, width)), *paragraph(flow.verdict.summary, width)]
    lines += [evidence_line(number, flow, files) for number in range(1, len(flow.verdict.evidence) + 1)]
    if flow.verdict.advice and flow.outcome is not Outcome.CONNECTED:
        lines += labelled("→ try", flow.verdict.advice, width, label_width=6)
    return lines


def verdict_page(flow: Flow, files: Sequence[FileSummary], width: int) -> list[Linked]:
    """The whole page: verdict, evidence, and the facts of the attempt."""
    verdict = flow.verdict
    lines = [Linked(headline(flow, width)), blank(), *paragraph(verdict.summary, width), blank(), heading("Evidence")]
    lines += [evidence_line(number, flow, files) for number in range(1, len(verdict.evidence) + 1)]
    if not verdict.evidence:
        lines.append(Linked((Span("   no single packet", Tone.DIM),)))
    said = error_words(flow)
    if said:
        lines += [blank(), heading("The application's error"), *paragraph(" ".join(said), width)]
    lines += [blank(), heading("What to try"), *paragraph(verdict.advice, width), blank(), heading("The attempt")]
    for label, text in facts(flow):
        lines += labelled(label, text, width)
    if flow.notes:
        lines += [blank(), heading("Oddities")]
        for note in flow.notes:
            lines += paragraph(note, width, Tone.WARN)
    return lines


def facts(flow: Flow) -> list[tuple[str, str]]:
    """Labels and texts: who took part, and how far it came."""
    key = flow.key
    found = [
        ("id", flow.shown_id),
        ("took", terms.seconds(flow.duration)),
        ("path", terms.path(flow.path)),
        ("client", f"{terms.address(flow.client)}, NAT {_nat(flow.client_firewall, flow.client_nat)}"),
        ("server", f"{terms.address(flow.server)}, NAT {_nat(flow.server_firewall, flow.server_nat)}"),
        ("server key", "not known" if key.server_public_key is None else key.server_public_key.hex()),
        ("target", flow.target.hex()),
        ("relays", ", ".join(terms.address(relay) for relay in flow.relays) or "none seen"),
        ("opened", _opened(flow)),
        ("noise 1", "open" if key.noise1 else f"sealed: {key.noise1_reason}"),
        ("noise 2", "open" if key.noise2 else f"sealed: {key.noise2_reason}"),
        ("tokens", _tokens(flow)),
    ]
    for side, probes in (("client", flow.client_probes), ("server", flow.server_probes)):
        sent = f"{counted(probes.low_ttl, 'opener')}, {counted(probes.normal, 'punch', 'punches')}"
        ports = f" over {counted(probes.ports, 'port')}" if probes.ports > 1 else ""
        found.append((f"{side} sent", f"{sent}{ports}; {probes.received} of the other side's arrived"))
    if flow.course is not None and flow.course.stages:
        found.append(("stages", _stages(flow.course)))
    return found


def _stages(course: Course) -> str:
    """How long each stage took."""
    said = []
    for one in course.stages:
        took = "did not end" if one.ended is None else terms.seconds(one.ended - one.started)
        said.append(f"{one.stage} {took}")
    return ", ".join(said)


def _nat(said: int | None, evidence: NatEvidence | None) -> str:
    name, _ = terms.nat_class(said, evidence)
    return f"{name.removesuffix(terms.SAMPLED)} (sampled, not stated)" if name.endswith(terms.SAMPLED) else name


def _opened(flow: Flow) -> str:
    if flow.key.holepunch_secret is None:
        return f"no: {flow.key.reason}"
    source = {"captured": "rebuilt from the capture alone", "given": "with a given key", "keylog": "with the key log"}
    where = f", key proven by #{flow.key.proof.frame}" if flow.key.proof is not None else ""
    return source.get(str(flow.key.source), f"with our {flow.key.source} key") + where


def _tokens(flow: Flow) -> str:
    said = ((flow.server_token, "server's"), (flow.client_token, "client's"))
    return "; ".join(f"{whose} {TOKEN_GLYPHS[state]} {terms.TOKEN_WORD[state]}" for state, whose in said)
