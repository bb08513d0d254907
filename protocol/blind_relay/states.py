"""The life of either end of the blind-relay channel: one table ``(state, act) -> state``.

As in `protocol.stream.states`, acts of the owner that the table lacks raise `LocalProtocolError`; those of the peer
leave the state as it is.
"""

from __future__ import annotations

from enum import Enum, StrEnum, auto
from typing import Final

from protocol.stream.states import LocalProtocolError


class RelayState(Enum):
    """Where an end of the channel is."""

    OPENING = auto()
    """Asked for; the peer has not opened its side. A client's messages are sent all the same."""
    OPEN = auto()
    ENDING = auto()
    """No new pairs; closes when none waits."""
    CLOSED = auto()


class RelayAct(Enum):
    """What can happen to it."""

    PAIR = auto()
    UNPAIR = auto()
    END = auto()
    DESTROY = auto()
    OPENED = auto()
    """The peer opened its side."""
    SETTLED = auto()
    """No pair waits any more."""
    REMOTE_CLOSED = auto()
    REJECTED = auto()
    MALFORMED = auto()
    FLOODED = auto()
    STREAM_LOST = auto()


class RelayEnd(StrEnum):
    """Why it is closed."""

    ENDED = "ended here"
    DESTROYED = "destroyed here"
    REMOTE_CLOSED = "closed by the peer"
    REJECTED = "the peer is no blind relay, or not for this key"
    MALFORMED = "bytes that are no blind-relay traffic"
    FLOODED = "the peer sends without reading"
    STREAM_LOST = "the secret stream is over"


class RelayErrorName(StrEnum):
    """What the reference calls it when a pair fails."""

    CHANNEL_CLOSED = "CHANNEL_CLOSED"
    CHANNEL_DESTROYED = "CHANNEL_DESTROYED"
    PAIRING_CANCELLED = "PAIRING_CANCELLED"


OWNERS_ACTS: Final = frozenset({RelayAct.PAIR, RelayAct.UNPAIR, RelayAct.END, RelayAct.DESTROY})

ENDS: Final = {
    RelayAct.DESTROY: RelayEnd.DESTROYED,
    RelayAct.SETTLED: RelayEnd.ENDED,
    RelayAct.REMOTE_CLOSED: RelayEnd.REMOTE_CLOSED,
    RelayAct.REJECTED: RelayEnd.REJECTED,
    RelayAct.MALFORMED: RelayEnd.MALFORMED,
    RelayAct.FLOODED: RelayEnd.FLOODED,
    RelayAct.STREAM_LOST: RelayEnd.STREAM_LOST,
}
"""What closes it, and what that is called."""

_CLOSING: Final[dict[RelayAct, RelayState | None]] = {
    act: RelayState.CLOSED for act in ENDS if act is not RelayAct.SETTLED
}
_ACTS: Final[dict[RelayState, dict[RelayAct, RelayState | None]]] = {
    RelayState.OPENING: {
        **_CLOSING,
        RelayAct.PAIR: None,
        RelayAct.UNPAIR: None,
        RelayAct.END: RelayState.ENDING,
        RelayAct.OPENED: RelayState.OPEN,
    },
    RelayState.OPEN: {
        **_CLOSING,
        RelayAct.PAIR: None,
        RelayAct.UNPAIR: None,
        RelayAct.END: RelayState.ENDING,
    },
    RelayState.ENDING: {
        **_CLOSING,
        RelayAct.UNPAIR: None,
        RelayAct.END: None,
        RelayAct.OPENED: None,
        RelayAct.SETTLED: RelayState.CLOSED,
    },
    RelayState.CLOSED: {RelayAct.END: None, RelayAct.DESTROY: None},
}

TABLE: Final[dict[tuple[RelayState, RelayAct], RelayState]] = {
    (state, act): after or state for state, acts in _ACTS.items() for act, after in acts.items()
}


def step(state: RelayState, act: RelayAct) -> RelayState:
    """The state after `act`.

    Raises:
        LocalProtocolError: the owner did what this state does not allow.
    """
    after = TABLE.get((state, act))
    if after is not None:
        return after
    if act in OWNERS_ACTS:
        raise LocalProtocolError(f"{act.name.lower()} while {state.name.lower()}")
    return state
