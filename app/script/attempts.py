"""A connection of a script, from the call to connect to its end."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Final

from app.script.expectations import PATIENCE, ExpectationFailed, patience
from protocol.peer.events import Stage
from protocol.peer.failures import Closing
from protocol.peer.live import Conversation, ConversationOver

GREETING: Final = b"hello from the other side"


@dataclass(frozen=True, slots=True)
class Ending:
    """How a connection ended."""

    opened: bool
    """Whether there was a path; what a side says on it was not lost without notice then."""
    error: str
    """The name that an application of the reference sees, as HOLEPUNCH_ABORTED; empty where there is none."""
    cause: str
    """What really happened, one clause."""
    detail: str = ""

    @property
    def text(self) -> str:
        """One line."""
        what = f"{self.cause} ({self.detail})" if self.detail else self.cause
        return f"{self.error}: {what}" if self.error else what


class ScriptAttempt:
    """One connection. Made by `ScriptClient.connect` and `ScriptServer.accepted`."""

    def __init__(self, conversation: Conversation) -> None:
        self.conversation = conversation
        """What it is made of."""
        self._opened = conversation.connection.has_path

    @property
    def id(self) -> str:
        """16 hex digits that name it in captures and reports; empty before its handshake."""
        return self.conversation.connection.attempt.hex()

    @property
    def stage(self) -> Stage:
        """How far it has come."""
        return self.conversation.connection.stage

    async def opened(self, within: float = PATIENCE) -> None:
        """Wait for a path.

        Raises:
            ExpectationFailed: there was none, or not in time.
        """
        try:
            async with patience(within, lambda: f"a connection, which is at: {self.stage.value}"):
                await self.conversation.opened()
        except ConversationOver as over:
            raise ExpectationFailed(f"the connection should have opened, and closed: {over.closing.text}") from None
        self._opened = True

    async def failed(self, within: float = PATIENCE) -> Ending:
        """Wait until it has failed without ever having a path.

        Raises:
            ExpectationFailed: it opened, or nothing happened in time.
        """
        try:
            async with patience(within, lambda: f"the connection to fail, which is at: {self.stage.value}"):
                await self.conversation.opened()
        except ConversationOver as over:
            return _ending(over.closing, opened=False)
        self._opened = True
        raise ExpectationFailed("the connection should have failed, and opened")

    async def echo(self, data: bytes = GREETING, within: float = PATIENCE) -> bytes:
        """Say something and wait for an answer of the same length.

        Raises:
            ExpectationFailed: it closed before that, or nothing came in time.
        """
        await self.opened(within)
        heard = bytearray()
        try:
            async with patience(within, lambda: f"{len(data)} bytes back, of which {len(heard)} came"):
                await self.conversation.send(data)
                while len(heard) < len(data) and (message := await self.conversation.recv()):
                    heard += message
        except ConversationOver as over:
            raise ExpectationFailed(f"the connection closed before the answer: {over.closing.text}") from None
        return bytes(heard)

    async def ended(self, within: float = PATIENCE) -> Ending:
        """Wait for its end, however it comes.

        Raises:
            ExpectationFailed: it goes on.
        """
        async with patience(within, lambda: f"the end of the connection, which is at: {self.stage.value}"):
            closing = await self.conversation.closed()
        return _ending(closing, opened=self._opened or self.conversation.connection.has_path)

    async def end(self, within: float = PATIENCE) -> Ending:
        """Send nothing more, and wait until the other side has ended too."""
        self.conversation.end()
        return await self.ended(within)

    def destroy(self) -> None:
        """Give it up at once."""
        self.conversation.destroy()


async def serve_echo(conversation: Conversation) -> None:
    """Send back what a client says until it ends."""
    try:
        while message := await conversation.recv():
            await conversation.send(message)
        conversation.end()
        await conversation.closed()
    except ConversationOver:
        return
    except asyncio.CancelledError:
        conversation.destroy()
        raise


def _ending(closing: Closing, *, opened: bool) -> Ending:
    error = "" if closing.error is None else str(closing.error)
    return Ending(opened, error, str(closing.cause), closing.detail)
