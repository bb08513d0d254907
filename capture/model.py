"""What a capture proves about hole-punch attempts, frozen for showing.

The flow builder (`capture.flows`) makes these values, the report, the exports and the screens read them and nothing
else. All are immutable: a growing live flow is a new `Flow` each time it changes. Times are epoch seconds unless named
otherwise; addresses are `protocol.messages.Address`; keys, hashes, tokens and payloads stay raw bytes until rendered.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from capture.flow import FileSummary, Flow, KeySource, Sighting
from protocol.messages import Address, HolepunchPayload, NoisePayload

__all__ = (
    "Evidence",
    "FileSummary",
    "Flow",
    "FlowMessage",
    "KeyEvidence",
    "KeySource",
    "Lane",
    "NatEvidence",
    "NatSample",
    "Note",
    "Outcome",
    "Path",
    "Probes",
    "Proxy",
    "Role",
    "Round",
    "Sealed",
    "Sighting",
    "Step",
    "StepKind",
    "TokenState",
    "Verdict",
    "VerdictCode",
)


class Role(StrEnum):
    """What a participant is in one attempt; each is a lane of the ladder."""

    CLIENT = "client"
    CLIENT_RELAY = "client relay"
    SERVER_RELAY = "server relay"
    RELAY = "relay"
    """Client relay and server relay in one node."""
    SERVER = "server"
    PROXY = "proxy"
    """Who punches in the place of a side."""
    BLIND_RELAY = "blind relay"
    NODE = "node"
    """Any other DHT node: one that answered FIND_PEER or took a NAT sample."""


class Outcome(StrEnum):
    """How an attempt ended."""

    CONNECTED = "connected"
    FAILED = "failed"
    UNKNOWN = "unknown"


class Path(StrEnum):
    """The way the stream took."""

    PUNCHED = "punched"
    OPEN = "open"
    LAN = "lan"
    RELAYED = "relayed"
    UPGRADED = "upgraded"


class TokenState(StrEnum):
    """Life of the address token that one side issued."""

    NOT_ISSUED = "not-issued"
    ISSUED = "issued"
    VERIFIED = "verified"
    MISMATCH = "mismatch"
    ADDRESS_CHANGED = "address-changed"
    NOT_ECHOED = "not-echoed"
    """Issued, and the other side went on without giving it back."""
    NOT_ACCEPTED = "not-accepted"
    """Given back as it was issued, where that proves nothing to who issued it."""
    UNREADABLE = "unreadable"


class VerdictCode(StrEnum):
    """Verdicts; the order is that of the report's documentation."""

    PUNCHED = "punched"
    OPEN_SERVER = "open-server"
    OPEN_CLIENT = "open-client"
    LAN = "lan"
    RELAYED = "relayed"
    UPGRADED = "upgraded"
    PEER_NOT_FOUND = "peer-not-found"
    HANDSHAKE_UNANSWERED = "handshake-unanswered"
    HANDSHAKE_REFUSED = "handshake-refused"
    NOT_HOLEPUNCHABLE = "not-holepunchable"
    PROBE_UNANSWERED = "probe-unanswered"
    PUNCH_UNANSWERED = "punch-unanswered"
    NAT_UNKNOWN = "nat-unknown"
    BOTH_NATS_RANDOM = "both-nats-random"
    UNVERIFIED_ADDRESS = "unverified-address"
    TRY_LATER = "try-later"
    ABORTED_BY_SERVER = "aborted-by-server"
    ABORTED_BY_CLIENT = "aborted-by-client"
    PROBES_LOST = "probes-lost"
    NAT_REMAPPED = "nat-remapped"
    STREAM_NOT_UP = "stream-not-up"
    INCOMPLETE = "incomplete"


@dataclass(frozen=True, slots=True)
class Lane:
    """A participant: one lane of the ladder, however many sockets and addresses it uses."""

    id: str
    """Stable within the flow, e.g. ``client``, ``relay1``, ``server``, ``nodes``."""
    role: Role
    addresses: tuple[Address, ...]
    """Outside addresses, as others see them, most used first."""
    inside: tuple[Address, ...] = ()
    """Addresses behind its own NAT that the packets prove to be the same participant."""
    sockets: int = 1
    """How many local sockets of it were seen."""

    @property
    def title(self) -> str:
        """Heading for the lane."""
        return {Role.RELAY: "client & server relay", Role.NODE: "DHT nodes"}.get(self.role, str(self.role))


@dataclass(frozen=True, slots=True)
class Sealed:
    """Bytes that were encrypted on the wire: opened, or opaque with the reason."""

    sealed: bytes
    plaintext: bytes | None = None
    reason: str = ""
    """Why it stays closed, when `plaintext` is None."""


@dataclass(frozen=True, slots=True)
class Proxy:
    """Who punches in the place of a side."""

    of_client: bool
    """It stands in the client's place; else in the server's."""
    address: Address
    """Where the side's link to it goes."""
    hand_off: Sighting | None
    """The packet that handed over; None where the capture doesn't show it."""
    in_rounds: bool
    """Whether it is seen to take part in rounds."""
    punched: bool
    """Whether it is seen to punch, or to pass on what its punches let through."""


