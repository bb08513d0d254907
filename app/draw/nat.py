"""NAT evidence as lines: each sample, the class it led to, the rule that decided, what would have changed it."""

from __future__ import annotations

from collections import Counter
from typing import Final

from app.draw import terms
from app.draw.linked import Linked, blank, heading, labelled, paragraph
from app.draw.spans import Line, Span, Tone, cell
from app.wording import counted
from capture.model import Flow, NatEvidence
from capture.nat_history import Change, CountedSample, NatHistory, SampleUse, SocketHistory, nat_history
from protocol.constants import Firewall

_USES: Final = {
    SampleUse.AGAIN: "the node had answered this socket before, and counts once",
    SampleUse.FROZEN: "it came after the side had told the other its class",
    SampleUse.OVER: "an answer that came when the client was connected already",
    SampleUse.NO_SAMPLE: "an answer in a round that punches or calls it off; only those of probe rounds are samples",
}
_RULES: Final = (
    "A sample is a node's answer that says from which address it sees the socket; each node counts once. Fewer than 3: "
    "UNKNOWN. One address seen 3 times: CONSISTENT, so it can be aimed at. All different: RANDOM, another port for "
    "every destination. One seen twice: RANDOM if all are of one host and there are 4 or more, CONSISTENT if another "
    "one on a second host was seen twice too, else RANDOM from the fifth on. A side that is not firewalled is OPEN."
)


def nat_page(flow: Flow, width: int) -> list[Linked]:
    """Both sides' samples, one below the other; each sample leads to its packet."""
    lines: list[Linked] = []
    found: list[NatHistory] = []
    for side, evidence, said in (
        ("client", flow.client_nat, flow.client_firewall),
        ("server", flow.server_nat, flow.server_firewall),
    ):
        lines.append(heading(f"The {side}'s NAT"))
        if evidence is None or not evidence.samples:
            lines += labelled("says", _announced(said), width, terms.firewall_tone(said))
            lines += paragraph(f"No sample of the {side} is in this capture: it was taken elsewhere.", width, Tone.DIM)
        else:
            history = nat_history(flow, client=side == "client")
            found += [] if history is None else [history]
            lines += _side(flow, evidence, history, width)
        lines.append(blank())
    uses = {one.use for history in found for socket in history.sockets for one in socket.samples}
    for use, meaning in _USES.items():
        if use in uses:
            lines += labelled(f"= {use}", meaning, width, Tone.DIM, 15)
    lines += paragraph(_RULES, width, Tone.DIM)
    return lines


def _side(flow: Flow, evidence: NatEvidence, history: NatHistory | None, width: int) -> list[Linked]:
    lines = labelled("says", _announced(evidence.announced), width, terms.firewall_tone(evidence.announced))
    classified = terms.firewall(evidence.classified)
    lines += labelled("samples say", classified, width, terms.firewall_tone(evidence.classified))
    lines += labelled("by the rule", evidence.rule, width)
    if history is not None:
        lines += _frozen(flow, history, width)
        lines += labelled("it changes", _change(history.change), width, Tone.DIM)
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
    for number, one in enumerate(() if history is None else history.sockets, 1):
        lines += _socket(flow, one, number, () if history is None else history.sockets, width)
    return lines


def _frozen(flow: Flow, history: NatHistory, width: int) -> list[Linked]:
    if history.frozen is None:
        return labelled("frozen", "no: it did not tell the other side a class here, so samples count on", width)
    at = terms.offset(history.frozen - flow.started)
    return labelled("frozen", f"at {at} s, when it told the other side; later samples change nothing", width)


def _change(change: Change | None) -> str:
    """What would have made another class."""
    if change is None:
        return "with nothing that four more nodes could say"
    parts = [f"{_nodes(count)} {terms.address(address)}" for address, count in Counter(change.again).items()]
    if change.others:
        parts.append(f"{_nodes(change.others)} an address that none saw yet")
    seen = " and ".join(parts)
    return f"to {Firewall(change.firewall).name} with {seen}"


def _nodes(number: int) -> str:
    return f"{number} more {'node that sees' if number == 1 else 'nodes that see'}"


def _socket(
    flow: Flow, one: SocketHistory, number: int, sockets: tuple[SocketHistory, ...], width: int
) -> list[Linked]:
    """One socket of the side: its samples in their order, with the class after each."""
    which = f"socket {number} of {len(sockets)}, " if len(sockets) > 1 else "socket "
    where = counted(len(one.hits), "address", "addresses")
    title = f"{which}{terms.address(one.socket)}: {counted(len(one.samples), 'sample')}, {where}"
    lines = [Linked((Span(title, Tone.STRONG),))]
    if len(sockets) > 1 and number > 1:
        lines += paragraph("It took another socket because its NAT seemed unstable.", width, Tone.DIM, "  ")
    lines.append(Linked(_head()))
    lines += [Linked(_sample(flow, sample), sample.sample.sighting) for sample in one.samples]
    return lines


def _head() -> Line:
    columns = (("time", 8), ("frame", 7), ("asked node", 21), ("seen as", 21), ("hit", 4), ("class then", 14))
    return tuple(cell(title, size, Tone.DIM) for title, size in columns)


def _sample(flow: Flow, one: CountedSample) -> Line:
    sample = one.sample
    counts = one.use is SampleUse.COUNTED
    shown = terms.firewall(one.firewall) if counts else f"= {one.use}"
    tone = terms.firewall_tone(one.firewall) if counts else Tone.DIM
    told = f"{one.hits}." if counts else "–"
    return (
        cell(terms.offset(sample.time - flow.started), 8),
        cell(f"#{sample.sighting.frame}", 7, Tone.LINK),
        cell(terms.address(sample.seen_by), 21),
        cell(terms.address(sample.seen_as), 21, Tone.STRONG),
        cell(told, 4, Tone.GOOD if one.hits > 1 else Tone.PLAIN),
        cell(shown, 14, tone),
    )


def _announced(value: int | None) -> str:
    return "not readable in this capture" if value is None else terms.firewall(value)
