"""An attempt as Markdown, to be pasted into a bug thread: what it is, why it ended so, and the ladder as text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from app.draw import terms
from app.draw.ladder import Datagrams
from app.export_text import DEFAULT_WIDTH, text_export
from app.terminal_text import safe_text
from app.wording import date_and_clock
from capture.model import FileSummary, Flow
from capture.notes import NO_NOTES, Notes

_SPECIAL = "\\`*_{}[]<>|#!"


def markdown_export(
    flow: Flow, files: Sequence[FileSummary], datagrams: Datagrams, *, notes: Notes = NO_NOTES, width: int | None = None
) -> str:
    """The attempt as a Markdown document.

    Args:
        flow: the attempt.
        files: what it was read from.
        datagrams: the story, asked about single datagrams.
        notes: what the user says of it.
        width: cells of a line of the ladder.
    """
    text = text_export(flow, files, datagrams, width or DEFAULT_WIDTH)
    fence = "`" * (max(3, _longest_run(text) + 1))
    return "\n".join([*_head(flow, files, notes), f"{fence}text", text.rstrip("\n"), fence]) + "\n"


def _head(flow: Flow, files: Sequence[FileSummary], notes: Notes) -> Iterator[str]:
    yield f"## Hole-punch attempt {flow.id}: {_plain(terms.state(flow))}"
    yield ""
    yield _plain(flow.verdict.summary)
    yield ""
    comment = notes.on_attempt(flow.id)
    for line in comment.splitlines():
        yield f"> {_plain(line)}"
    if comment:
        yield ""
    yield "| | |"
    yield "|---|---|"
    client, _ = terms.nat_class(flow.client_firewall, flow.client_nat)
    server, _ = terms.nat_class(flow.server_firewall, flow.server_nat)
    rows = (
        ("started", date_and_clock(flow.started)),
        ("took", terms.seconds(flow.duration)),
        ("verdict", f"{flow.verdict.code}{' (likely)' if flow.verdict.inferred else ''}"),
        ("path", terms.path(flow.path)),
        ("client", f"{terms.address(flow.client)}, NAT {client}"),
        ("server", f"{terms.address(flow.server)}, NAT {server}"),
        ("relays", ", ".join(map(terms.address, flow.relays)) or "none"),
        ("target", flow.target.hex()),
        ("application sees", flow.verdict.application_error or "not known"),
        ("from", ", ".join(file.path for file in files)),
    )
    for name, value in rows:
        yield f"| {name} | {_plain(value)} |"
    yield ""
    yield "What shows it:"
    yield ""
    for number, evidence in enumerate(flow.verdict.evidence, 1):
        sighting = evidence.sighting
        where = f" of {_plain(files[sighting.file].path)}" if len(files) > 1 else ""
        said = notes.on(sighting)
        more = f" ({_plain(said.replace(chr(10), ' '))})" if said else ""
        yield f"{number}. {_plain(evidence.says)}: packet {sighting.frame}{where}{more}"
    yield ""
    yield f"Advice: {_plain(flow.verdict.advice)}"
    yield ""


def _plain(text: str) -> str:
    """Text that Markdown shows as it is."""
    return "".join(f"\\{character}" if character in _SPECIAL else character for character in safe_text(text))


def _longest_run(text: str) -> int:
    longest = run = 0
    for character in text:
        run = run + 1 if character == "`" else 0
        longest = max(longest, run)
    return longest