@dataclass(frozen=True, slots=True)
class FlowMessage:
    """One dht-rpc message of the attempt, each datagram once however often it was seen."""

    sighting: Sighting
    time: float
    command: str
    kind: str
    """``request`` or ``response``."""
    mode: str | None
    tid: int
    src: Address
    dst: Address
    from_lane: str
    to_lane: str
    from_role: Role
    to_role: Role
    retransmission: bool = False
    payload: Sealed | None = None
    """Noise message or holepunch payload that it carries."""
    round: int | None = None
    """Index into `Flow.rounds` for PEER_HOLEPUNCH messages."""
    copies: tuple[Sighting, ...] = ()
    """Further sightings of the same datagram, in this or other files."""


class StepKind(StrEnum):
    """What a row of the ladder stands for."""

    FIND_PEER = "find-peer"
    HANDSHAKE = "handshake"
    SAMPLE = "sample"
    OPENER = "opener"
    """Low-TTL punch: opens the sender's own NAT."""
    PROBE = "probe"
    """PEER_HOLEPUNCH leg of a round that only probes."""
    PUNCH_ROUND = "punch-round"
    """PEER_HOLEPUNCH leg of a round that punches."""
    ABORT = "abort"
    PUNCH = "punch"
    """One-byte datagram with a normal TTL, or a burst of them."""
    LAN_PING = "lan-ping"
    STREAM = "stream"
    HANDOFF = "handoff"
    """A side has its proxy act for it; sealed for the two of them."""
    MISSING = "missing"
    """Expected, never seen."""
    RELAY_LINK = "relay-link"
    """Stream to or from a blind relay, or between a side and its proxy."""


@dataclass(frozen=True, slots=True)
class Note:
    """A remark on a step, such as a token that can now be verified."""

    lane: str
    text: str
    token: TokenState | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """One row of the ladder: an arrow (or a folded burst of them) from lane to lane."""

    kind: StepKind
    time: float
    from_lane: str
    to_lane: str
    label: str
    """Short text on the arrow; made from decoded values, may hold untrusted text: escape it."""
    sighting: Sighting | None
    """The (first) datagram; None for a missing entry."""
    src: Address | None = None
    dst: Address | None = None
    message: int | None = None
    """Index into `Flow.messages` when the step is one dht-rpc message."""
    dashed: bool = False
    """A reply, or something that never came."""
    retransmission: bool = False
    round: int | None = None
    count: int = 1
    """Datagrams folded into this step."""
    span: float = 0.0
    """Seconds from the first to the last folded datagram."""
    ports: int = 0
    """Distinct ports on the side that varies, for bursts."""
    ttl: int | None = None
    """Of the first datagram; None where it is not known."""
    lost: bool = False
    """Seen leaving, not seen arriving although the capture would show it, or meant to die (low TTL)."""
    first_hit: Sighting | None = None
    """First datagram of a burst that got through."""
    members: tuple[Sighting, ...] = ()
    """Every folded datagram, in order."""
    notes: tuple[Note, ...] = ()
    due: float | None = None
    """Of a missing entry: until when it may still come, epoch seconds."""


@dataclass(frozen=True, slots=True)
class Round:
    """One PEER_HOLEPUNCH request of the client and what came back."""

    round: int | None
    """The round number inside the payload; None while sealed."""
    punching: bool | None
    relay: Address | None
    tid: int
    sent: float
    answered: float | None
    retransmissions: int
    request: HolepunchPayload | None
    reply: HolepunchPayload | None
    request_reason: str = ""
    """Why `request` is None."""
    reply_reason: str = ""


@dataclass(frozen=True, slots=True)
class Probes:
    """One-byte datagrams that one side sent, as far as the capture shows them."""

    low_ttl: int = 0
    normal: int = 0
    ports: int = 0
    """Distinct ports on the side that varies: sources of birthday sockets, destinations of random probes."""
    received: int = 0
    """How many of the other side's punches were seen to arrive here."""


@dataclass(frozen=True, slots=True)
class NatSample:
    """One node telling a socket which address its packets come from."""

    time: float
    socket: Address
    """The sampled socket, as this capture shows it."""
    seen_as: Address
    seen_by: Address
    sighting: Sighting


@dataclass(frozen=True, slots=True)
class NatEvidence:
    """What the samples of one side add up to, and what it said of itself."""

    announced: int | None
    """Last firewall class this side stated on the wire (`protocol.constants.Firewall`), None if unreadable."""
    samples: tuple[NatSample, ...]
    classified: int
    """What nat.js concludes from `samples`."""
    rule: str
    """The rule that decided, in words."""


@dataclass(frozen=True, slots=True)
class KeyEvidence:
    """How far the attempt could be opened, and with what."""

    source: KeySource | None
    server_public_key: bytes | None = None
    handshake_hash: bytes | None = None
    holepunch_secret: bytes | None = None
    reason: str = ""
    """What is missing, when there is no secret."""
    proof: Sighting | None = None
    """The packet that carried the public key, when it was captured."""
    noise1: NoisePayload | None = None
    noise1_reason: str = ""
    noise2: NoisePayload | None = None
    noise2_reason: str = ""
    client_public_key: bytes | None = None
    secret_from: str = ""
    """Lines of a key log that told `holepunch_secret`; empty where it was rebuilt from the handshake."""
    noise_from: str = ""
    """What opened the noise messages, as words."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """A packet that proves a verdict, and what it proves."""

    sighting: Sighting
    says: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """Why the attempt ended as it did."""

    code: VerdictCode
    summary: str
    """One or two sentences for a tired person."""
    evidence: tuple[Evidence, ...]
    advice: str
    inferred: bool = False
    application_error: str | None = None
    """What hyperdht raises to the application, where that is known."""
