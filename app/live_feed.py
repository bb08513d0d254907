"""Live packets on their way into a story, and, if wanted, into a file."""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO

from app.exit_status import CommandError, ExitStatus

if TYPE_CHECKING:
    from capture.live import LiveSource
    from capture.pcapng_writer import PcapngWriter


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
    """Moves what was captured into the packet table, and writes the same packets as pcapng."""

    def __init__(self, capture: LiveSource, out: BinaryIO | None = None) -> None:
        self._capture = capture
        self._out = out
        self._written = len(capture.table)
        self._writer: PcapngWriter | None = None
        self._described = 0
        if out is not None:
            from capture.pcapng_writer import PcapngWriter

            self._writer = PcapngWriter(out)

    @property
    def name(self) -> str:
        """What is listened on."""
        return self._capture.file.path

    @property
    def dropped(self) -> int:
        """Packets that were lost before they could be read."""
        return self._capture.file.dropped or 0

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

    def finish(self) -> None:
        """End capturing and take in the last packets.

        Raises:
            CommandError: the file can't be written any more.
        """
        self._capture.stop()
        self._write()

    def _write(self) -> None:
        rows = range(self._written, len(self._capture.table))
        self._written = rows.stop
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
                self._writer.add_packet(frame.interface, frame.time_ns, frame.data, frame.wire_length)
            self._out.flush()
        except OSError as error:
            raise CommandError(ExitStatus.USAGE, f"{self._out.name} can't be written: {error.strerror}") from error
