"""The stream that a sensor publishes into: found, or made, and why it may not take a record."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from capture.sensors.bus import Bus, BusError, why_not
from capture.sensors.records import MOST_BYTES, subjects_of

if TYPE_CHECKING:
    from nats.js import JetStreamContext
    from nats.js.api import StreamConfig

DUPLICATES_FOR: Final = 600.0
"""Seconds for which a stream that we make knows message ids."""
LARGEST: Final = MOST_BYTES + 512
"""Bytes of the largest message: a record with its headers and subject."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of a stream that is made; 0 for none. The oldest records go."""

    bytes: int = 0
    age: float = 0.0
    """Seconds."""


async def find_stream(
    stream: JetStreamContext,
    bus: Bus,
    create: Limits | None,
    unless_refused: Callable[[Coroutine[Any, Any, Any]], Awaitable[Any]],
) -> None:
    """Make sure that there is the stream; who may only publish is believed that there is.

    Args:
        stream: JetStream behind a connection.
        bus: names the stream.
        create: bounds of the stream, which is made if it is missing; None: it has to be there.
        unless_refused: waits for an answer; gives None where we may not ask.

    Raises:
        BusError: there is none.
    """
    from nats.errors import Error, NoRespondersError
    from nats.js.errors import APIError, NotFoundError, ServiceUnavailableError

    try:
        try:
            found = await unless_refused(stream.stream_info(bus.stream))
        except NotFoundError:
            if create is None:
                raise BusError(bus.server, f"has no stream {bus.stream}; --create makes it") from None
            await stream.add_stream(_configuration(bus, create))
        else:
            if found is not None and (found.config.max_msg_size or 0) > 0:
                check_size(bus, found.config.max_msg_size or 0, "max_msg_size of the stream")
    except (NoRespondersError, ServiceUnavailableError):
        raise BusError(bus.server, "has no JetStream: it has to run with -js, or be configured so") from None
    except APIError as error:
        raise BusError(bus.name, f"the stream can't be had: {error.description or error}") from None
    except TimeoutError:
        raise BusError(bus.server, "does not answer when asked for the stream") from None
    except (Error, OSError) as error:
        raise BusError(bus.server, why_not(error)) from None


def check_size(bus: Bus, most: int, what: str) -> None:
    """Make sure that every record is taken.

    Args:
        bus: of the server.
        most: bytes of the largest message that it takes.
        what: what sets that bound.

    Raises:
        BusError: some would not be.
    """
    if most < LARGEST:
        reason = f"takes messages of {most} bytes at most; {what} has to be 1MB or more"
        raise BusError(bus.server, reason)


def _configuration(bus: Bus, limits: Limits) -> StreamConfig:
    from nats.js.api import DiscardPolicy, StreamConfig

    return StreamConfig(
        name=bus.stream,
        description="what Peephole sensors publish",
        subjects=[subjects_of(bus.stream)],
        max_bytes=limits.bytes or -1,
        max_age=limits.age or 0,
        discard=DiscardPolicy.OLD,
        duplicate_window=min(DUPLICATES_FOR, limits.age or DUPLICATES_FOR),
    )


def refusal(error: Exception, bus: Bus) -> str:
    """Why a record was not stored."""
    from nats.js.errors import APIError, NoStreamResponseError

    if isinstance(error, NoStreamResponseError):
        return f"no stream stores {subjects_of(bus.stream)}"
    if isinstance(error, APIError):
        return f"does not store a record: {error.description or error}"
    return why_not(error)
