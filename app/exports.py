"""Writing attempts of a session to files: what is meant, which files that makes, and what was done."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from app import names
from app.attempt_files import TOGETHER, attempt_content, ladder_content, packets_content, write_attempt
from app.terminal_text import safe_text
from capture.notes import Notes

if TYPE_CHECKING:
    from app.tui.story_view import StoryView
    from capture.masking.mask import Mask
    from capture.model import Flow, Sighting

ENDINGS: Final = {
    "pcapng": "pcapng",
    "recording": "peephole",
    "json": "json",
    "text": "txt",
    "markdown": "md",
    "svg": "svg",
    "mermaid": "mmd",
}
FORMS: Final = tuple(ENDINGS)
_MESSAGE_FORMS: Final = ("pcapng", "recording", "text")
_LADDER_FORMS: Final = ("text", "svg", "mermaid", *TOGETHER)
_NAMED: Final = 3
"""Files that are named one by one when they were written."""


class Scope(Enum):
    """What is written; the value says it on screen."""

    ATTEMPT = "this attempt"
    MARKED = "the marked attempts"
    SHOWN = "all attempts shown"
    TOGETHER = "the attempts of this ladder, in one"
    MESSAGE = "this packet"

    @property
    def noun(self) -> str:
        """What it is counted in."""
        return "packet" if self is Scope.MESSAGE else "attempt"


def forms_of(scope: Scope) -> tuple[str, ...]:
    """The forms that a scope can be written in."""
    if scope is Scope.TOGETHER:
        return _LADDER_FORMS
    return _MESSAGE_FORMS if scope is Scope.MESSAGE else FORMS


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be written."""

    scope: Scope
    form: str
    redacted: bool
    secrets: bool
    given: str
    """A name of the user's; empty for one that is made up."""
    folder: Path
    stem: str
    name: str = ""
    """The file name; of several files, what stands before their ids."""

    def named(self) -> Wanted:
        """The same with a name that fits: the user's, or one that is free."""
        ending, given = ENDINGS[self.form], self.given.strip()
        if not given:
            return replace(self, name=_free(self.folder, self._stem, ending))
        path = Path(given)
        known = path.suffix.removeprefix(".") in ENDINGS.values()
        return replace(self, name=str(path.with_suffix(f".{ending}") if known else path))

    @property
    def _stem(self) -> str:
        stem = self.stem if self.scope in (Scope.ATTEMPT, Scope.MESSAGE) else "peephole-attempts"
        stem = "peephole-masked" if self.redacted else stem
        return f"{stem}-packet" if self.scope is Scope.MESSAGE else stem

    @property
    def path(self) -> Path:
        """The file."""
        return self.folder / Path(self.name).expanduser()


class _File(NamedTuple):
    path: Path
    make: Callable[[], bytes]


