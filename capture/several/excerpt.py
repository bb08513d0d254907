"""Some rows of a packet table as a table of their own, for code that looks at whole tables. No bytes are copied."""

from __future__ import annotations

import numpy as np

from capture.arrays import I64
from capture.table import PacketTable


def excerpt(table: PacketTable, rows: I64) -> PacketTable:
    """Some rows, with the copies that each file shows of its own, as before any files were merged.

    Args:
        table: the sources' rows, merged; one datagram is at most one group of copies in each file.
        rows: ascending.
    """
    found = PacketTable()
    found.files, found.segments = table.files, table.segments
    found.share_hosts6(table)
    if not rows.size:
        return found
    columns = {name: table.stored(name)[rows] for name in table.columns}
    columns["copy_of"] = own_copies(rows, columns["copy_of"].astype(np.int64), columns["file"].astype(np.int64))
    found.append(**columns)
    if table.assembled:
        place = {row: index for index, row in enumerate(rows.tolist()) if row in table.assembled}
        found.assembled = {index: table.assembled[row] for row, index in place.items()}
        found.pieces = {index: table.pieces[row] for row, index in place.items()}
    return found


def own_copies(rows: I64, copy_of: I64, file: I64) -> I64:
    """For some rows of a merged table the index among them of what each shows again of its own file; -1 for none.

    Args:
        rows: their numbers.
        copy_of: of these rows.
        file: of these rows.
    """
    root = np.where(copy_of < 0, rows, copy_of)
    order = np.lexsort((rows, file, root))
    new = np.ones(rows.size, np.bool_)
    new[1:] = (root[order][1:] != root[order][:-1]) | (file[order][1:] != file[order][:-1])
    first = order[new]
    own = np.empty(rows.size, np.int64)
    own[order] = np.repeat(first, np.diff(np.append(np.flatnonzero(new), rows.size)))
    return np.where(own == np.arange(rows.size), -1, own)
