"""What fills memory: the sizes of all containers that are reachable from some objects, by class and attribute."""

from __future__ import annotations

import gc
from collections import Counter, deque
from collections.abc import Iterator, Mapping, Set
from types import BuiltinFunctionType, FunctionType, ModuleType
from typing import Any, Final

import numpy as np

_PACKAGES: Final = ("app.", "bench.", "capture.", "protocol.")
_NOT_OURS: Final = (type, ModuleType, FunctionType, BuiltinFunctionType)


def census(*roots: object) -> Counter[str]:
    """Elements in each attribute, over all objects of our classes that the roots hold on to; and how many of those are.

    Attributes go by ``module.Class.attribute``, objects by ``module.Class``. Elements of containers within containers
    are counted with the attribute that the outer one is.
    """
    counts: Counter[str] = Counter()
    seen: set[int] = set()
    waiting: deque[object] = deque(roots)
    while waiting:
        one = waiting.pop()
        if id(one) in seen or isinstance(one, _NOT_OURS):
            continue
        seen.add(id(one))
        name = f"{type(one).__module__}.{type(one).__qualname__}"
        if name.startswith(_PACKAGES):
            counts[name] += 1
            for attribute, value in _attributes(one):
                size = _size(value)
                if size:
                    counts[f"{name}.{attribute}"] += size
        waiting.extend(gc.get_referents(one))
    return counts


def grown(before: Mapping[str, int], after: Mapping[str, int], least: int) -> dict[str, tuple[int, int]]:
    """What has more elements than before, by at least so many."""
    return {name: (before.get(name, 0), count) for name, count in after.items() if count - before.get(name, 0) >= least}


def _attributes(one: object) -> Iterator[tuple[str, Any]]:
    yield from getattr(one, "__dict__", {}).items()
    for kind in type(one).__mro__:
        slots = kind.__dict__.get("__slots__", ())
        for name in (slots,) if isinstance(slots, str) else slots:
            # An empty slot of a deferred value would work it out when it is asked for like this.
            member = kind.__dict__.get(name)
            try:
                value = None if member is None else member.__get__(one, type(one))
            except AttributeError:
                continue
            if value is not None:
                yield name, value


def _size(value: Any, depth: int = 2) -> int:
    if isinstance(value, np.ndarray):
        return int(value.size)
    if isinstance(value, (bytes, bytearray, str)):
        return len(value)
    if isinstance(value, Mapping):
        inner: Iterator[Any] = iter(value.values())
    elif isinstance(value, (list, tuple, deque, Set)):
        inner = iter(value)
    else:
        return 0
    total = len(value)
    return total + sum(_size(one, depth - 1) for one in inner if isinstance(one, (list, set, dict))) if depth else total
