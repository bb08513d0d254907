"""Reading a JetStream stream in order, whatever happens to the connection, in a thread with an event loop.

An ephemeral consumer that acknowledges nothing hands out messages as we ask for them, so that what waits here is
bounded and the rest waits in the stream. Its messages are numbered; one that is missing, a silence, or a connection
that goes, and another consumer is made behind the last message that was taken. So each comes once, in the order of the
stream. A message too large to be a record is stepped over without being loaded.
"""

from __future__ import annotations

import asyncio
import threading
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from capture.sensors.bus import Bus, BusError, close, connect, why_not
from capture.sensors.jet_stream import (
    ANSWER_WITHIN,
    GONE_STATUS,
    HEARTBEAT_STATUS,
    NS,
    JetStream,
    description_of,
    status_of,
)
from capture.sensors.records import PREFIX, Kind

if TYPE_CHECKING:
    from nats.aio.client import Client
    from nats.aio.msg import Msg
    from nats.aio.subscription import Subscription

ROOM: Final = 32 << 20
"""Bytes that may wait; more is not asked for."""
BATCH: Final = 64
"""Messages that are asked for at once."""
BATCH_BYTES: Final = 4 << 20
"""Bytes that they may have; what is larger is no record, see `capture.sensors.records.MOST_BYTES`."""
MOST_DESCRIBED: Final = 1024
"""Sensors whose newest description is asked for before all else."""
FIRST_PAUSE: Final = 0.1
LONGEST_PAUSE: Final = 2.0
"""Seconds between two attempts to connect."""
HEARTBEAT: Final = 1.0
"""Seconds after which the server says that it is still there."""
SILENCE: Final = 3.5
"""Seconds of silence after which the consumer is taken for gone."""
ASKED_FOR: Final = 10.0
"""Seconds that one question for messages stands."""


@dataclass(frozen=True, slots=True)
class Since:
    """Where in the stream to begin: at its start, at what was stored since some time, or behind all there is."""

    time_ns: int | None = None
    new: bool = False

    @property
    def everything(self) -> bool:
        """Whether it is the start."""
        return self.time_ns is None and not self.new


class Delivered(NamedTuple):
    """A message of the stream."""

    number: int
    """In the stream, from 1; 0 for a description that is given before its turn."""
    stored_ns: int
    """When the server stored it."""
    subject: str
    data: bytes | None
    """None: it is too large to be a record."""
    size: int


class _AgainError(Exception):
    """Another consumer is needed."""


