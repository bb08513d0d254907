"""The attempt list: which columns fit a width, and the line of one attempt."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from dataclasses import dataclass

from app.draw import terms
from app.draw.spans import Line, Span, Tone, cell
from app.wording import OUTCOME_GLYPHS, TOKEN_GLYPHS, clock
from capture.model import Flow, TokenState

Content = tuple[str, Tone]


@dataclass(frozen=True, slots=True)
class Column:
    """One column of the list."""

    id: str
    title: str
    width: int
    content: Callable[[Flow], Content]
    right: bool = False


@dataclass(frozen=True, slots=True)
class AttemptColumns:
    """The columns that one width has room for."""

    columns: tuple[Column, ...]
    state_width: int
    gap: int = 2

    def heading(self) -> Line:
        """Titles of the columns."""
        spans = [Span("   ", Tone.DIM)]
        for column in self.columns:
            spans += [cell(column.title, column.width, Tone.DIM, right=column.right), Span(" " * self.gap)]
        return (*spans, cell("state", self.state_width, Tone.DIM))

    def line(self, flow: Flow, latest: float | None = None) -> Line:
        """One attempt. The first three cells are left to the view, for cursor and mark.

        Args:
            flow: the attempt.
            latest: when the newest packet of a live source came; None for files, where nothing goes on.
        """
        spans = [Span("   ")]
        for column in self.columns:
            text, tone = column.content(flow)
            spans += [cell(text, column.width, tone, right=column.right), Span(" " * self.gap)]
        if latest is not None and terms.goes_on(flow, latest):
            said, tone = f"… {terms.stage(flow)}", Tone.KEY
        else:
            said = f"{OUTCOME_GLYPHS[flow.outcome]} {terms.state(flow, short=self.gap == 1)}"
            tone = terms.OUTCOME_TONE[flow.outcome]
        return (*spans, cell(said, self.state_width, tone))


def attempt_columns(width: int, zone: datetime.tzinfo | None) -> AttemptColumns:
    """Choose columns for `width` cells.

    Args:
        width: cells of a line.
        zone: time zone of the time column; None is the machine's own.
    """
    narrow, wide = width < 100, width >= 150
    columns = [
        Column("time", "time", 8 if narrow else 12, lambda flow: _started(flow, zone, narrow)),
        Column("client", "client", 15 if narrow else 21, lambda flow: _client(flow, narrow)),
    ]
    if wide:
        columns.append(Column("server", "server", 21, lambda flow: (terms.address(flow.server), Tone.PLAIN)))
    columns.append(
        Column("key", "server key" if wide else "key", 9 if not wide else 17, lambda flow: _server_key(flow, wide))
    )
    if narrow:
        columns.append(Column("nat", "NAT c/s", 11, _nats_short))
    else:
        columns.append(Column("client NAT", "client NAT", 11, _client_nat))
        columns.append(Column("server NAT", "server NAT", 11, _server_nat))
    columns.append(Column("rounds", "rnd" if narrow else "rounds", 3 if narrow else 6, _rounds))
    if wide:
        columns.append(Column("client token", "client token", 12, lambda flow: _token(flow.client_token)))
        columns.append(Column("server token", "server token", 12, lambda flow: _token(flow.server_token)))
    else:
        columns.append(Column("tokens", "tok" if narrow else "tokens", 3 if narrow else 6, _tokens))
    if not narrow:
        columns.append(Column("took", "took", 9, lambda flow: (f"{flow.duration:.3f} s", Tone.PLAIN), right=True))
    gap = 2 if wide else 1
    used = 3 + sum(column.width + gap for column in columns)
    return AttemptColumns(tuple(columns), max(10, width - used), gap)


def _started(flow: Flow, zone: datetime.tzinfo | None, narrow: bool) -> Content:
    text = clock(flow.started, zone)
    return text[:8] if narrow else text, Tone.PLAIN


def _client(flow: Flow, narrow: bool) -> Content:
    if narrow and flow.client is not None:
        return terms.host(flow.client), Tone.PLAIN
    return terms.address(flow.client), Tone.PLAIN


def _server_key(flow: Flow, wide: bool) -> Content:
    if flow.key.server_public_key is None:
        return ("key unknown" if wide else "no key"), Tone.WARN
    return terms.key(flow.key.server_public_key, 8 if wide else 4), Tone.PLAIN


def _client_nat(flow: Flow) -> Content:
    return terms.nat_class(flow.client_firewall, flow.client_nat)


def _server_nat(flow: Flow) -> Content:
    return terms.nat_class(flow.server_firewall, flow.server_nat)


def _nats_short(flow: Flow) -> Content:
    client, _ = terms.nat_class(flow.client_firewall, flow.client_nat, short=True)
    server, _ = terms.nat_class(flow.server_firewall, flow.server_nat, short=True)
    return f"{client:<5} {server:<5}", Tone.PLAIN


def _rounds(flow: Flow) -> Content:
    numbers = dict.fromkeys("?" if one.round is None else str(one.round) for one in flow.rounds)
    if not numbers:
        return "–", Tone.DIM
    return " ".join(numbers) if len(numbers) <= 3 else f"{next(iter(numbers))}–{list(numbers)[-1]}", Tone.PLAIN


def _token(state: TokenState) -> Content:
    return f"{TOKEN_GLYPHS[state]} {terms.TOKEN_WORD[state]}", terms.TOKEN_TONE[state]


def _tokens(flow: Flow) -> Content:
    states = (flow.client_token, flow.server_token)
    text = " ".join(TOKEN_GLYPHS[state] for state in states)
    if TokenState.MISMATCH in states:
        return text, Tone.BAD
    return text, Tone.GOOD if TokenState.VERIFIED in states else Tone.PLAIN
