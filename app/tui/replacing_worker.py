"""Work of which only the newest counts: another of its group ends it."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any, ParamSpec

from textual.dom import DOMNode
from textual.worker import Worker

P = ParamSpec("P")


def replace_worker(
    node: DOMNode, group: str, work: Callable[P, Coroutine[Any, Any, None]], *args: P.args, **kwargs: P.kwargs
) -> Worker[None]:
    """Begin such work.

    It is called when its turn comes: a coroutine that was made before, of a worker that another one ends before it has
    begun, would never be awaited.

    Args:
        node: the worker ends with it.
        group: a worker of the same node and group is ended.
        work: what is called, with what follows.
        args: for `work`.
        kwargs: for `work`.
    """
    begin: Callable[[], Coroutine[Any, Any, None]] = partial(work, *args, **kwargs)
    return node.run_worker(begin, group=group, exclusive=True)
