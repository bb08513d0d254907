"""Names for the numpy array types that the packet columns are made of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    T = TypeVar("T", bound=np.generic)

    I64 = NDArray[np.int64]
    I32 = NDArray[np.int32]
    U64 = NDArray[np.uint64]
    U32 = NDArray[np.uint32]
    U16 = NDArray[np.uint16]
    U8 = NDArray[np.uint8]
    Bools = NDArray[np.bool_]
    Array = NDArray[Any]
    Rows = I64 | slice
    """Which entries of a column."""
else:
    # Only annotations name them, and nothing reads those when the program runs: numpy.typing need not be imported.
    I64 = I32 = U64 = U32 = U16 = U8 = Bools = Array = Rows = object


def distinct(values: NDArray[T]) -> NDArray[T]:
    """The different values, in order. `numpy.unique` would import all of masked arrays for this."""
    if values.size < 2:
        return values
    values = np.sort(values)
    kept = np.empty(values.size, np.bool_)
    kept[0] = True
    np.not_equal(values[1:], values[:-1], out=kept[1:])
    return values[kept]
