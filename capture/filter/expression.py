"""A filter, ready to be asked: of attempts, of single datagrams, of all packets of a story.

```
wanted = parse_filter("command == PEER_HOLEPUNCH and not verdict == punched").on(story)
wanted.select(story.flows)      # attempts
wanted.rows()                   # a mask over story.table
wanted.matches_message(packet)  # one decoded datagram (capture.filter.packet.Packet)
```
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import tzinfo
from typing import TYPE_CHECKING, Final

from capture.filter.errors import PacketsNeededError

if TYPE_CHECKING:
    from capture.arrays import Bools
    from capture.filter.attempts import Predicate
    from capture.filter.columns import Told
    from capture.filter.packet import Packet
    from capture.filter.packets import Packets, PacketStory
    from capture.filter.tree import Node
    from capture.flow import Flow
    from capture.notes import Notes

STRETCH: Final = 1 << 13
"""Packets in which text or bytes are looked for in one go: some milliseconds."""


class Filter:
    """A parsed filter; without a story it knows attempts and single packets only.

    Args:
        text: as it was typed.
        node: its tree; None passes everything.
        story: whose packets are asked.
    """

    def __init__(self, text: str, node: Node | None, story: PacketStory | None = None) -> None:
        self.text = text
        self.node = node
        self.story = story
        self._predicate: Predicate | None = None
        self._needed: list[Node] = []
        """The parts that packets are asked by the predicate."""
        self._masks: dict[int, _Mask] = {}

    def __repr__(self) -> str:
        return f"Filter({self.text!r})"

    @property
    def asks_packets(self) -> bool:
        """Whether attempts can't be asked without their packets."""
        from capture.filter.tree import Asks, asks

        return self.node is not None and bool(asks(self.node) & Asks.PACKET)

    @property
    def settled(self) -> bool:
        """Whether it asks only of the bytes of packets, so that what it says of one never changes."""
        from capture.filter.on_packets import settled

        return self.node is None or settled(self.node)

    @property
    def compares(self) -> bool:
        """Whether it is more than a text to look for."""
        from capture.filter.tree import comparisons

        return self.node is not None and any(one.field.name != "text" for one in comparisons(self.node))

    @property
    def asks_notes(self) -> bool:
        """Whether it asks of marks or comments."""
        from capture.filter.noted import asks_notes

        return asks_notes(self.node)

    def on(self, story: PacketStory, notes: Notes | None = None) -> Filter:
        """The same filter with the packets of a story.

        Args:
            story: whose packets are asked.
            notes: marks and comments that it may ask of; None for those that the files themselves bring.
        """
        node = self.node
        if node is not None and self.asks_notes and (notes is not None or self.story is not story):
            from capture.filter.noted import bound
            from capture.said import notes_of

            node = bound(node, notes_of(story.table.files) if notes is None else notes)
        return self if self.story is story and node is self.node else Filter(self.text, node, story)

    def matches(self, flow: Flow) -> bool:
        """Whether an attempt passes.

        Raises:
            PacketsNeededError: it asks of packets and has no story.
        """
        if self.node is None:
            return True
        return self._asked(self.node)(flow, self._some)

    def select(self, flows: Iterable[Flow]) -> tuple[Flow, ...]:
        """The attempts that pass, in their order."""
        return tuple(flow for flow in flows if self.matches(flow))

    def matches_message(self, packet: Packet) -> bool:
        """Whether one decoded datagram passes; what is asked of attempts is asked of `Packet.flows`."""
        if self.node is None:
            return True
        from capture.filter.on_packets import passes_packet

        return passes_packet(self.node, packet)

    def rows(self, story: PacketStory | None = None, start: int = 0, stop: int | None = None) -> Bools:
        """A mask over the packets of a story.

        Args:
            story: whose; None for the one it is bound to.
            start: first row that is asked; the mask begins there.
            stop: row after the last.

        Raises:
            PacketsNeededError: there is no story.
        """
        from capture.filter.packets import Packets

        told = story or self.story
        if told is None:
            raise PacketsNeededError(self.text)
        part = Packets.of(told).part(start, stop)
        if self.node is None:
            import numpy as np

            return np.ones(part.size, np.bool_)
        from capture.filter.on_packets import passing_rows

        return passing_rows(self.node, part)

    def mask(self) -> Bools:
        """The same over all packets; kept, and brought up to date when the story has grown.

        Raises:
            PacketsNeededError: there is no story.
        """
        if self.node is None:
            return self.rows()
        return self._mask_of(self.node)

    def prepare_table(self) -> None:
        """Work out at once what takes only the packets, not the attempts; where nothing grows, in a thread."""
        if self.story is not None and self.node is not None:
            from capture.filter.packets import Packets

            Packets.of(self.story).modes()

    def preparing(self) -> Iterator[None]:
        """Work out what takes long, some milliseconds at a time; to be run to the end. Otherwise it is done at once.

        It pays before attempts are asked if the filter `asks_packets`, and before packets are if it is not `settled`.
        """
        if self.story is not None and self.node is not None:
            from capture.filter.packets import Packets

            yield from Packets.of(self.story).preparing()

    def masking(self, *, attempts: bool = False) -> Iterator[float]:
        """Look for text and bytes in a stretch of the packets at a time, and say which part of it is done.

        After the last one `mask` and `matches` need no time for that. To be run after `preparing`; where packets come
        in meanwhile, it is of use for a `settled` filter alone.

        Args:
            attempts: whether attempts are to be asked, not packets.
        """
        if self.story is None or self.node is None:
            return
        if attempts:
            self._asked(self.node)
        nodes = list(self._needed) if attempts else [self.node]
        for number, node in enumerate(nodes):
            for part in self._known_mask(node).growing():
                yield (number + part) / len(nodes)

    def _asked(self, node: Node) -> Predicate:
        if self._predicate is None:
            from capture.filter.attempts import attempt_predicate

            self._predicate = attempt_predicate(node, self._needed)
        return self._predicate

    def _some(self, node: Node, flow: Flow) -> bool:
        """Whether a packet of the attempt passes a part of the filter."""
        mask = self._mask_of(node)
        packets = self._packets()
        if not packets.belonging.knows(flow):
            packets.members()
        return packets.belonging.any_of(flow, mask)

    def _mask_of(self, node: Node) -> Bools:
        return self._known_mask(node).update()

    def _known_mask(self, node: Node) -> _Mask:
        mask, packets = self._masks.get(id(node)), self._packets()
        if mask is None or mask.packets is not packets:
            # The node is kept with its mask, so that its identity stays its own.
            mask = self._masks[id(node)] = _Mask(node, packets)
        return mask

    def _packets(self) -> Packets:
        from capture.filter.packets import Packets

        if self.story is None:
            raise PacketsNeededError(self.text)
        return Packets.of(self.story)


