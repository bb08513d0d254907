"""What the user says of a capture: marks and comments, on attempts and on packets.

`Notes` is a value; every change gives a new one. A packet is named by its file and frame number, which a `Sighting` of
it has, so that notes outlive the reordering of rows; an attempt by its id. Comments are raw text: whoever shows one
escapes it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Final, NamedTuple, TypeVar

from capture.flow import Sighting

LONGEST_COMMENT: Final = 4096
"""Characters of a comment that are kept."""

K = TypeVar("K")


class PacketId(NamedTuple):
    """A packet: index of its file and number of its frame there, from 1."""

    file: int
    frame: int


def packet_id(packet: Sighting | PacketId) -> PacketId:
    """The name of a packet."""
    return PacketId(packet.file, packet.frame)


def _nothing() -> Mapping[str, str]:
    return MappingProxyType({})


def _no_packets() -> Mapping[PacketId, str]:
    return MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Notes:
    """Marks and comments on one session."""

    attempts: frozenset[str] = frozenset()
    """Ids of the marked attempts."""
    packets: frozenset[PacketId] = frozenset()
    """The marked packets."""
    attempt_comments: Mapping[str, str] = field(default_factory=_nothing)
    """By the attempt's id."""
    packet_comments: Mapping[PacketId, str] = field(default_factory=_no_packets)

    def __bool__(self) -> bool:
        return bool(self.attempts or self.packets or self.attempt_comments or self.packet_comments)

    def marks_attempt(self, attempt: str) -> bool:
        """Whether an attempt is marked."""
        return attempt in self.attempts

    def marks(self, packet: Sighting | PacketId | None) -> bool:
        """Whether a packet is marked."""
        return packet is not None and bool(self.packets) and packet_id(packet) in self.packets

    def on_attempt(self, attempt: str) -> str:
        """The comment on an attempt; empty if there is none."""
        return self.attempt_comments.get(attempt, "")

    def on(self, packet: Sighting | PacketId | None) -> str:
        """The comment on a packet; empty if there is none."""
        if packet is None or not self.packet_comments:
            return ""
        return self.packet_comments.get(packet_id(packet), "")

    def with_attempt_mark(self, attempt: str, wanted: bool | None = None) -> Notes:
        """An attempt marked or not; None turns it round."""
        return replace(self, attempts=_turned(self.attempts, attempt, wanted))

    def with_mark(self, packet: Sighting | PacketId, wanted: bool | None = None) -> Notes:
        """A packet marked or not; None turns it round."""
        return replace(self, packets=_turned(self.packets, packet_id(packet), wanted))

    def without_marks(self) -> Notes:
        """Nothing marked any more; comments stay."""
        return replace(self, attempts=frozenset(), packets=frozenset())

    def with_attempt_comment(self, attempt: str, text: str) -> Notes:
        """Another comment on an attempt; an empty one takes it away."""
        return replace(self, attempt_comments=_commented(self.attempt_comments, attempt, text))

    def with_comment(self, packet: Sighting | PacketId, text: str) -> Notes:
        """Another comment on a packet; an empty one takes it away."""
        return replace(self, packet_comments=_commented(self.packet_comments, packet_id(packet), text))

    def merged(self, other: Notes) -> Notes:
        """These and others; where both comment on the same, both comments."""
        return Notes(
            self.attempts | other.attempts,
            self.packets | other.packets,
            _joined(self.attempt_comments, other.attempt_comments),
            _joined(self.packet_comments, other.packet_comments),
        )

    def of_files(self, numbers: Mapping[int, int]) -> Notes:
        """The notes on packets of some files, under other file numbers; those on attempts stay.

        Args:
            numbers: new number of each file by its old one; notes on packets of other files are left out.
        """
        moved = {
            PacketId(numbers[packet.file], packet.frame): text
            for packet, text in self.packet_comments.items()
            if packet.file in numbers
        }
        marks = frozenset(PacketId(numbers[one.file], one.frame) for one in self.packets if one.file in numbers)
        return replace(self, packets=marks, packet_comments=MappingProxyType(moved))

    def about(self, attempts: Iterable[str], packets: Iterable[PacketId]) -> Notes:
        """The notes on some attempts and packets alone."""
        wanted, places = frozenset(attempts), frozenset(packets)
        return Notes(
            self.attempts & wanted,
            self.packets & places,
            MappingProxyType({key: text for key, text in self.attempt_comments.items() if key in wanted}),
            MappingProxyType({key: text for key, text in self.packet_comments.items() if key in places}),
        )


NO_NOTES: Final = Notes()


def _turned(marked: frozenset[K], one: K, wanted: bool | None) -> frozenset[K]:
    if wanted is None:
        return marked ^ {one}
    return marked | {one} if wanted else marked - {one}


def _commented(comments: Mapping[K, str], key: K, text: str) -> Mapping[K, str]:
    changed = {other: said for other, said in comments.items() if other != key}
    text = text.strip()[:LONGEST_COMMENT]
    if text:
        changed[key] = text
    return MappingProxyType(changed)


def _joined(ours: Mapping[K, str], theirs: Mapping[K, str]) -> Mapping[K, str]:
    joined = dict(ours)
    for key, text in theirs.items():
        before = joined.get(key)
        joined[key] = text if before is None or before == text else f"{before}\n{text}"[:LONGEST_COMMENT]
    return MappingProxyType(joined)
