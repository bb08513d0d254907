"""One datagram that a relay of the script holds."""

from __future__ import annotations

from collections.abc import Awaitable, Mapping
from typing import TYPE_CHECKING

from app.hand.interception import LiveInterception
from app.intercept_status import HeldMessage, InterceptError
from app.script.expectations import ExpectationFailed
from app.script.steps_in_hand import texts_of
from protocol.editing.fields import fields_of, with_fields
from protocol.editing.values import EditError

if TYPE_CHECKING:
    from protocol.messages import Address


class MessageInHand:
    """A datagram on its way through a relay.

    Args:
        interception: holds it.
        held: as it came.
    """

    def __init__(self, interception: LiveInterception, held: HeldMessage) -> None:
        self.held = held
        """How it came."""
        self._interception = interception
        self._draft = held.draft

    @property
    def number(self) -> int:
        """What names it at its relay."""
        return self.held.number

    @property
    def sent(self) -> bool:
        """Whether the relay is about to send it; else it was received."""
        return self.held.sent

    @property
    def to(self) -> Address:
        """Where it goes; of a received one, where it came from."""
        return self._draft.to

    @property
    def datagram(self) -> bytes:
        """Its bytes, as they are now."""
        return self._draft.data

    @property
    def fields(self) -> dict[str, str]:
        """Its fields as they are now, those of a sealed payload too where the relay can open it."""
        return {field.name: field.text for field in fields_of(self._draft, self.held.opener)}

    async def edit(self, changes: Mapping[str, str] | None = None, /, **more: object) -> MessageInHand:
        """Change fields; what was sealed is sealed again.

        Args:
            changes: values by name, for names with a dot; ``destination`` sends it elsewhere.
            more: the same, as keywords.

        Raises:
            ExpectationFailed: a field can't be changed like that, or the message is not held any more.
        """
        try:
            self._draft = with_fields(self._draft, texts_of(changes, more), self.held.opener)
        except EditError as error:
            raise ExpectationFailed(f"message #{self.number} can't be edited: {error}") from None
        await _told(self._interception.edit(self.number, self._draft))
        return self

    async def revert(self) -> MessageInHand:
        """Take all changes back."""
        await _told(self._interception.revert(self.number))
        self._draft = self.held.draft
        return self

    async def forward(self) -> None:
        """Let it go on, as it is now."""
        await _told(self._interception.forward(self.number))

    async def drop(self) -> None:
        """Let it be lost."""
        await _told(self._interception.drop(self.number))

    async def duplicate(self) -> None:
        """Send a copy of it on, and keep it."""
        await _told(self._interception.duplicate(self.number))

    async def delay(self, seconds: float) -> None:
        """Let it go on by itself later."""
        await _told(self._interception.delay(self.number, seconds))


async def _told(deed: Awaitable[None]) -> None:
    try:
        await deed
    except InterceptError as error:
        raise ExpectationFailed(f"the relay: {error}") from None
