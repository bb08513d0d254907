"""What a script expects, and the error that says that it did not come."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Final

PATIENCE: Final = 30.0
"""Seconds that a script waits for one thing, unless it says how long."""


class ExpectationFailed(Exception):  # noqa: N818 - the program works; what it looked at is not as it should be
    """Something is not as a script expects it; the message is for whoever runs the script."""


def differing(what: str, got: object, wanted: object) -> str:
    """A sentence on a value that is another one."""
    return f"{what} is {_shown(got)}, and should be {_shown(wanted)}"


@asynccontextmanager
async def patience(within: float, what: Callable[[], str]) -> AsyncIterator[None]:
    """Bound how long the block may wait.

    Args:
        within: seconds.
        what: says what did not come; asked when it did not.

    Raises:
        ExpectationFailed: the time is over.
    """
    limit = asyncio.timeout(within)
    try:
        async with limit:
            yield
    except TimeoutError:
        if not limit.expired():
            raise
        raise ExpectationFailed(f"waited {within:g} s for {what()}") from None


def _shown(value: object) -> str:
    return value if isinstance(value, str) and value else repr(value)
