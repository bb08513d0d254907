"""What is known of one capture file, or live source, as a whole."""

from __future__ import annotations

from typing import TYPE_CHECKING

from capture.frames import Interface
from capture.knowledge import Knowledge

if TYPE_CHECKING:
    from capture.clock_jumps import Jump
    from capture.said import Said
    from capture.touches import Touches


class CaptureFile:
    """Counts and findings of one source; filled while it is read.

    Attributes:
        path: as the user named it; ``-`` is standard input.
        format: ``pcap``, ``pcapng`` or ``live``.
        interfaces: where it was captured.
        jumps: of its clock, while it was captured; the newest.
        packets: frames of any protocol.
        udp: rows of the table.
        dht_messages: requests and responses of dht-rpc, copies included.
        undecodable: datagrams that begin as one of ours and are not well-formed.
        duplicates: rows that show a datagram of another row of this file again.
        not_udp: frames with something else than UDP over IPv4 or IPv6.
        malformed: frames whose IP or UDP header is cut short or contradicts itself.
        fragments: frames with pieces of fragmented datagrams, other than the piece that completed one.
        fragments_pending: fragmented datagrams of which pieces are missing.
        truncated: where and why reading stopped before the end, with the byte offset; or None.
        stopped: whether somebody had enough of it before it was read to its end.
        clock_offset_ns: by how much this source's clock was ahead of the first one's at its first packet; taken off its
            times.
        clock_drift: what it gains on the first one's in a second, in seconds, on the whole.
        clock_uncertainty_ns: by how much that may be wrong either way; None: not known.
        clock_given: whether the user said it.
        secrets: data of decryption secrets blocks: key log text.
        notes: other things worth telling, one sentence each.
        overflowed: how many of the dropped ones our own queue had no room for.
        dropped: frames that were lost before they could be captured or read; None where nothing counts them.
        udx: datagrams with a UDX header, copies included.
        punches: datagrams that punch, copies included.
        unreadable: frames of link types that can't be read, by link type.
        firsts: number of the first frame of some kinds that have no row: ``malformed``, ``unreadable``, ``fragment``.
        knowledge: translations that its packets prove.
        public_keys: servers' keys that the file gives, as recordings may.
        said: what people say of its packets, in the file itself; None where nobody does.
        touches: what a node of ours did to its packets; None where nothing was done.
    """

    __slots__ = (
        "clock_drift",
        "clock_given",
        "clock_offset_ns",
        "clock_uncertainty_ns",
        "dht_messages",
        "dropped",
        "duplicates",
        "firsts",
        "format",
        "fragments",
        "fragments_pending",
        "interfaces",
        "jumps",
        "knowledge",
        "malformed",
        "not_udp",
        "notes",
        "overflowed",
        "packets",
        "path",
        "public_keys",
        "punches",
        "said",
        "secrets",
        "stopped",
        "touches",
        "truncated",
        "udp",
        "udx",
        "undecodable",
        "unreadable",
    )

    def __init__(self, path: str, format: str, interfaces: list[Interface]) -> None:
        self.path = path
        self.format = format
        self.interfaces = interfaces
        self.packets = self.udp = self.dht_messages = self.undecodable = self.duplicates = 0
        self.not_udp = self.malformed = self.fragments = self.fragments_pending = 0
        self.truncated: str | None = None
        self.stopped = False
        self.clock_offset_ns = 0
        self.clock_uncertainty_ns: int | None = None
        self.clock_given = False
        self.clock_drift = 0.0
        self.secrets: list[bytes] = []
        self.notes: list[str] = []
        self.dropped: int | None = None
        self.overflowed = 0
        self.udx = self.punches = 0
        self.unreadable: dict[int, int] = {}
        self.firsts: dict[str, int] = {}
        self.jumps: tuple[Jump, ...] = ()
        self.knowledge = Knowledge()
        self.public_keys: list[bytes] = []
        self.said: Said | None = None
        self.touches: Touches | None = None

    @property
    def linktypes(self) -> list[int]:
        """Link types of its interfaces, each once, in order."""
        return list(dict.fromkeys(interface.linktype for interface in self.interfaces))
