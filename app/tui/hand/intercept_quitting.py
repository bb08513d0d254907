"""Leaving while messages are held: what is to become of them is asked first."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.draw.spans import Span
from app.intercept_status import InterceptError
from app.wording import counted

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from app.intercept_status import Interception
    from app.tui.app import PeepholeApp


def held_by(interception: Interception | None) -> int:
    """How many messages are held."""
    return 0 if interception is None else interception.holding


def ask_first(app: PeepholeApp, interception: Interception, leave: Callable[[], Awaitable[None]]) -> None:
    """Ask what is to become of held messages, and leave unless the user stays; asked again, leave at once.

    Args:
        app: where to ask.
        interception: what holds them.
        leave: leaves.
    """
    from app.tui.pages import ChoiceScreen

    count = held_by(interception)
    one = count == 1
    title = f"{counted(count, 'message')} {'is held on its way' if one else 'are held on their way'}"
    sending, losing = ("send it on", "it is lost") if one else ("send them on", "they are lost")
    choices = (f"{sending}, then leave", f"leave; {losing}", "stay")

    async def send_and_leave() -> None:
        try:
            await interception.forward_all()
        except InterceptError as error:
            app.notify(str(error), severity="error", markup=False)
            return
        await leave()

    def chosen(index: int | None) -> None:
        if index == 0:
            app.run_worker(send_and_leave(), group="leave")
        elif index == 1:
            app.run_worker(_awaited(leave), group="leave")

    question = ChoiceScreen(title, [(Span(choice),) for choice in choices])
    app.question = question
    app.push_screen(question, chosen)


async def _awaited(leave: Callable[[], Awaitable[None]]) -> None:
    await leave()
