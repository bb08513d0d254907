"""What a relay tells its owner."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from protocol.blind_relay.link import Link, LinkEnd
from protocol.blind_relay.session import RelaySession
from protocol.blind_relay.states import RelayEnd
from protocol.errors import DecodeError


class Refusal(StrEnum):
    """Why a half of a pair was not taken."""

    TAKEN = "that half waits already"
    WAITING = "too many tokens wait"
    LINKS = "too many pairs are relayed"


@dataclass(frozen=True, slots=True)
class SessionOpened:
    """A client speaks the protocol."""

    session: RelaySession


@dataclass(frozen=True, slots=True)
class PairWaits:
    """A client asks for a partner that has not asked yet."""

    session: RelaySession
    token: bytes
    is_initiator: bool


@dataclass(frozen=True, slots=True)
class PairRefused:
    """A half that was not taken. When the relay is full, a session that has nothing else is closed: no use waiting."""

    session: RelaySession
    token: bytes
    reason: Refusal


@dataclass(frozen=True, slots=True)
class PairExpired:
    """No partner came."""

    session: RelaySession
    token: bytes


@dataclass(frozen=True, slots=True)
class LinkOpened:
    """Two peers are relayed from now on: ``link.legs`` says between which sessions and streams."""

    link: Link


@dataclass(frozen=True, slots=True)
class LinkClosed:
    """They are not any more; packets with the link's ids are unknown from now on."""

    link: Link
    end: LinkEnd


@dataclass(frozen=True, slots=True)
class SessionClosed:
    """The last event of a session; its secret stream may be ended, and destroyed if there is a `failure`."""

    session: RelaySession
    end: RelayEnd
    failure: DecodeError | None


ServerEvent = SessionOpened | PairWaits | PairRefused | PairExpired | LinkOpened | LinkClosed | SessionClosed
