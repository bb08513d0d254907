"""The Kademlia table: nodes sorted into rows by the first bit in which their id differs from ours, 20 to a row.

Source: npm kademlia-routing-table 1.0.6 (index.js), dht-rpc 6.27.0 (index.js).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from protocol.hashes import HASH_SIZE
from protocol.messages import Address

if TYPE_CHECKING:
    from random import Random

K: Final = 20
"""Nodes in a row, and closest nodes that a search ends with."""
BITS: Final = HASH_SIZE * 8


@dataclass(slots=True, eq=False)
class TableNode:
    """A node in the table. Times are counted in ticks of 5 s."""

    id: bytes
    address: Address
    to: Address | None = None
    """This node as that one sees it."""
    sampled: int = 0
    """When `to` was last counted as a sample; 0 for never."""
    added: int = 0
    pinged: int = 0
    """When this node last reached out to it."""
    seen: int = 0
    """When it was last heard."""
    down_hints: int = 0
    """How often others said that it is down."""
    number: int = field(init=False)
    """The id as a number, which distances are made of."""

    def __post_init__(self) -> None:
        self.number = int.from_bytes(self.id, "big")


def distance(a: bytes, b: bytes) -> int:
    """XOR distance of two ids."""
    return int.from_bytes(a, "big") ^ int.from_bytes(b, "big")


class RoutingTable:
    """Nodes by distance from the table's own id."""

    def __init__(self, id: bytes) -> None:
        self.id = id
        # Few of the 256 rows are ever used: half of all nodes are in the first, a quarter in the second.
        self._rows: dict[int, dict[bytes, TableNode]] = {}
        self._size = 0

    def __len__(self) -> int:
        """Nodes in all rows."""
        return self._size

    def __iter__(self) -> Iterator[TableNode]:
        """All nodes."""
        for row in self._rows.values():
            yield from row.values()

    def get(self, id: bytes) -> TableNode | None:
        """The node with this id."""
        return self._rows.get(self._row_of(id), {}).get(id)

    def add(self, node: TableNode) -> bool:
        """Put a node in, or in the place of the one with its id; False when its row is full."""
        row = self._rows.setdefault(self._row_of(node.id), {})
        if node.id not in row:
            if len(row) >= K:
                return False
            self._size += 1
        row[node.id] = node
        return True

    def remove(self, id: bytes) -> None:
        """Take a node out, if it is in."""
        if self._rows.get(self._row_of(id), {}).pop(id, None) is not None:
            self._size -= 1

    def row(self, id: bytes) -> tuple[TableNode, ...]:
        """The nodes of the row that a node with this id belongs to."""
        return tuple(self._rows.get(self._row_of(id), {}).values())

    def random(self, random: Random) -> TableNode | None:
        """Any node."""
        return random.choice(tuple(self)) if self._size else None

    def closest(self, target: bytes, count: int = K) -> list[TableNode]:
        """The nodes closest to `target`, closest first.

        The reference takes whole rows, in an order that is not that of the distance: first the row of the target and
        those farther from us, and in a row by id. A search stops reading an answer at its first node that is no
        gain, so sorted answers are read farther.
        """
        home = self._row_of(target)
        place = int.from_bytes(target, "big")
        # The target's own row agrees with it in most bits, nearer rows in as many as we do, farther ones in fewer.
        groups: list[list[TableNode]] = [list(self._rows.get(home, {}).values())]
        groups.append([node for index, row in self._rows.items() if index > home for node in row.values()])
        groups += [list(self._rows[index].values()) for index in sorted(self._rows, reverse=True) if index < home]
        found: list[TableNode] = []
        for group in groups:
            if len(found) >= count:
                break
            found += sorted(group, key=lambda node: node.number ^ place)
        return found[:count]

    def _row_of(self, id: bytes) -> int:
        return min(BITS - distance(id, self.id).bit_length(), BITS - 1)
