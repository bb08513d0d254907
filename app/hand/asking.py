"""Expressions of the filter language, asked of one datagram that is on its way through a node of ours."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from protocol.constants import Mode
from protocol.intercept.values import Direction
from protocol.messages import Address, Response

if TYPE_CHECKING:
    from capture.filter import Filter
    from capture.filter.packet import Packet
    from capture.model import Role
    from protocol.intercept.sighted import Sighted

UNKNOWN: Final = Address("0.0.0.0", 0)
"""Our own end of a socket that is not bound yet."""
Local = Callable[[int], Address]
"""Our own address of a socket."""


class AskedTooMuchError(ValueError):
    """An expression asks of attempts what nobody knows while a datagram is on its way."""


def datagram_filter(text: str) -> Filter:
    """Parse an expression that is to be asked of single datagrams.

    Raises:
        FilterError: it does not parse.
        AskedTooMuchError: it asks of attempts alone, as `verdict` does.
    """
    from capture.filter import parse_filter
    from capture.filter.tree import comparisons

    found = parse_filter(text)
    if found.node is not None:
        for one in comparisons(found.node):
            if one.field.of_packet is None:
                raise AskedTooMuchError(
                    f"{one.field.name} is known of an attempt, not of a datagram that is on its way"
                )
    return found


def packet_of(sighted: Sighted, local: Address, epoch: float, began: float) -> Packet:
    """A datagram as filters see it.

    Args:
        sighted: it, and what is known of it.
        local: our own end.
        epoch: seconds since 1970 at time 0 of the machine's clock.
        began: when the session began, by that clock.
    """
    from capture.direction import Direction as Way
    from capture.filter.packet import Packet

    passing = sighted.passing
    received = passing.direction is Direction.RECEIVED
    ends = (passing.remote, local) if received else (local, passing.remote)
    return Packet(
        passing.data,
        *ends,
        round((epoch + passing.time) * 1e9),
        round((epoch + began) * 1e9),
        ttl=passing.ttl,
        again=sighted.again,
        asked=sighted.request if isinstance(sighted.message, Response) else None,
        said=sighted.payload,
        roles=_roles(sighted.mode),
        direction=Way.IN if received else Way.OUT,
    )


def _roles(mode: int | None) -> tuple[Role, ...]:
    """What the sender of a leg may be."""
    if mode is None:
        return ()
    from capture.model import Role

    relays = (Role.RELAY, Role.CLIENT_RELAY, Role.SERVER_RELAY)
    roles: dict[int, tuple[Role, ...]] = {
        Mode.FROM_CLIENT: (Role.CLIENT,),
        Mode.FROM_SERVER: (Role.SERVER,),
        Mode.FROM_RELAY: (Role.RELAY, Role.CLIENT_RELAY),
        Mode.FROM_SECOND_RELAY: (Role.RELAY, Role.SERVER_RELAY),
        Mode.REPLY: relays,
    }
    return roles.get(mode, ())
