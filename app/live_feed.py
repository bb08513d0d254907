"""Live packets on their way into a story, and, if wanted, into files."""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO

from app.cli import complain
from app.exit_status import CommandError, ExitStatus
from app.live_recording import LiveRecorder
from app.live_saving import LiveSaving
from app.wording import counted, grouped
from capture.clock_jumps import NOTED
from capture.losses import LIVE, Losses, losses_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from capture.disk_ring.ring import DiskRing
    from capture.live import LiveSource
    from capture.model import Flow
    from capture.notes import Notes
    from capture.retention import Retention


def created(path: str) -> BinaryIO:
    """A new file to save packets in.

    Raises:
        CommandError: it can't be written.
    """
    try:
        return open(path, "wb")
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise CommandError(ExitStatus.USAGE, f"{path} can't be written: {reason}") from None


class LiveFeed:
    """Moves what was captured into the packet table, and writes the same packets as pcapng and as a recording."""

    def __init__(
        self,
        capture: LiveSource,
        out: DiskRing | None = None,
        retention: Retention | None = None,
        record: BinaryIO | None = None,
    ) -> None:
        """Begin with what is in the table.

        Args:
            capture: where packets come from.
            out: where they are written, too; ended by `finish`.
            retention: keeps them within a bound; whoever lets the story grow sees to it.
            record: where they are recorded, with what the user says of them.

        Raises:
            CommandError: one of the files takes nothing from the start.
        """
        self.recorder = None if record is None else LiveRecorder(record, capture)
        self.saving = None if out is None else LiveSaving(out, capture)
        self.retention = retention
        if retention is not None:
            retention.on_adopted.append(self._renumbered)
        from capture.several.sources import SeveralSources

        self._capture = capture
        self._several = capture if isinstance(capture, SeveralSources) else None
        self._written = 0
        self._noted = 0
        self._told_trouble = ""

    @property
    def name(self) -> str:
        """What is listened on."""
        return self._capture.file.path

    @property
    def way(self) -> str:
        """How packets come here, in a word or two."""
        return self._capture.way

    @property
    def promiscuous(self) -> bool | None:
        """Whether frames for other hosts are taken too; None where nothing tells."""
        return self._capture.promiscuous

    @property
    def dropped(self) -> int:
        """Packets that were lost before they could be read."""
        return self.losses.dropped

    @property
    def losses(self) -> Losses:
        """What is not there, or not understood, by what is to blame."""
        gone = 0 if self.retention is None else self.retention.let_go.packets
        saving, recorder = self.saving, self.recorder
        return losses_of(
            self._capture.table.files,
            let_go=gone,
            unwritten=0 if saving is None else saving.lost,
            unrecorded=0 if recorder is None else recorder.lost,
        )

    @property
    def troubles(self) -> tuple[str, ...]:
        """What is wrong now with the files that are written, and with the source, one sentence each."""
        wrong = [one.trouble for one in (self.saving, self.recorder) if one is not None and one.trouble]
        wrong += [self._source_trouble] if self._source_trouble else []
        return tuple(wrong) if self._several is None else (*wrong, *self._several.troubles)

    @property
    def _source_trouble(self) -> str:
        """What is wrong now with a source that mends it by itself."""
        trouble: str = getattr(self._capture, "trouble", "")
        return trouble

    @property
    def stopped(self) -> str:
        """Why nothing comes until `start_again`; empty while something may."""
        reason: str = getattr(self._capture, "stopped", "")
        return reason

    def start_again(self) -> None:
        """Have what captures started again; it may ask something on the terminal first.

        Raises:
            CaptureError: it can't be started.
            CommandError: the same.
        """
        start_again: Callable[[], None] | None = getattr(self._capture, "start_again", None)
        if start_again is not None:
            start_again()

    @property
    def ended(self) -> bool:
        """Whether nothing more can come."""
        return self._capture.error is not None

    def poll(self) -> None:
        """Take in what has arrived. Files that can't be written any more end nothing: see `troubles`.

        Raises:
            LiveError: capturing has ended by itself.
        """
        self._capture.collect()
        self._write()
        if self._capture.error is not None:
            raise self._capture.error

    def give_clock(self, number: int, seconds: float | None) -> bool:
        """Say by how much the clock of one of several sources is ahead of the first one's; None: it is estimated.

        Returns:
            Whether there are several.
        """
        if self._several is None:
            return False
        self._several.give(number, seconds)
        return True

    def take_notes(self, notes: Notes, names: Mapping[str, str]) -> None:
        """Put what the user says into the recording, if one is written."""
        if self.recorder is not None:
            self.recorder.say(notes, names)

    def let_go(self, wanted: Callable[[Flow], bool]) -> None:
        """Keep within the bound, if there is one.

        Args:
            wanted: which attempts to keep though they are old.
        """
        if self.retention is not None:
            self.retention.step(wanted)

    def tell_changes(self) -> None:
        """Say on standard error what has happened to files and interfaces since the last call."""
        trouble = self._source_trouble
        if trouble != self._told_trouble:
            complain(trouble or f"{self.name}: connected again")
            self._told_trouble = trouble
        # Only those of interfaces are said once and for all: a note on a stream may count on.
        gone = [note for file in self._capture.table.files if file.format == LIVE for note in file.notes]
        for note in gone[self._noted :]:
            complain(note)
        self._noted = len(gone)
        for end in () if self._several is None else self._several.take_told():
            complain(end)
        for writing in (self.saving, self.recorder):
            for change in () if writing is None else writing.changes():
                complain(change)

    def tell_losses(self) -> None:
        """Say on standard error what is not there."""
        self.tell_changes()
        for loss in self.losses:
            if loss.cause == "let_go" and self.retention is not None:
                attempts = counted(self.retention.let_go.attempts, "attempt")
                complain(f"{attempts} and {counted(loss.number, 'packet')} were let go to stay within --keep")
                verdicts = sorted(self.retention.ledger.verdicts.items(), key=lambda one: -one[1])
                if verdicts:
                    each = ", ".join(f"{grouped(count)} {code}" for code, count in verdicts)
                    complain(f"of these attempts: {each}")
            else:
                complain(loss.line)
        for line in () if self.saving is None else self.saving.remarks():
            complain(line)
        remarks: list[str] = getattr(self._capture, "remarks", [])
        for line in remarks:
            complain(line)
        for file in self._capture.table.files:
            if file.truncated:
                complain(f"{file.path}: {file.truncated}")
            # Those of interfaces here were said when they happened.
            for jump in file.jumps[:NOTED] if file.format != LIVE else ():
                complain(f"{file.path}: {jump.says}")

    def finish(self) -> None:
        """End capturing, take in the last packets, and end the files."""
        self._capture.stop()
        self._write()
        if self.saving is not None:
            self.saving.finish()
        if self.recorder is not None:
            self.recorder.finish()

    def _renumbered(self) -> None:
        """Whatever is in the table was written."""
        self._written = len(self._capture.table)

    def _write(self) -> None:
        rows = range(self._written, len(self._capture.table))
        self._written = rows.stop
        if rows:
            for writing in (self.recorder, self.saving):
                if writing is not None:
                    writing.write(rows)
