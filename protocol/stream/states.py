"""The life of a UDX stream: one table ``(state, act) -> state``.

An act is what the owner does, what the peer did, or what time brought. The owner's acts that the table lacks are
mistakes of the program and raise `LocalProtocolError`; those of the peer and of time leave the state as it is, for
packets may come late, twice or never.

Unlike libudx, a stream that is over stays for `LINGER` seconds to answer packets of a peer that missed its last ack or
its DESTROY; libudx forgets the stream at once, and its peer waits for a timeout.
"""

from __future__ import annotations

from enum import Enum, auto
from typing import Final


class LocalProtocolError(Exception):
    """The owner of a stream asked for what its state does not allow. Nothing that a peer sends causes it."""


class State(Enum):
    """Where a stream is."""

    # Members are equal to themselves alone; Enum hashes their names, in Python, for every packet.
    __hash__ = object.__hash__

    IDLE = auto()
    """Made, without a remote."""
    OPEN = auto()
    """Both directions carry data."""
    FINISHING = auto()
    """We ended; not all of it is acknowledged. The peer still sends."""
    FINISHED = auto()
    """We ended and the peer has it all. The peer still sends."""
    HALF_OPEN = auto()
    """The peer ended; we still send."""
    CLOSING = auto()
    """Both ended; not all of ours is acknowledged."""
    LINGERING = auto()
    """Both ended, all acknowledged. Late packets are acknowledged again."""
    RESETTING = auto()
    """Destroyed here, or given up. Late packets are answered with DESTROY."""
    CLOSED = auto()
    """Gone. Packets are counted and left unanswered."""


class Act(Enum):
    """What can happen to a stream."""

    __hash__ = object.__hash__

    CONNECT = auto()
    SEND = auto()
    SEND_MESSAGE = auto()
    CHANGE_REMOTE = auto()
    END = auto()
    DESTROY = auto()
    END_ACKED = auto()
    """The peer acknowledged everything up to our END."""
    REMOTE_END = auto()
    """The peer's END is next in order."""
    REMOTE_DESTROY = auto()
    GIVE_UP = auto()
    """A packet was sent again as often as makes sense."""
    LINGER_OVER = auto()


OWNERS_ACTS: Final = frozenset(
    {Act.CONNECT, Act.SEND, Act.SEND_MESSAGE, Act.CHANGE_REMOTE, Act.END, Act.DESTROY},
)

_ALIVE: Final = {
    Act.SEND_MESSAGE: None,
    Act.CHANGE_REMOTE: None,
    Act.DESTROY: State.RESETTING,
    Act.REMOTE_DESTROY: State.CLOSED,
}
"""What every connected state allows; None stays."""

_ACTS: Final[dict[State, dict[Act, State | None]]] = {
    State.IDLE: {Act.CONNECT: State.OPEN, Act.DESTROY: State.CLOSED},
    State.OPEN: {
        **_ALIVE,
        Act.SEND: None,
        Act.END: State.FINISHING,
        Act.REMOTE_END: State.HALF_OPEN,
        Act.GIVE_UP: State.RESETTING,
    },
    State.FINISHING: {
        **_ALIVE,
        Act.END_ACKED: State.FINISHED,
        Act.REMOTE_END: State.CLOSING,
        Act.GIVE_UP: State.RESETTING,
    },
    State.FINISHED: {**_ALIVE, Act.REMOTE_END: State.LINGERING},
    State.HALF_OPEN: {**_ALIVE, Act.SEND: None, Act.END: State.CLOSING, Act.GIVE_UP: State.RESETTING},
    State.CLOSING: {**_ALIVE, Act.END_ACKED: State.LINGERING, Act.GIVE_UP: State.RESETTING},
    State.LINGERING: {Act.DESTROY: None, Act.REMOTE_DESTROY: State.CLOSED, Act.LINGER_OVER: State.CLOSED},
    State.RESETTING: {Act.DESTROY: None, Act.REMOTE_DESTROY: State.CLOSED, Act.LINGER_OVER: State.CLOSED},
    State.CLOSED: {Act.DESTROY: None},
}

TABLE: Final[dict[tuple[State, Act], State]] = {
    (state, act): after or state for state, acts in _ACTS.items() for act, after in acts.items()
}

ACTIVE: Final = frozenset(
    {State.OPEN, State.FINISHING, State.FINISHED, State.HALF_OPEN, State.CLOSING},
)
"""States in which packets are read and sent."""


def step(state: State, act: Act) -> State:
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