class StreamReader:
    """Messages of a stream, from `start` to `stop`.

    Args:
        bus: which stream.
        since: where to begin.
        until_now: whether to end with what was there at the start.
        room: bytes that may wait.
    """

    def __init__(self, bus: Bus, since: Since, *, until_now: bool = False, room: int = ROOM) -> None:
        self.trouble: str | None = None
        """Why nothing comes at the moment; None while connected."""
        self.reconnects = 0
        self.remade = 0
        """How many times the stream was another one than before."""
        self.ended = False
        """Whether everything that was asked for has been delivered."""
        self.behind = 0
        """Messages that the stream has beyond the last that was delivered."""
        self._bus = bus
        self._since = since
        self._until_now = until_now
        self._room = room
        self._lock = threading.Lock()
        self._waiting: list[Delivered] = []
        self._waiting_bytes = 0
        self._arrived = threading.Event()
        self._begun = threading.Event()
        self._first: BusError | None = None
        self._last = 0
        self._created = ""
        self._target: int | None = None
        self._objection = ""
        self._loop: asyncio.AbstractEventLoop | None = None
        self._emptied: asyncio.Event | None = None
        self._task: asyncio.Task[None] | None = None
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name=f"reading {bus.server}", daemon=True)

    def start(self) -> None:
        """Connect and find the stream.

        Raises:
            BusError: that can't be done.
        """
        self._thread.start()
        self._begun.wait()
        if self._first is not None:
            self._thread.join()
            raise self._first

    def stop(self) -> None:
        """End it; what waits can still be taken. May be called again."""
        self._stopping = True
        loop, task = self._loop, self._task
        if self._thread.is_alive() and loop is not None and task is not None:
            with suppress(RuntimeError):  # the loop may just have ended
                loop.call_soon_threadsafe(task.cancel)
            self._thread.join()

    @property
    def waits(self) -> bool:
        """Whether something waits to be taken."""
        return bool(self._waiting)

    def wait(self, timeout: float) -> bool:
        """Wait until something has come, at most `timeout` seconds; whether it has."""
        return self._arrived.wait(timeout)

    def take(self) -> list[Delivered]:
        """What has come; more is asked for in its place."""
        with self._lock:
            waiting, self._waiting, self._waiting_bytes = self._waiting, [], 0
            if not self.ended:
                self._arrived.clear()
        if waiting and self._loop is not None and self._emptied is not None:
            with suppress(RuntimeError):  # the loop may have ended
                self._loop.call_soon_threadsafe(self._emptied.set)
        return waiting

    def _run(self) -> None:
        try:
            asyncio.run(self._main())
        finally:
            self.ended = True
            self._begun.set()
            self._arrived.set()

    async def _main(self) -> None:
        self._loop, self._emptied = asyncio.get_running_loop(), asyncio.Event()
        self._task = asyncio.create_task(self._read())
        if self._stopping:
            self._task.cancel()
        await asyncio.wait([self._task])
        if not self._task.cancelled():
            self._task.result()

    async def _read(self) -> None:
        pause = FIRST_PAUSE
        while not self.ended:
            before = self._last
            try:
                client = await connect(self._bus, "peephole", self._objected)
                try:
                    await self._connected(client)
                finally:
                    await close(client)
            except BusError as error:
                if self._last != before:
                    pause = FIRST_PAUSE
                if not self._begun.is_set():
                    self._first = error
                    return
                self.trouble = error.reason
                self._arrived.set()
                await asyncio.sleep(pause)
                pause = min(2 * pause, LONGEST_PAUSE)

    async def _connected(self, client: Client) -> None:
        """Read on over one connection, until all was read.

        Raises:
            BusError: it went.
        """
        from nats.errors import Error

        self._objection = ""
        jet = JetStream(client, self._bus, lambda: self._objection)
        try:
            await self._find_stream(jet)
            if not self._begun.is_set():
                await self._describe(jet)
                self._begun.set()
            else:
                self.reconnects += 1
            self.trouble = None
            while not self.ended:
                try:
                    await self._consume(jet)
                except _AgainError:
                    continue
        except (Error, OSError, TimeoutError) as error:
            raise BusError(self._bus.server, self._objection or why_not(error)) from None
        except (KeyError, TypeError, ValueError):
            raise BusError(self._bus.server, "answers otherwise than JetStream does") from None

    async def _find_stream(self, jet: JetStream) -> None:
        found = await jet.stream()
        state, created = found["state"], str(found["created"])
        first, last = int(state["first_seq"]), int(state["last_seq"])
        if self._created and (created != self._created or last < self._last):
            # Another stream of this name: it is read from its start, whatever was read of the other.
            self._last = 0
            self.remade += 1
        elif not self._created and self._since.new:
            self._last = last
        self._created = created
        if self._until_now and self._target is None:
            self._target = last
            if not int(state["messages"]) or first > last:
                self._end()

    async def _describe(self, jet: JetStream) -> None:
        """Take the newest description of each sensor: what comes may be of one that described itself long ago."""
        subject = f"{PREFIX}.{self._bus.stream}.*.{Kind.SENSOR}"
        consumer, pending = await jet.consumer({"deliver_policy": "last_per_subject", "filter_subject": subject})
        if not pending:
            return
        inbox = jet.client.new_inbox()
        subscription = await jet.client.subscribe(inbox)
        await jet.want(consumer, inbox, batch=min(pending, MOST_DESCRIBED), max_bytes=BATCH_BYTES, no_wait=True)
        for _ in range(min(pending, MOST_DESCRIBED)):
            message = await subscription.next_msg(ANSWER_WITHIN)
            if status_of(message) is not None:
                break
            self._put(_delivered(message, 0))
        await subscription.unsubscribe()

    async def _consume(self, jet: JetStream) -> None:
        """Read with one consumer.

        Raises:
            _AgainError: another one is needed.
        """
        consumer, pending = await jet.consumer(self._from())
        self.behind = pending
        if not pending and self._until_now:
            self._end()
            return
        inbox = jet.client.new_inbox()
        subscription = await jet.client.subscribe(inbox, pending_bytes_limit=4 * BATCH_BYTES)
        lasting = {"expires": int(ASKED_FOR * NS), "idle_heartbeat": int(HEARTBEAT * NS)}
        expected = 1
        try:
            while not self.ended:
                await self._room_again()
                await jet.want(consumer, inbox, batch=BATCH, max_bytes=BATCH_BYTES, **lasting)
                expected = await self._batch(jet, subscription, expected)
        finally:
            if not jet.client.is_closed:
                await subscription.unsubscribe()

    async def _batch(self, jet: JetStream, subscription: Subscription, expected: int) -> int:
        """Take the answers to one question; the number of the next message of the consumer."""
        for came in range(BATCH):
            message = await self._next_message(jet.client, subscription)
            while (status := status_of(message)) == HEARTBEAT_STATUS:
                message = await self._next_message(jet.client, subscription)
            if status is not None:
                if status != GONE_STATUS:
                    return expected
                if "maxbytes" not in description_of(message):
                    raise _AgainError
                # It may be too large for what the others have left.
                return expected if came else await self._step_over(jet, expected)
            about = message.metadata
            if about.sequence.consumer != expected:
                raise _AgainError
            expected += 1
            self._last = about.sequence.stream
            self.behind = about.num_pending
            self._put(_delivered(message, self._last))
            if self._target is not None and (self._last >= self._target or not about.num_pending):
                self._end()
                break
        return expected

    async def _next_message(self, client: Client, subscription: Subscription) -> Msg:
        from nats.errors import ConnectionClosedError

        for _ in range(int(SILENCE / 0.25)):
            try:
                return await subscription.next_msg(0.25)
            except TimeoutError:
                if client.is_closed:
                    raise ConnectionClosedError from None
        raise BusError(self._bus.server, f"has been silent for {SILENCE:g} seconds")

    async def _step_over(self, jet: JetStream, expected: int) -> int:
        """Leave out the next message, which is too large: take its number, and nothing else of it."""
        consumer, _ = await jet.consumer({**self._from(), "headers_only": True})
        inbox = jet.client.new_inbox()
        subscription = await jet.client.subscribe(inbox)
        await jet.want(consumer, inbox, batch=1, no_wait=True)
        message = await subscription.next_msg(ANSWER_WITHIN)
        await subscription.unsubscribe()
        if status_of(message) is None:
            self._last = message.metadata.sequence.stream
            size = (message.headers or {}).get("Nats-Msg-Size", "")
            size_told = int(size) if size.isascii() and size.isdigit() and len(size) < 12 else BATCH_BYTES
            delivered = _delivered(message, self._last)
            self._put(delivered._replace(data=None, size=size_told))
            if self._target is not None and (self._last >= self._target or not message.metadata.num_pending):
                self._end()
                return expected
        raise _AgainError

    def _from(self) -> dict[str, Any]:
        """Where a consumer is to begin."""
        if self._last or self._since.new:
            return {"deliver_policy": "by_start_sequence", "opt_start_seq": self._last + 1}
        if self._since.time_ns is not None:
            moment = datetime.fromtimestamp(self._since.time_ns / NS, UTC)
            return {"deliver_policy": "by_start_time", "opt_start_time": moment.isoformat().replace("+00:00", "Z")}
        return {"deliver_policy": "all"}

    def _objected(self, error: Exception) -> None:
        """The server says that we may not do something."""
        if "permissions violation" in str(error).lower():
            self._objection = f"does not permit us to read: {str(error).removeprefix('nats: ').strip(chr(39)).lower()}"

    def _put(self, delivered: Delivered) -> None:
        with self._lock:
            self._waiting.append(delivered)
            self._waiting_bytes += len(delivered.data or b"")
            self._arrived.set()

    async def _room_again(self) -> None:
        assert self._emptied is not None
        while True:
            self._emptied.clear()
            with self._lock:
                if self._waiting_bytes < self._room:
                    return
            await self._emptied.wait()

    def _end(self) -> None:
        self.ended = True
        self._arrived.set()


def _delivered(message: Msg, number: int) -> Delivered:
    stored_ns = round(message.metadata.timestamp.timestamp() * 1e6) * 1000
    return Delivered(number, stored_ns, message.subject, message.data, len(message.data))
