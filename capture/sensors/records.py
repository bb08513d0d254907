"""What a sensor publishes: one CBOR map for each message on the bus (docs/sensors.md has every key).

| key | value |
|---|---|
| `version` | 1 |
| `kind` | ``sensor``, ``packets``, ``attempt``, ``secrets`` |
| `sensor` | its name in subjects |
| `run` | 16 hex digits, new with each start |
| `sequence` | counts the records of the run from 0, all kinds together |
| `time_ns` | when it was made, by the sensor's clock |
| others | of the kind |

A gap in the sequence is a record that was lost; `message_id` names a record, so that one that is sent twice is stored
once. Only what is CBOR of definite length is written. `capture.sensors.decoding` reads them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final, NamedTuple

VERSION: Final = 1
"""Changes only when a reader of this version would misread what is written."""
MOST_BYTES: Final = 768 << 10
"""Bytes of the largest record; servers take messages of a megabyte unless they were told otherwise."""
BATCH_BYTES: Final = 128 << 10
"""Bytes of frames after which a record of packets is closed."""
MOST_FRAMES: Final = 4096
"""Frames in a record."""
MOST_TEXT: Final = 4096
"""Characters of a name or a remark."""
MOST_SOURCES: Final = 256
MOST_INTERFACES: Final = 1024
"""Of a source."""
MOST_LOSSES: Final = 64
"""Causes of loss in a record."""
MOST_KEYLOG: Final = 512 << 10
"""Bytes of key log lines in a record."""
PREFIX: Final = "peephole"
"""How all subjects begin."""

_TOKEN: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")
_UNFIT: Final = re.compile(r"[^A-Za-z0-9_-]+")
_RUN: Final = re.compile(r"[0-9a-f]{16}")


class Kind(StrEnum):
    """What a record tells of."""

    SENSOR = "sensor"
    PACKETS = "packets"
    ATTEMPT = "attempt"
    SECRETS = "secrets"


class State(StrEnum):
    """What a sensor says of itself."""

    STARTED = "started"
    RUNNING = "running"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class Head:
    """What every record begins with."""

    sensor: str
    """Name in subjects: letters, digits, ``-`` and ``_``, 64 at most."""
    run: str
    """16 hex digits, new with each start of the sensor."""
    sequence: int
    time_ns: int
    """Epoch nanoseconds by the sensor's clock."""

    @property
    def message_id(self) -> str:
        """What names the record: equal for the same record sent again, and for no other."""
        return f"{self.sensor}.{self.run}.{self.sequence}"


class SourceInterface(NamedTuple):
    """Where frames of a source were captured."""

    linktype: int
    name: str = ""
    snaplen: int = 0
    comment: str = ""


@dataclass(frozen=True, slots=True)
class Source:
    """A place where a sensor takes packets from; its index in `SensorRecord.sources` is its number.

    Interfaces are only ever added, at the end.
    """

    name: str
    format: str
    """``live``, ``pcap``, ``pcapng``."""
    interfaces: tuple[SourceInterface, ...]
    packets: int = 0
    """Frames that it has seen, published or not."""
    losses: Mapping[str, int] = field(default_factory=dict)
    """Packets that are missing, by cause; see docs/sensors.md."""
    truncated: str | None = None
    """What was wrong with it, and where."""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SensorRecord:
    """Who publishes, from where, and what is missing. Before the first frames of each interface, and every minute."""

    head: Head
    state: State
    name: str
    """As people call it."""
    software: str
    """Name and version of the program."""
    sources: tuple[Source, ...]
    redacted: bool = False
    """Whether addresses and keys are masked."""
    everything: bool = False
    """Whether packets that belong to no attempt are published too."""
    secrets: bool = False
    """Whether it publishes secrets."""
    losses: Mapping[str, int] = field(default_factory=dict)
    """What is missing of the whole, by cause."""
    reason: str = ""
    """Why it ended."""


class SensorFrame(NamedTuple):
    """One frame as it was captured, or as it looks behind the mask."""

    number: int
    """Of the frame in its source, from 1. Pieces of a fragmented datagram have the number of the last piece."""
    time_ns: int
    """Epoch nanoseconds by the clock of its source."""
    interface: int
    wire_length: int
    """Bytes of the frame on the wire; more than there are where the capture cut it."""
    frame: bytes
    """From the first byte of the link layer."""
    direction: int = 0
    """Which way it passed its interface: bits 0 to 4 of pcapng's ``epb_flags``; 0 where nothing tells."""
    reading: Mapping[str, Any] | None = None
    """What it says, for programs that know only CBOR: nothing rests on it. None for pieces."""