class _Mask:
    """Which packets pass a part of a filter, brought up to date when there are more."""

    def __init__(self, node: Node, packets: Packets) -> None:
        import numpy as np

        from capture.filter.on_packets import settled

        self.node = node
        self.packets = packets
        self._settled = settled(node)
        self._flows: tuple[Flow, ...] | None = None
        self._found: Bools = np.zeros(0, np.bool_)

    def update(self) -> Bools:
        """The mask over all packets."""
        import numpy as np

        from capture.filter.belonging import same
        from capture.filter.on_packets import passing_rows

        packets = self.packets
        rows, known = len(packets.table), self._found.size
        if self._settled:
            if known < rows:
                self._found = np.concatenate((self._found, passing_rows(self.node, packets.part(known))))
            return self._found
        flows = packets.flows
        if known != rows or not same(self._flows, flows):
            self._found, self._flows = passing_rows(self.node, packets.part()), flows
        return self._found

    def growing(self) -> Iterator[float]:
        """Bring the mask up to date a stretch at a time, if that takes long; gives the part that is done."""
        import numpy as np

        from capture.filter.on_packets import passing_rows, slow

        packets = self.packets
        rows, flows = len(packets.table), packets.flows
        if not slow(self.node):
            return
        found = [self._found] if self._settled else []
        at = self._found.size if self._settled else 0
        told: Told = {}
        while at < rows:
            stop = min(at + STRETCH, rows)
            found.append(passing_rows(self.node, packets.part(at, stop, told)))
            at = stop
            yield at / rows
        self._found, self._flows = np.concatenate(found) if found else self._found, flows


def parse_filter(text: str, zone: tzinfo | None = None) -> Filter:
    """Parse a filter.

    Args:
        text: the filter; an empty one passes everything.
        zone: in which times of day are meant; None is the machine's.

    Raises:
        FilterError: what is wrong, and at which column.
    """
    if not text.strip():
        return Filter(text, None)
    from capture.filter.parsing import parse

    return Filter(text, parse(text, zone))
