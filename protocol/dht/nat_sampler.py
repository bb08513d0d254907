"""Which address the network sees this node at, from the `to` of the messages it receives.

A sample counts for its address and for its host alone, among the last 16 samples; a count grows only when one of the
last four samples named the same. The address that reaches the threshold is taken, else the host with port 0, which
means that ports differ from node to node, else nothing.

| samples | threshold |
|---|---|
| 1 to 3 | all |
| 4 to 7 | all but 1 |
| 8 to 11 | all but 2 |
| 12 to 16 | all but 3 |

Source: npm nat-sampler 1.0.1 (index.js).
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Final

from protocol.messages import Address

_KEPT: Final = 16
_LOOK_BACK: Final = 4


@dataclass(slots=True)
class _Count:
    address: Address
    hits: int = 1


@dataclass(slots=True)
class _Samples:
    """The last samples of one kind, the newest last; samples that joined share a count."""

    kept: deque[_Count] = field(default_factory=deque)
    best: _Count | None = None

    def add(self, address: Address) -> None:
        recent = (self.kept[-back] for back in range(1, min(_LOOK_BACK, len(self.kept)) + 1))
        count = next((count for count in recent if count.address == address), None)
        if count is None:
            count = _Count(address)
        else:
            count.hits += 1
        if len(self.kept) == _KEPT:
            self.kept.popleft().hits -= 1
        self.kept.append(count)
        if self.best is None or self.best.hits < count.hits:
            self.best = count


class NatSampler:
    """Takes samples and says what most of the recent ones agree on."""

    def __init__(self) -> None:
        self.host: str | None = None
        self.port = 0
        """0 while `host` is None, or when the port differs from node to node."""
        self._full = _Samples()
        self._hosts = _Samples()

    @property
    def size(self) -> int:
        """Samples kept, up to 16."""
        return len(self._full.kept)

    @property
    def address(self) -> Address | None:
        """The address, where host and port are known."""
        return Address(self.host, self.port) if self.host is not None and self.port else None

    def add(self, address: Address) -> None:
        """Take one sample: this node as another one sees it."""
        self._full.add(address)
        self._hosts.add(Address(address.host, 0))
        size = self.size
        threshold = size - min(size // 4, 3)
        for samples in (self._full, self._hosts):
            if samples.best is not None and samples.best.hits >= threshold:
                self.host, self.port = samples.best.address
                return
        self.host, self.port = None, 0
