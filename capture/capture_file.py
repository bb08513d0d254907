"""What is known of one capture file, or live source, as a whole."""

from __future__ import annotations

from dataclasses import dataclass, field

from capture.frames import Interface
from capture.knowledge import Knowledge


@dataclass(slots=True)
class CaptureFile:
    """Counts and findings of one source; filled while it is read."""

    path: str
    """As the user named it; ``-`` is standard input."""
    format: str
    """``pcap``, ``pcapng`` or ``live``."""
    packets: int = 0
    """Frames of any protocol."""
    udp: int = 0
    """Rows of the table."""
    dht_messages: int = 0
    """Requests and responses of dht-rpc, copies included."""
    undecodable: int = 0
    """Datagrams that begin as one of ours and are not well-formed."""
    duplicates: int = 0
    """Rows that show a datagram of another row of this file again."""
    not_udp: int = 0
    """Frames with something else than UDP over IPv4 or IPv6."""
    malformed: int = 0
    """Frames whose IP or UDP header is cut short or contradicts itself."""
    fragments: int = 0
    """Frames with pieces of fragmented datagrams, other than the piece that completed one."""
    fragments_pending: int = 0
    """Fragmented datagrams of which pieces are missing."""
    truncated: str | None = None
    """Where and why reading stopped before the end, with the byte offset."""
    clock_offset_ns: int = 0
    """By how much this source's clock is ahead of the first one's; taken off its times."""
    interfaces: list[Interface] = field(default_factory=list)
    secrets: list[bytes] = field(default_factory=list)
    """Data of decryption secrets blocks: key log text."""
    notes: list[str] = field(default_factory=list)
    """Other things worth telling, one sentence each."""
    knowledge: Knowledge = field(default_factory=Knowledge, repr=False)
    """Translations that its packets prove."""
    dropped: int = 0
    """Frames that the kernel had no room for (live sources)."""

    @property
    def linktypes(self) -> list[int]:
        """Link types of its interfaces, each once, in order."""
        return list(dict.fromkeys(interface.linktype for interface in self.interfaces))
