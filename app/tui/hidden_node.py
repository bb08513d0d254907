"""A running node behind the mask: what it shows of itself is masked while addresses and keys are hidden."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from app.node_status import NodeStatus, RunningNode

if TYPE_CHECKING:
    from app.hand.desk import DeskControl
    from app.intercept_status import Interception
    from capture.masking.masking import Masking


class HiddenNode:
    """A node, as screens may show it.

    Args:
        node: the node itself.
        masking: what stands for what now; None while nothing is hidden.
    """

    def __init__(self, node: RunningNode, masking: Callable[[], Masking | None]) -> None:
        self._node = node
        self._masking = masking

    @property
    def name(self) -> str:
        """What it is called on screen."""
        return self._node.name

    @property
    def desk(self) -> DeskControl | None:
        """Where steps of its own wait for a person; the screen that shows them masks them itself."""
        return self._node.desk

    @property
    def interception(self) -> Interception | None:
        """What holds messages on their way through it; the screen that shows them masks them itself."""
        return self._node.interception

    @property
    def farewell(self) -> str:
        """What `stop` has to wait for."""
        return self._node.farewell

    def status(self) -> NodeStatus | None:
        """How it is now, masked if need be."""
        status, masking = self._node.status(), self._masking()
        if status is None or masking is None:
            return status
        masked: NodeStatus = masking.value(status)
        return masked

    async def start(self) -> None:
        """Start the node."""
        await self._node.start()

    async def stop(self) -> None:
        """Stop it, with leave taken."""
        await self._node.stop()

    async def close_now(self) -> None:
        """Stop it at once."""
        await self._node.close_now()
