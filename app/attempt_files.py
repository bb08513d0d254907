"""One attempt in any of its forms, and the file it goes to: for the command and the inspector alike."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from stat import S_ISREG
from typing import TYPE_CHECKING, BinaryIO, Final, Protocol

from app.draw.ladder import Datagrams
from app.touched_packets import TouchedPackets
from capture.model import FileSummary, Flow, Sighting
from capture.notes import NO_NOTES, Notes

if TYPE_CHECKING:
    from capture.keylog import Secret
    from capture.masking.story import MaskedStory
    from capture.story import Story
    from capture.table import PacketTable

WITH_SECRETS: Final = ("json", "pcapng", "recording")
"""Forms that can hold secrets."""
TOGETHER: Final = ("pcapng", "recording")
"""Forms that hold packets: any number of attempts in one file."""
ORDINARY_MODE: Final = 0o666
SECRET_MODE: Final = 0o600


class Source(Datagrams, Protocol):
    """What an attempt was read from."""

    @property
    def files(self) -> Sequence[FileSummary]:
        """Counts of each file or live source."""
        ...

    @property
    def table(self) -> PacketTable:
        """The packets."""
        ...

    def payload(self, sighting: Sighting) -> bytes:
        """UDP payload of a datagram."""
        ...


def attempt_content(
    form: str,
    flow: Flow,
    source: Source,
    *,
    secrets: bool = False,
    width: int | None = None,
    round_index: int | None = None,
    notes: Notes = NO_NOTES,
    names: Mapping[str, str] | None = None,
) -> bytes:
    """The attempt in a form.

    Args:
        form: one of `app.options.EXPORT_FORMATS`.
        flow: the attempt.
        source: what it was read from.
        secrets: whether to give its secrets away; only forms `WITH_SECRETS` have a place for them.
        width: cells of a line, for text.
        round_index: of the only round to draw, for Mermaid.
        notes: what the user says of it and its packets.
        names: of addresses and keys, for recordings.

    Raises:
        ValueError: there is no such form, or it can't hold secrets.
    """
    if secrets and form not in WITH_SECRETS:
        raise ValueError(f"{form} has no place for secrets")
    match form:
        case "mermaid" if round_index is not None:
            from app.export_mermaid import mermaid_round

            return mermaid_round(flow, round_index, source.last_time).encode()
        case "text" | "mermaid" | "svg":
            return ladder_content(form, flow, source, width=width)
        case "json":
            from app.export_json import json_export

            return json_export(flow, source.files, secrets=secrets).encode()
        case "markdown":
            from app.report_markdown import markdown_report
            from app.versions import version

            remarks = notes.on_attempt(flow.id).splitlines()
            touched = TouchedPackets(lambda: source).rows
            report = markdown_report(flow, source.files, source, version=version(), notes=remarks, touched=touched)
            return report.encode()
        case _ if form in TOGETHER:
            return packets_content(form, (flow,), source, secrets=secrets, notes=notes, names=names)
        case _:
            raise ValueError(f"no form {form}")


def ladder_content(form: str, flows: Flow | Sequence[Flow], source: Source, *, width: int | None = None) -> bytes:
    """The ladder of one attempt, or one ladder of several, in a form.

    Args:
        form: "text", "mermaid" or "svg".
        flows: the attempts.
        source: what they were read from.
        width: cells of a line, for text.

    Raises:
        ValueError: the form draws no ladder.
    """
    match form:
        case "text":
            from app.export_text import DEFAULT_WIDTH, text_export

            touched = TouchedPackets(lambda: source).rows
            return text_export(flows, source.files, source, width or DEFAULT_WIDTH, touched).encode()
        case "mermaid":
            from app.export_mermaid import mermaid_attempt

            return mermaid_attempt(flows, source.last_time, TouchedPackets(lambda: source).rows).encode()
        case "svg":
            from app.draw.vantage_marks import Vantages
            from app.export_svg import svg_export

            vantages = Vantages(source.files, source.sightings)
            touched = TouchedPackets(lambda: source).rows
            return svg_export(flows, now=source.last_time, vantages=vantages, touched=touched).encode()
        case _:
            raise ValueError(f"{form} draws no ladder")


def packets_content(
    form: str,
    flows: Sequence[Flow],
    source: Source,
    *,
    secrets: bool = False,
    notes: Notes = NO_NOTES,
    names: Mapping[str, str] | None = None,
) -> bytes:
    """The packets of attempts in one file.

    Args:
        form: one of `TOGETHER`.
        flows: the attempts.
        source: what they were read from.
        secrets: whether to give their secrets away.
        notes: what the user says of them and of their packets.
        names: of addresses and keys; only recordings have a place for them.
    """
    lines = [line for flow in flows for line in opening_lines(flow, source)]
    if form == "pcapng":
        from app.export_pcapng import pcapng_export

        return pcapng_export(source.table, flows, secrets=secrets, notes=notes, lines=lines)
    from app.export_recording import recording_export

    return recording_export(source.table, flows, secrets=secrets, notes=notes, names=names, lines=lines)


def opening_lines(flow: Flow, source: Source) -> tuple[Secret, ...]:
    """Key log lines that open a masked attempt; no secrets, as what they open is nobody's. None of any other."""
    from capture.masking.story import MaskedStory
    from capture.masking.values import MaskedFlow

    if isinstance(source, MaskedStory) and isinstance(flow, MaskedFlow):
        return source.masking.attempt(flow.original).secrets
    return ()


def masked_source(
    story: Story, notes: Notes, *, phrase: str | None = None, ports: bool = False
) -> tuple[MaskedStory, Notes]:
    """A story behind a mask, and notes on it: their texts masked, attempts under the ids they have there.

    Args:
        story: what is masked.
        notes: what the user says of it.
        phrase: other runs with it mask alike; None is a mask that nobody can repeat.
        ports: whether to mask ports too.
    """
    from capture.masking.mask import Mask
    from capture.masking.story import MaskedStory

    behind = MaskedStory(story, Mask(phrase, ports=ports))
    return behind, behind.notes_behind(notes)


def write_attempt(path: str | os.PathLike[str], content: bytes, *, secret: bool = False, new: bool = False) -> None:
    """Write a file; one with secrets is for its owner alone, whoever could read it before.

    Args:
        path: where to.
        content: all of it.
        secret: whether secrets are in it.
        new: never write over a file that is there.

    Raises:
        OSError: it can't be written; FileExistsError if `new` and it is there.
        ValueError: no path can look like this.
    """
    flags = os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC | (os.O_EXCL if new else 0)
    descriptor = os.open(path, flags, SECRET_MODE if secret else ORDINARY_MODE)
    with os.fdopen(descriptor, "wb") as file:
        _fill(file, content, secret=secret)


def _fill(file: BinaryIO, content: bytes, *, secret: bool) -> None:
    """Narrow the mode before the first secret byte is in the file. Pipes and devices keep theirs."""
    if S_ISREG(os.fstat(file.fileno()).st_mode):
        if secret:
            os.fchmod(file.fileno(), SECRET_MODE)
        file.truncate(0)
    file.write(content)
