"""Live packets on their way into a story, and, if wanted, into files."""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO

from app.cli import complain
from app.exit_status import CommandError, ExitStatus
from app.live_recording import LiveRecorder
from app.live_touches import LiveTouches
from app.wording import counted

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from capture.live import LiveSource
    from capture.model import Flow
    from capture.notes import Notes
    from capture.pcapng_writer import PcapngWriter
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
        out: BinaryIO | None = None,
        retention: Retention | None = None,
        record: BinaryIO | None = None,
    ) -> None:
        """Begin with what comes from now on.

        Args:
            capture: where packets come from.
            out: where they are written, too.
            retention: keeps them within a bound; whoever lets the story grow sees to it.
            record: where they are recorded, with what the user says of them.
        """
        self.recorder = None if record is None else LiveRecorder(record, capture)
        self.retention = retention
        if retention is not None:
            retention.on_adopted.append(self._renumbered)
        self._capture = capture
        self._out = out
        self._written = len(capture.table)
        self._writer: PcapngWriter | None = None
        self._described = self._count = 0
        if out is not None:
            from capture.pcapng_writer import PcapngWriter

            self._writer = PcapngWriter(out)
            self._touches = LiveTouches(capture.file)

    @property
    def name(self) -> str:
        """What is listened on."""
        return self._capture.file.path

    @property
    def dropped(self) -> int:
        """Packets that were lost before they could be read."""
        return self._capture.file.dropped or 0

    @property
    def ended(self) -> bool:
        """Whether nothing more can come."""
        return self._capture.error is not None

    def poll(self) -> None:
        """Take in what has arrived.

        Raises:
            LiveError: capturing has ended by itself.
            CommandError: the file can't be written any more.
        """
        self._capture.collect()
        self._write()
        if self._capture.error is not None:
            raise self._capture.error

    def take_notes(self, notes: Notes, names: Mapping[str, str]) -> None:
        """Put what the user says into the recording, if one is written.

        Raises:
            CommandError: it can't be written any more.
        """
        if self.recorder is not None:
            try:
                self.recorder.say(notes, names)
            except OSError as error:
                raise _unwritable(self.recorder.path, error) from error

    def let_go(self, wanted: Callable[[Flow], bool]) -> None:
        """Keep within the bound, if there is one.

        Args:
            wanted: which attempts to keep though they are old.
        """
        if self.retention is not None:
            self.retention.step(wanted)

    def tell_losses(self) -> None:
        """Say on standard error what is not there."""
        if self.dropped:
            complain(f"{self.dropped} packets came too fast and are missing")
        gone = None if self.retention is None else self.retention.let_go
        if gone is not None and gone.packets:
            attempts = counted(gone.attempts, "attempt")
            complain(f"{attempts} and {counted(gone.packets, 'packet')} were let go to stay within --keep")

    def finish(self) -> None:
        """End capturing and take in the last packets.

        Raises:
            CommandError: the file can't be written any more.
        """
        self._capture.stop()
        self._write()
        if self._out is not None:
            try:
                self._touches.write_rest(self._out)
                self._out.flush()
            except OSError as error:
                raise _unwritable(self._out.name, error) from error
        if self.recorder is not None:
            try:
                self.recorder.finish()
            except OSError as error:
                raise _unwritable(self.recorder.path, error) from error

    def _renumbered(self) -> None:
        """Whatever is in the table was written."""
        self._written = len(self._capture.table)

    def _write(self) -> None:
        rows = range(self._written, len(self._capture.table))
        self._written = rows.stop
        if self.recorder is not None and rows:
            try:
                self.recorder.add(rows)
            except OSError as error:
                raise _unwritable(self.recorder.path, error) from error
        if self._writer is None or self._out is None or not rows:
            return
        from capture.frame_rows import frames_of

        interfaces = self._capture.file.interfaces
        try:
            # A source that is fed by many hosts may come to have more interfaces.
            for interface in interfaces[self._described :]:
                self._writer.add_interface(interface.linktype, interface.name, comment=interface.comment)
                self._described += 1
            for frame in frames_of(self._capture.table, rows):
                self._count += 1
                number = int(self._capture.table.frame[frame.row])
                comments = self._touches.comments(number, self._count)
                self._writer.add_packet(
                    frame.interface, frame.time_ns, frame.data, frame.wire_length, comments, frame.direction
                )
            self._out.flush()
        except OSError as error:
            raise _unwritable(self._out.name, error) from error


def _unwritable(path: str, error: OSError) -> CommandError:
    return CommandError(ExitStatus.USAGE, f"{path} can't be written: {error.strerror or error}")
