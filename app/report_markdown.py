"""One attempt as Markdown, for a bug thread: the verdict and its proof first, then what a maintainer asks for next."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from app.draw import terms
from app.draw.candidates import STATE_GLYPHS, verified_word
from app.draw.ladder import Datagrams, Ladder
from app.draw.ladder_plan import LadderOptions, plan_ladder
from app.draw.round_rules import halves, is_stale
from app.draw.rounds import event_at
from app.draw.spans import text_of
from app.draw.touched import TouchRows
from app.draw.verdict import error_words, facts
from app.markdown_text import code, escaped, fenced, table
from app.versions import CHECKED_AGAINST
from app.wording import OUTCOME_GLYPHS, TOKEN_GLYPHS, date_and_clock, error_name
from capture.model import FileSummary, Flow
from capture.nat_history import nat_history

LADDER_WIDTH: Final = 110
"""Cells of the ladder: what a code block of a thread shows without scrolling, more or less."""
REFERENCE: Final = f"hyperdht {CHECKED_AGAINST['hyperdht']}"
"""Whose rules the verdict and the pages go by."""


def markdown_report(
    flow: Flow,
    files: Sequence[FileSummary],
    datagrams: Datagrams,
    *,
    version: str,
    notes: Sequence[str] = (),
    touched: TouchRows | None = None,
) -> str:
    """The report.

    Args:
        flow: the attempt; what is to be masked is masked in it already.
        files: what it was read from.
        datagrams: the story, asked about single datagrams by the ladder.
        version: of Peephole.
        notes: remarks of the user on the attempt.
        touched: tells what a node of ours did to a datagram.
    """
    return "\n".join(_lines(flow, files, datagrams, version, notes, touched)) + "\n"


def _lines(
    flow: Flow,
    files: Sequence[FileSummary],
    datagrams: Datagrams,
    version: str,
    notes: Sequence[str],
    touched: TouchRows | None,
) -> Iterator[str]:
    yield from _verdict(flow, files)
    for note in notes:
        yield ""
        yield f"> {escaped(note)}"
    yield from ("", "## Facts", "")
    yield from table(("", ""), ((label, escaped(text)) for label, text in (_when(flow), *facts(flow))))
    yield from ("", "## NATs", "")
    yield from _nats(flow)
    yield from ("", "## Rounds", "")
    yield from _rounds(flow)
    if flow.candidates:
        yield from ("", "## Candidates", "")
        yield from _candidates(flow)
    yield from ("", "## Ladder", "")
    yield from fenced(_ladder(flow, datagrams, touched))
    if flow.notes:
        yield from ("", "## Oddities", "")
        yield from (f"- {escaped(note)}" for note in flow.notes)
    yield from ("", "## Versions", "")
    yield from _versions(files, version)


def _verdict(flow: Flow, files: Sequence[FileSummary]) -> Iterator[str]:
    verdict = flow.verdict
    likely = " (likely, not proven)" if verdict.inferred else ""
    yield f"# {OUTCOME_GLYPHS[flow.outcome]} {verdict.code}{likely}: hole-punch attempt {code(flow.shown_id)}"
    yield ""
    yield escaped(verdict.summary)
    said = error_words(flow)
    if said:
        yield ""
        yield f"**The application's error.** {escaped(' '.join(said))}"
    if verdict.evidence:
        yield ""
        yield "**Proof**"
        yield ""
        for number, one in enumerate(verdict.evidence, 1):
            name = ""
            if len(files) > 1 and one.sighting.file < len(files):
                name = f" in {code(files[one.sighting.file].path.rpartition('/')[2])}"
            yield f"{number}. packet {one.sighting.frame}{name}: {escaped(one.says)}"
    if verdict.advice:
        yield ""
        yield f"**What to try.** {escaped(verdict.advice)}"


def _when(flow: Flow) -> tuple[str, str]:
    return "started", date_and_clock(flow.started)


def _nats(flow: Flow) -> Iterator[str]:
    rows = []
    for side, evidence, said in (
        ("client", flow.client_nat, flow.client_firewall),
        ("server", flow.server_nat, flow.server_firewall),
    ):
        history = nat_history(flow, client=side == "client")
        if evidence is None or history is None:
            rows.append((side, terms.firewall(said), "–", "no sample in this capture", "–"))
            continue
        deciding = history.deciding
        hits = () if deciding is None else deciding.hits[:4]
        seen = ", ".join(f"{terms.address(address)} ×{count}" for address, count in hits if count) or "–"
        rows.append(
            (side, terms.firewall(said), terms.firewall(evidence.classified), escaped(evidence.rule), escaped(seen))
        )
    yield from table(("side", "stated", "samples say", "by the rule", "seen as"), rows)


def _rounds(flow: Flow) -> Iterator[str]:
    if not flow.rounds:
        yield "No PEER_HOLEPUNCH was sent."
        return
    yield from table(
        ("round", "side", "firewall", "flags", "at", "token", "echo", "relay", "answered after"),
        (row for index in range(len(flow.rounds)) for row in _round(flow, index)),
    )


def _round(flow: Flow, index: int) -> Iterator[tuple[str, ...]]:
    one = flow.rounds[index]
    number = "?" if one.round is None else str(one.round)
    took = "never" if one.answered is None else terms.seconds(one.answered - one.sent)
    again = f", sent {one.retransmissions + 1} times" if one.retransmissions else ""
    stale = " (stale)" if is_stale(flow, index) else ""
    for half in halves(flow, index):
        first = half.side == "client"
        ends = (escaped(terms.address(one.relay)), took + again) if first else ("", "")
        label = f"{number}{stale}" if first else ""
        payload = half.payload
        if payload is None:
            yield (label, half.side, escaped(half.reason or "nothing seen"), "", "", "", "", *ends)
            continue
        flags = [word for word, on in (("punching", payload.punching), ("connected", payload.connected)) if on]
        yield (
            label,
            half.side,
            "–" if payload.error else terms.firewall(payload.firewall),
            f"**{error_name(payload.error)}**" if payload.error else ", ".join(flags) or "–",
            escaped(", ".join(terms.any_port(address) for address in payload.addresses or ()) or "–"),
            _token(flow, index, payload.token, in_reply=not first, echo=False),
            _token(flow, index, payload.remote_token, in_reply=not first, echo=True),
            *ends,
        )


def _token(flow: Flow, index: int, token: bytes | None, *, in_reply: bool, echo: bool) -> str:
    if token is None:
        return "–"
    event = event_at(flow, index, in_reply=in_reply, echo=echo)
    if event is None:
        return "echoed" if echo else "issued"
    return f"{TOKEN_GLYPHS[event.state]} {terms.TOKEN_WORD[event.state]}"


def _candidates(flow: Flow) -> Iterator[str]:
    rows = []
    for one in flow.candidates:
        sent, received = one.sent, one.received
        rows.append(
            (
                "server" if one.of_server else "client",
                escaped(terms.any_port(one.address)),
                ", ".join(one.sources),
                verified_word(flow, one),
                f"{sent.low_ttl} / {sent.normal}" + (f" / {sent.pings} PING" if sent.pings else ""),
                str(received.count) + ("" if received.arrived is None else f", {received.arrived} arrived"),
                f"{STATE_GLYPHS[one.state]} {one.state}" + (f", {one.unproven} unverified" if one.unproven else ""),
            )
        )
    yield from table(
        ("address of", "address", "source", "verified", "sent to it: low TTL / punches", "came from it", "state"), rows
    )


def _ladder(flow: Flow, datagrams: Datagrams, touched: TouchRows | None) -> Iterator[str]:
    ladder = Ladder(plan_ladder(flow, LadderOptions(), touched=touched), LADDER_WIDTH, datagrams)
    for row in (*ladder.header(), *(ladder.row(index) for index in range(len(ladder.plan.rows)))):
        yield text_of((*row.columns, *row.body)).rstrip()


def _versions(files: Sequence[FileSummary], version: str) -> Iterator[str]:
    yield f"- Peephole {escaped(version)}, by the rules of {REFERENCE}"
    for file in files:
        damaged = f", damaged: {escaped(file.truncated)}" if file.truncated else ""
        name = code(file.path.rpartition("/")[2])
        yield f"- {name}: {file.format}, {file.packets} packets, {file.dht_messages} DHT messages{damaged}"