class Subject:
    """What can be written of a session at one moment.

    Args:
        story: as it is, without a mask.
        flows: attempts by scope, as the story has them.
        notes: marks and comments.
        packet: the selected packet, if there is one.
        packet_text: its text, from a source.
        mask: what stands for what on screen, if anything is masked there.
    """

    def __init__(
        self,
        story: StoryView,
        flows: Mapping[Scope, Sequence[Flow]],
        notes: Notes,
        packet: Sighting | None = None,
        packet_text: Callable[[StoryView], str] | None = None,
        mask: Mask | None = None,
    ) -> None:
        self._story = story
        self._flows = {scope: some for scope, some in flows.items() if some}
        self._notes = notes
        self._packet = packet
        self._packet_text = packet_text
        self._mask = mask

    @property
    def stem(self) -> str:
        """Beginning of a file name."""
        (flow, *_) = next(iter(self._flows.values()))
        return f"peephole-{flow.id}"

    def counts(self) -> dict[Scope, int]:
        """How many each scope has; scopes without any are left out."""
        found = {scope: len(flows) for scope, flows in self._flows.items()}
        if self._packet is not None and self._packet_text is not None:
            found[Scope.MESSAGE] = 1
        return found

    def several(self, wanted: Wanted) -> bool:
        """Whether it takes a file for each attempt."""
        if wanted.scope is Scope.TOGETHER or wanted.form in TOGETHER:
            return False
        return len(self._flows.get(wanted.scope, ())) > 1

    def paths(self, wanted: Wanted) -> list[Path]:
        """The files that it takes."""
        if not self.several(wanted):
            return [wanted.path]
        path = wanted.path
        # Ids of masked attempts are not those of the originals: such files are numbered.
        flows = self._flows[wanted.scope]
        tags = [str(number) if wanted.redacted else flow.id for number, flow in enumerate(flows, 1)]
        return [path.with_name(f"{path.stem}-{tag}{path.suffix}") for tag in tags]

    def write(self, wanted: Wanted, *, over: bool = False) -> str:
        """Write the files; say what was done.

        Args:
            wanted: what to write.
            over: whether files that are there may be written over.
        """
        written: list[Path] = []
        try:
            for path, content in self._contents(wanted):
                write_attempt(path, content, secret=wanted.secrets, new=not over)
                written.append(path)
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
            path = self.paths(wanted)[min(len(written), len(self.paths(wanted)) - 1)]
            done = f"; {len(written)} files were written before" if written else ""
            return safe_text(f"{path} can't be written: {reason}{done}")
        shown = ", ".join(path.name for path in written[:_NAMED])
        more = f" and {len(written) - _NAMED} more" if len(written) > _NAMED else ""
        masked = ", masked" if wanted.redacted else ""
        secret = ", with secrets (mode 0600)" if wanted.secrets else ""
        return safe_text(f"{wanted.form}{masked}{secret}: wrote {shown}{more} in {wanted.path.parent.resolve()}")

    def _contents(self, wanted: Wanted) -> Iterator[tuple[Path, bytes]]:
        source: StoryView = self._story
        flows = self._flows.get(wanted.scope, ())
        notes, entries = self._notes, dict(names.chosen().entries)
        if wanted.redacted:
            from capture.masking.mask import Mask
            from capture.masking.story import MaskedStory

            behind = MaskedStory(self._story, self._mask or Mask())
            source, notes, entries = behind, behind.notes_behind(notes), {}
            flows = [behind.masking.flow(flow) for flow in flows]
        paths = self.paths(wanted)
        if wanted.scope is Scope.MESSAGE:
            yield paths[0], self._message(wanted, source, notes)
        elif wanted.form in TOGETHER:
            yield (
                paths[0],
                packets_content(wanted.form, flows, source, secrets=wanted.secrets, notes=notes, names=entries),
            )
        elif wanted.scope is Scope.TOGETHER:
            yield paths[0], ladder_content(wanted.form, flows, source)
        else:
            for path, flow in zip(paths, flows, strict=True):
                yield path, attempt_content(wanted.form, flow, source, secrets=wanted.secrets, notes=notes)

    def _message(self, wanted: Wanted, source: StoryView, notes: Notes) -> bytes:
        import io

        packet = self._packet
        assert packet is not None
        assert self._packet_text is not None
        if wanted.form == "text":
            return self._packet_text(source).encode()
        out = io.BytesIO()
        said = notes.on(packet)
        if wanted.form == "pcapng":
            from capture.pcapng_comments import shown_comment
            from capture.pcapng_writer import write_pcapng

            comments = {packet.row: shown_comment(said)} if said else {}
            write_pcapng(out, source.table, [packet.row], comments=comments)
        else:
            from capture.notes import packet_id
            from capture.recording.writing import write_recording

            write_recording(out, source.table, [packet.row], notes=notes.about((), [packet_id(packet)]))
        return out.getvalue()


def targets_of(subject: Subject, wanted: Wanted) -> list[Path]:
    """The files that writing takes."""
    return subject.paths(wanted)


def _free(folder: Path, stem: str, ending: str) -> str:
    """A name that is not taken yet."""
    name, number = f"{stem}.{ending}", 2
    while (folder / name).exists():
        name = f"{stem}-{number}.{ending}"
        number += 1
    return name
