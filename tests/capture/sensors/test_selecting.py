"""Which rows are published: each once, also when a bounded table gives them other numbers."""

from __future__ import annotations

import numpy as np

from capture.envelopes import Kind
from capture.kept_rows import picked
from capture.opening import open_captures
from capture.sensors.selecting import JOINED_WITHIN_NS, OURS, WITNESS_NS, Selection
from capture.table import PacketTable
from tests.app.running import LAB


def table(*names: str) -> PacketTable:
    return open_captures([str(LAB / f"{name}.pcap.gz") for name in names or ("tour/wan",)])


def test_a_row_is_given_once_and_its_copies_go_along() -> None:
    rows = table("consistent-consistent/client", "consistent-consistent/wan")
    copies = np.flatnonzero(rows.copy_of >= 0)
    assert copies.size
    primary = int(rows.copy_of[copies[0]])
    selection = Selection(rows, everything=False)
    first = selection.fresh([int(copies[0])], ()).tolist()
    assert {primary, int(copies[0])} <= set(first)
    assert not {primary, int(copies[0])} & set(selection.fresh([primary], ()).tolist())


def test_everything_is_every_message_and_no_stream() -> None:
    rows = table()
    found = Selection(rows, everything=True).fresh((), ())
    assert found.tolist() == np.flatnonzero(np.isin(rows.kind, OURS)).tolist()
    assert Kind.UDX not in rows.kind[found]


def test_a_message_now_and_then_shows_that_it_was_listened() -> None:
    rows = table()
    selection = Selection(rows, everything=False)
    [witness] = selection.fresh((), ()).tolist()
    assert rows.kind[witness] == Kind.RESPONSE or rows.asked_internally(np.array([witness]))[0]
    assert rows.time_ns[-1] - rows.time_ns[witness] < WITNESS_NS
    assert selection.fresh((), ()).size == 0


def test_what_was_published_stays_so_in_a_smaller_table() -> None:
    rows = table()
    count = len(rows)
    selection = Selection(rows, everything=False)
    ours = np.flatnonzero(np.isin(rows.kind, OURS) & (rows.copy_of < 0))
    told = ours[:: len(ours) // 50]
    sent = set(selection.fresh(told.tolist(), ()).tolist())
    primary = np.where(rows.copy_of >= 0, rows.copy_of, np.arange(count))
    kept = np.flatnonzero(np.isin(primary, ours[ours >= count // 2]))
    smaller = picked(rows, kept)
    smaller.files += rows.files
    selection.move(smaller)
    late = rows.time_ns > rows.time_ns.max() - JOINED_WITHIN_NS
    gone = np.isin(rows.kind, OURS) & late & ~np.isin(np.arange(count), [*sent, *kept])
    assert selection.let_go == gone.sum() > 0
    frames = rows.frame[sorted(sent)]
    again = smaller.frame[selection.fresh(range(len(smaller)), ())]
    assert not set(again.tolist()) & set(frames.tolist())
    assert set(again.tolist()) == set(smaller.frame.tolist()) - set(frames.tolist())
