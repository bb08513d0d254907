"""Publishing on NATS JetStream: a thread with an event loop that empties an outbox into a stream, for ever.

What the server has not acknowledged stays in the outbox. When the connection goes, or an acknowledgement does not come,
another connection is made, and all of that is sent again under the same message ids: the server stores it once.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from capture.sensors.bus import Bus, BusError, connect, why_not
from capture.sensors.outbox import Outbox, Parcel
from capture.sensors.published_stream import Limits, check_size, find_stream, refusal

if TYPE_CHECKING:
    from nats.aio.client import Client
    from nats.js import JetStreamContext

ACKNOWLEDGED_WITHIN: Final = 10.0
"""Seconds after which a connection that does not acknowledge is given up."""
FIRST_PAUSE: Final = 0.1
LONGEST_PAUSE: Final = 5.0
"""Seconds between two attempts to connect."""
LOOK: Final = 0.5
"""Seconds between two looks whether the connection is still of use."""


class Publisher:
    """Empties an outbox into a stream.

    Args:
        bus: where to.
        name: who we are, for whoever looks at the server.
        outbox: what is to be sent; nobody else may touch it once this has started, but through `put`.
        create: bounds of the stream, which is made if it is missing; None: it has to be there.
        said: told, in the thread that publishes, when the connection goes and when it is back.
    """

    def __init__(
        self,
        bus: Bus,
        name: str,
        outbox: Outbox,
        create: Limits | None = None,
        said: Callable[[str], None] = lambda _: None,
    ) -> None:
        self.reconnects = 0
        """How many times the connection went and came back."""
        self._bus = bus
        self._name = name
        self._outbox = outbox
        self._create = create
        self._said = said
        self._changed = threading.Condition()
        self._first: BusError | None = None
        self._begun = False
        self._ending = False
        self._leaving = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self._wake: asyncio.Event | None = None
        self._sent_at: dict[int, float] = {}
        self._trouble: Exception | None = None
        self._objections: list[str] = []
        self._thread = threading.Thread(target=self._run, name=f"publishing to {bus.server}", daemon=True)

    def start(self) -> None:
        """Connect, find the stream, and have the first record stored, if there is one.

        Raises:
            BusError: the server or the stream can't be used.
        """
        self._thread.start()
        with self._changed:
            self._changed.wait_for(lambda: self._begun or self._first is not None)
        if self._first is not None:
            self._thread.join()
            raise self._first

    def put(self, subject: str, message_id: str, data: bytes) -> None:
        """Put a record into the outbox."""
        with self._changed:
            self._outbox.put(subject, message_id, data)
        self._nudge()

    @property
    def full(self) -> bool:
        """Whether nothing more should be put in for now."""
        with self._changed:
            return self._outbox.full

    @property
    def left(self) -> int:
        """Records that are not acknowledged."""
        with self._changed:
            return len(self._outbox)

    def wait_for_room(self, timeout: float) -> bool:
        """Wait until the outbox is not full, at most `timeout` seconds; whether it is not."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._outbox.full, timeout)

    def finish(self, timeout: float, given_up: Callable[[], bool] = lambda: False) -> int:
        """Wait until all is acknowledged, and end; how many records never were.

        Args:
            timeout: seconds.
            given_up: asked now and then whether to wait no longer.
        """
        self._ending = True
        self._nudge()
        while timeout > 0 and self._thread.is_alive() and not given_up():
            self._thread.join(min(timeout, 0.2))
            timeout -= 0.2
        self._leaving = True
        self._nudge()
        self._thread.join(LONGEST_PAUSE)
        return self.left

    def _nudge(self) -> None:
        loop, wake = self._loop, self._wake
        if loop is not None and wake is not None and self._thread.is_alive():
            try:
                loop.call_soon_threadsafe(wake.set)
            except RuntimeError:  # the loop has just ended
                return

    def _run(self) -> None:
        try:
            asyncio.run(self._publish())
        finally:
            with self._changed:
                if not self._begun and self._first is None:
                    self._first = BusError(self._bus.server, "publishing ended")
                self._changed.notify_all()

    async def _publish(self) -> None:
        self._loop, self._wake = asyncio.get_running_loop(), asyncio.Event()
        pause, told, connections = FIRST_PAUSE, False, 0
        while not self._over():
            trouble: str | BusError | None
            try:
                client, stream = await self._connected()
            except BusError as error:
                trouble = error
            else:
                connections += 1
                self.reconnects = connections - 1
                if told:
                    self._said(f"{self._bus.server}: connected again")
                    told, pause = False, FIRST_PAUSE
                with self._changed:
                    self._outbox.rewind()
                self._sent_at.clear()
                trouble = await self._empty(client, stream)
                await _closed(client)
            if trouble is None:
                continue
            why = trouble if isinstance(trouble, BusError) else BusError(self._bus.server, trouble)
            if not self._begun:
                self._first = why
                return
            if not told:
                self._said(f"{why}; {counted(self.left)}; trying again")
                told = True
            await self._pause(pause)
            pause = min(2 * pause, LONGEST_PAUSE)

    async def _connected(self) -> tuple[Client, JetStreamContext]:
        """A connection, and the stream behind it.

        Raises:
            BusError: there is none.
        """
        self._objections.clear()
        client = await connect(self._bus, self._name, self._objected)
        try:
            check_size(self._bus, client.max_payload, "max_payload")
            stream = client.jetstream(timeout=ACKNOWLEDGED_WITHIN / 2)
            await find_stream(stream, self._bus, self._create, self._unless_refused)
        except BaseException:
            await _closed(client)
            raise
        return client, stream

    async def _unless_refused(self, asking: Coroutine[Any, Any, Any]) -> Any:
        """The answer to something; None, at once, where the server says that we may not ask it."""
        assert self._wake is not None
        answer = asyncio.ensure_future(asking)
        while not answer.done() and not self._objections:
            self._wake.clear()
            refused = asyncio.ensure_future(self._wake.wait())
            await asyncio.wait((answer, refused), return_when=asyncio.FIRST_COMPLETED)
            refused.cancel()
        if not answer.done():
            answer.cancel()
            self._objections.clear()
            return None
        return answer.result()

    async def _empty(self, client: Client, stream: JetStreamContext) -> str | None:
        """Send what there is, until the connection is of no use any more: why; None at the end."""
        from nats.errors import Error

        assert self._wake is not None
        self._trouble = None
        try:
            while not self._over():
                self._may_have_begun()
                self._wake.clear()
                with self._changed:
                    parcel = self._outbox.take()
                if parcel is not None:
                    await self._send(stream, parcel)
                    continue
                if self._trouble is not None:
                    return refusal(self._trouble, self._bus)
                if self._objections:
                    return self._objections[-1]
                if client.is_closed:
                    return "the connection has gone"
                if self._late():
                    return f"acknowledges nothing within {ACKNOWLEDGED_WITHIN:g} seconds"
                await self._rest(LOOK)
        except (Error, OSError, TimeoutError) as error:
            return why_not(error)
        return None

    async def _send(self, stream: JetStreamContext, parcel: Parcel) -> None:
        assert self._loop is not None
        headers = {"Nats-Msg-Id": parcel.message_id}
        answer = await asyncio.wait_for(
            stream.publish_async(parcel.subject, parcel.data, stream=self._bus.stream, headers=headers),
            ACKNOWLEDGED_WITHIN,
        )
        self._sent_at[parcel.number] = self._loop.time()
        answer.add_done_callback(partial(self._answered, parcel.number))

    def _answered(self, number: int, answer: asyncio.Future[Any]) -> None:
        assert self._wake is not None
        self._sent_at.pop(number, None)
        error = None if answer.cancelled() else answer.exception()
        if error is None and not answer.cancelled():
            with self._changed:
                self._outbox.acknowledged(number)
                self._changed.notify_all()
        elif isinstance(error, Exception) and self._trouble is None:
            self._trouble = error
        self._wake.set()

    def _late(self) -> bool:
        """Whether an acknowledgement is overdue."""
        assert self._loop is not None
        first = next(iter(self._sent_at.values()), None)
        return first is not None and self._loop.time() - first > ACKNOWLEDGED_WITHIN

    def _over(self) -> bool:
        return self._leaving or (self._ending and not self.left)

    def _may_have_begun(self) -> None:
        with self._changed:
            if not self._begun and (self._outbox.acknowledged_count or not len(self._outbox)):
                self._begun = True
                self._changed.notify_all()

    def _objected(self, error: Exception) -> None:
        """The server says that it did not do something; which message that was is not told."""
        from nats.js.errors import Error

        if isinstance(error, Error):
            self._trouble = self._trouble or error
            if self._wake is not None:
                self._wake.set()
        if "permissions violation" in str(error).lower():
            self._objections[:] = [str(error).removeprefix("nats: ").strip("'")]
            if self._wake is not None:
                self._wake.set()

    async def _rest(self, seconds: float) -> None:
        """Wait until something has happened, at most for so long."""
        assert self._wake is not None
        try:
            await asyncio.wait_for(self._wake.wait(), seconds)
        except TimeoutError:
            return

    async def _pause(self, seconds: float) -> None:
        """Wait for so long, or until there is nothing more to be done."""
        assert self._loop is not None
        assert self._wake is not None
        end = self._loop.time() + seconds
        while not self._over() and (left := end - self._loop.time()) > 0:
            self._wake.clear()
            await self._rest(left)


def counted(records: int) -> str:
    """How many records wait."""
    return f"{records} {'record waits' if records == 1 else 'records wait'}"


async def _closed(client: Client) -> None:
    from nats.errors import Error

    try:
        await asyncio.wait_for(client.close(), LONGEST_PAUSE)
    except (Error, OSError, TimeoutError):
        return  # it is gone all the same
