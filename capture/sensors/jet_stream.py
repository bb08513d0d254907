"""Asking JetStream, in its own words: which streams there are, consumers, and their messages.

Its API is JSON over requests (docs.nats.io/reference/reference-protocols/nats_api_reference).
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from capture.sensors.bus import Bus, BusError
from capture.sensors.records import subjects_of

if TYPE_CHECKING:
    from nats.aio.client import Client
    from nats.aio.msg import Msg

ANSWER_WITHIN: Final = 5.0
"""Seconds within which it answers, or is not there."""
NS: Final = 10**9
HEARTBEAT_STATUS: Final = "100"
GONE_STATUS: Final = "409"
_KEPT_IDLE: Final = 30
"""Seconds after which the server forgets a consumer that nobody asks."""
_API: Final = "$JS.API"
_NO_STREAM: Final = 10059
_NO_JETSTREAM: Final = (10039, 10076)


class JetStream:
    """JetStream behind a connection, for one stream.

    Args:
        client: the connection.
        bus: names the stream.
        objection: what the server said that we may not do; empty if nothing.
    """

    def __init__(self, client: Client, bus: Bus, objection: Callable[[], str]) -> None:
        self.client = client
        self._bus = bus
        self._objection = objection

    async def stream(self) -> dict[str, Any]:
        """What there is to know of the stream.

        Raises:
            BusError: there is none, or it is not for us.
        """
        return await self._ask(f"STREAM.INFO.{self._bus.stream}", {})

    async def consumer(self, where: dict[str, Any]) -> tuple[str, int]:
        """Make a consumer that acknowledges nothing; its name, and how many messages it will have.

        Args:
            where: what it is to hand out, as its configuration says it.

        Raises:
            BusError: it can't be had.
        """
        name = self.client.new_inbox().rpartition(".")[2]
        config = {
            "name": name,
            "filter_subject": subjects_of(self._bus.stream),
            "ack_policy": "none",
            "replay_policy": "instant",
            "inactive_threshold": _KEPT_IDLE * NS,
            "mem_storage": True,
            "num_replicas": 1,
            **where,
        }
        asked = {"stream_name": self._bus.stream, "config": config}
        made = await self._ask(f"CONSUMER.CREATE.{self._bus.stream}.{name}.{config['filter_subject']}", asked)
        return name, int(made.get("num_pending", 0))

    async def want(self, consumer: str, inbox: str, **what: int | bool) -> None:
        """Ask a consumer for messages, which come to an inbox, as does what becomes of the question.

        Args:
            consumer: its name.
            inbox: where to.
            what: ``batch``, ``max_bytes``, and so on, as the API has it.
        """
        subject = f"{_API}.CONSUMER.MSG.NEXT.{self._bus.stream}.{consumer}"
        await self.client.publish(subject, json.dumps(what).encode(), inbox)

    async def _ask(self, what: str, body: dict[str, Any]) -> dict[str, Any]:
        from nats.errors import NoRespondersError

        bus = self._bus
        question = self.client.request(f"{_API}.{what}", json.dumps(body).encode(), ANSWER_WITHIN)
        asking = asyncio.ensure_future(question)
        while not asking.done():
            # Who may not ask gets no answer, but is told that he may not.
            await asyncio.wait([asking], timeout=0.1)
            if self._objection() and not asking.done():
                asking.cancel()
                raise BusError(bus.server, self._objection())
        try:
            answer: dict[str, Any] = json.loads(asking.result().data)
        except NoRespondersError:
            raise BusError(bus.server, "has no JetStream: it has to run with -js, or be configured so") from None
        except ValueError:
            raise BusError(bus.server, "answers what is no JSON") from None
        error = answer.get("error")
        if error is None:
            return answer
        code = error.get("err_code")
        if code == _NO_STREAM:
            raise BusError(bus.server, f"has no stream {bus.stream}; the first `peephole sensor --create` makes it")
        if code in _NO_JETSTREAM:
            raise BusError(bus.server, "has no JetStream for us: it has to run with -js, or be configured so")
        raise BusError(bus.name, f"can't be read: {error.get('description', code)}")


def status_of(message: Msg) -> str | None:
    """What the server says instead of a message; None for a message."""
    return None if message.data or not message.headers else message.headers.get("Status")


def description_of(message: Msg) -> str:
    """The server's words for a status, in small letters."""
    return (message.headers or {}).get("Description", "").lower()
