"""Attempts that were let go to keep a live source within its bound: totals of all, and a line of each of the newest.

A line says who, when and how it ended, in 80 bytes of one array, so that a hundred thousand of them take 8 MB and no
object. What proved it is gone with its packets.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from socket import AF_INET, AF_INET6, inet_ntop, inet_pton
from typing import Final, NamedTuple

import numpy as np

from capture.arrays import Array
from capture.flow import Flow
from capture.model import Outcome, VerdictCode
from capture.nat_class import class_name, known_class
from protocol.address import Address

LINES: Final = 100_000
"""Lines that are kept, the newest."""
_OUTCOMES: Final = tuple(Outcome)
_CODES: Final = tuple(VerdictCode)
_NOBODY: Final = 0
_FAMILIES: Final = {4: AF_INET, 6: AF_INET6}
_CLASSES: Final = 64
"""NAT classes that are told apart: a peer may say any number."""
_OTHER: Final = "?"
_LINE: Final = np.dtype(
    [
        ("id", "S16"),
        ("started", np.float64),
        ("duration", np.float32),
        ("outcome", np.uint8),
        ("code", np.uint8),
        ("inferred", np.bool_),
        *(
            (f"{side}_{name}", kind)
            for side in ("client", "server")
            for name, kind in (("family", np.uint8), ("port", np.uint16), ("host", "V16"), ("class", np.uint8))
        ),
    ]
)


class Line(NamedTuple):
    """What stays of an attempt."""

    id: str
    started: float
    duration: float
    """Seconds."""
    client: Address | None
    server: Address | None
    code: VerdictCode
    outcome: Outcome
    inferred: bool
    """The verdict is only likely."""
    client_class: str
    server_class: str


def line_of(flow: Flow) -> Line:
    """What stays of an attempt; takes its verdict, and its NAT samples where a side stated no class."""
    return Line(
        flow.id,
        flow.started,
        flow.duration,
        flow.client,
        flow.server,
        flow.verdict.code,
        flow.outcome,
        flow.verdict.inferred,
        class_name(known_class(flow, client=True).firewall),
        class_name(known_class(flow, client=False).firewall),
    )


@dataclass(frozen=True, slots=True)
class LetGo:
    """How much was let go since the start."""

    packets: int = 0
    attempts: int = 0
    verdicts: Mapping[VerdictCode, int] = field(default_factory=dict)
    """How many of these attempts had which verdict."""


class Totals(NamedTuple):
    """What is known of all attempts that were let go, whether they still have a line or not."""

    attempts: int
    verdicts: Mapping[tuple[VerdictCode, Outcome], int]
    pairs: Mapping[tuple[str, str, Outcome], int]
    """By NAT classes of client and server, and how it ended."""
    started: Array
    """When those began that have a line."""
    outcomes: tuple[Outcome, ...]
    """How each of them ended."""


NOTHING: Final = Totals(0, {}, {}, np.zeros(0, np.float64), ())


class Ledger:
    """Lines of attempts, in the order in which they were let go.

    Args:
        most: lines that are kept.
    """

    def __init__(self, most: int = LINES) -> None:
        self.attempts = 0
        """All that were ever added."""
        self._most = most
        self._lines = np.zeros(0, _LINE)
        self._next = 0
        """Where the next line goes once there are `most`."""
        self._count = 0
        self._verdicts: Counter[tuple[VerdictCode, Outcome]] = Counter()
        self._pairs: Counter[tuple[str, str, Outcome]] = Counter()
        self._classes: dict[str, int] = {_OTHER: 0}
        """Number of each name of a NAT class."""
        self._class_names = [_OTHER]

    def __len__(self) -> int:
        return self._count

    @property
    def forgotten(self) -> int:
        """Attempts that have no line any more, and count in totals alone."""
        return self.attempts - self._count

    @property
    def verdicts(self) -> dict[VerdictCode, int]:
        """How many attempts had which verdict."""
        found: Counter[VerdictCode] = Counter()
        for (code, _), count in self._verdicts.items():
            found[code] += count
        return dict(found)

    def add(self, lines: Iterable[Line]) -> None:
        """Take down lines; beyond `most`, in the place of the oldest."""
        for line in lines:
            self.attempts += 1
            self._verdicts[line.code, line.outcome] += 1
            classes = (self._class_number(name) for name in (line.client_class, line.server_class))
            client, server = (self._class_names[number] for number in classes)
            self._pairs[client, server, line.outcome] += 1
            if not self._most:
                continue
            self._make_room()
            self._lines[self._next] = self._packed(line)
            self._next = (self._next + 1) % self._most
            self._count = min(self._count + 1, self._most)

    def line(self, index: int) -> Line:
        """A line, from the oldest (0) to the newest.

        Raises:
            IndexError: there is none.
        """
        if not 0 <= index < self._count:
            raise IndexError(index)
        return self._unpacked(self._lines[self._place(index)])

    def __iter__(self) -> Iterator[Line]:
        return map(self.line, range(self._count))

    def totals(self) -> Totals:
        """Everything counted, as it is now."""
        lines = self._lines[: self._count]
        outcomes = tuple(map(_OUTCOMES.__getitem__, lines["outcome"].tolist()))
        return Totals(self.attempts, dict(self._verdicts), dict(self._pairs), lines["started"].copy(), outcomes)

    def clear(self) -> None:
        """Forget lines and totals."""
        self.__init__(self._most)  # type: ignore[misc]

    def _place(self, index: int) -> int:
        return (self._next + index) % self._most if self._count == self._most else index

    def _make_room(self) -> None:
        if self._count == len(self._lines) < self._most:
            more = np.zeros(min(self._most, max(1024, 2 * self._count)), _LINE)
            more[: self._count] = self._lines
            self._lines = more

    def _packed(self, line: Line) -> tuple[object, ...]:
        return (
            line.id.encode("ascii", "replace"),
            line.started,
            line.duration,
            _OUTCOMES.index(line.outcome),
            _CODES.index(line.code),
            line.inferred,
            *_packed_address(line.client),
            self._class_number(line.client_class),
            *_packed_address(line.server),
            self._class_number(line.server_class),
        )

    def _unpacked(self, row: np.void) -> Line:
        return Line(
            row["id"].decode("ascii"),
            float(row["started"]),
            float(row["duration"]),
            _address(row, "client"),
            _address(row, "server"),
            _CODES[row["code"]],
            _OUTCOMES[row["outcome"]],
            bool(row["inferred"]),
            self._class_names[row["client_class"]],
            self._class_names[row["server_class"]],
        )

    def _class_number(self, name: str) -> int:
        number = self._classes.get(name)
        if number is None and len(self._class_names) >= _CLASSES:
            number = self._classes[_OTHER]
        if number is None:
            number = self._classes[name] = len(self._class_names)
            self._class_names.append(name)
        return number


def _packed_address(address: Address | None) -> tuple[int, int, bytes]:
    if address is None:
        return _NOBODY, 0, bytes(16)
    family = 6 if ":" in address.host else 4
    return family, address.port, inet_pton(_FAMILIES[family], address.host).ljust(16, b"\0")


def _address(row: np.void, side: str) -> Address | None:
    family = int(row[f"{side}_family"])
    if family == _NOBODY:
        return None
    host = bytes(row[f"{side}_host"])[: 4 if family == 4 else 16]
    return Address(inet_ntop(_FAMILIES[family], host), int(row[f"{side}_port"]))