@dataclass(frozen=True, slots=True)
class PacketsRecord:
    """Frames of one source, in the order in which they are to be read."""

    head: Head
    source: int
    frames: tuple[SensorFrame, ...]


@dataclass(frozen=True, slots=True)
class AttemptRecord:
    """An attempt as the sensor alone sees it: when it has concluded, and again when its verdict changes."""

    head: Head
    id: str
    """16 hex digits."""
    verdict: str
    outcome: str
    final: bool
    """Whether the sensor let it go, and will say no more of it."""
    flow: Mapping[str, Any]
    """The flow object of the report (docs/report.md); `file` in it is the name of a source."""


@dataclass(frozen=True, slots=True)
class SecretsRecord:
    """Key log lines."""

    head: Head
    keylog: bytes


Record = SensorRecord | PacketsRecord | AttemptRecord | SecretsRecord

_KINDS: Final[dict[type[Any], Kind]] = {
    SensorRecord: Kind.SENSOR,
    PacketsRecord: Kind.PACKETS,
    AttemptRecord: Kind.ATTEMPT,
    SecretsRecord: Kind.SECRETS,
}


def kind_of(record: Record) -> Kind:
    """Its kind."""
    return _KINDS[type(record)]


def is_token(text: str) -> bool:
    """Whether a text may be the name of a sensor or a stream in subjects."""
    return _TOKEN.fullmatch(text) is not None


def is_run(text: str) -> bool:
    """Whether a text may name a run."""
    return _RUN.fullmatch(text) is not None


def token_of(name: str) -> str:
    """A name as it can stand in subjects; "sensor" where nothing is left of it."""
    return _UNFIT.sub("-", name).strip("-")[:64] or "sensor"


def subject_of(stream: str, sensor: str, kind: Kind) -> str:
    """The subject that records of a kind are published on."""
    return f"{PREFIX}.{stream}.{sensor}.{kind}"


def subjects_of(stream: str) -> str:
    """The subjects that a stream is made for."""
    return f"{PREFIX}.{stream}.>"


def encode_record(record: Record) -> bytes:
    """A record as it is published.

    Raises:
        ValueError: it is larger than `MOST_BYTES`.
    """
    import cbor2

    head = record.head
    plain = {
        "version": VERSION,
        "kind": str(kind_of(record)),
        "sensor": head.sensor,
        "run": head.run,
        "sequence": head.sequence,
        "time_ns": head.time_ns,
        **_body(record),
    }
    encoded = cbor2.dumps(plain)
    if len(encoded) > MOST_BYTES:
        raise ValueError(f"a record of {len(encoded)} bytes: {MOST_BYTES} are the most")
    return encoded


def _body(record: Record) -> dict[str, Any]:
    match record:
        case SensorRecord():
            return {
                "state": str(record.state),
                "name": record.name,
                "software": record.software,
                "sources": [_source(one) for one in record.sources],
                "redacted": record.redacted,
                "everything": record.everything,
                "secrets": record.secrets,
                "losses": dict(record.losses),
                "reason": record.reason,
            }
        case PacketsRecord():
            return {"source": record.source, "frames": [_frame(one) for one in record.frames]}
        case AttemptRecord():
            return {
                "id": record.id,
                "verdict": record.verdict,
                "outcome": record.outcome,
                "final": record.final,
                "flow": dict(record.flow),
            }
        case SecretsRecord():
            return {"keylog": record.keylog}


def _source(source: Source) -> dict[str, Any]:
    return {
        "name": source.name,
        "format": source.format,
        "interfaces": [one._asdict() for one in source.interfaces],
        "packets": source.packets,
        "losses": dict(source.losses),
        "truncated": source.truncated,
        "notes": list(source.notes),
    }


def _frame(frame: SensorFrame) -> dict[str, Any]:
    plain = frame._asdict()
    if not frame.direction:
        del plain["direction"]
    if frame.reading is None:
        del plain["reading"]
    return plain
