"""Every column that the attempt list can have: what it says, how wide it is, and how its values compare.

A column comes in three sizes. Its text is made for one size, its sort key is the same in all; a key of None is a value
that is not known, which goes to the end whichever way a list is sorted. `Reads` says what looking at it makes of an
attempt: the fields of an attempt are worked out in stages (`capture.flows.deferred`), and some stages cost much.
"""

from __future__ import annotations

import datetime
import socket
from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, Final

from app.draw import terms
from app.draw.spans import Tone
from app.terminal_text import safe_text
from app.wording import OUTCOME_GLYPHS, TOKEN_GLYPHS, clock, grouped
from capture.model import Flow, Path, Role, TokenState, VerdictCode
from protocol.messages import Address

Content = tuple[str, Tone]
Key = Any
"""Values of one column compare with each other; None is unknown."""


class Size(IntEnum):
    """How much room a column has."""

    COMPACT = 0
    REGULAR = 1
    WIDE = 2


class Reads(IntEnum):
    """What an attempt has to be worked out for; each stage costs more than the one before."""

    LISTED = 0
    """Nothing: who and when."""
    JUDGED = 1
    """Facts and verdict."""
    SAMPLED = 2
    """The responses that sampled its sockets, too."""
    DRAWN = 3
    """Every packet."""


@dataclass(frozen=True, slots=True)
class Shown:
    """What a row says beside what is in its attempt."""

    zone: datetime.tzinfo | None = None
    """Of the time column; None is the machine's own."""
    latest: float | None = None
    """When the newest packet of a live source came; None for files, where nothing goes on."""
    number: Callable[[Flow], int] = lambda _: 0
    """Place of an attempt among all, from 1, oldest first."""
    files: tuple[str, ...] = ()
    """Names of the files, by their index in sightings."""
    comment: Callable[[Flow], str] = lambda _: ""
    """What the user wrote about an attempt."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column."""

    id: str
    titles: tuple[str, str, str]
    """By size."""
    widths: tuple[int, int, int]
    """Cells, by size."""
    help: str
    content: Callable[[Flow, Shown, Size], Content]
    key: Callable[[Flow], Key] | None
    """None: no list is sorted by it."""
    reads: Reads = Reads.JUDGED
    right: bool = False
    """Whether text stands at the right end of the cell, as numbers do."""


def _column(
    id_: str,
    title: str,
    widths: tuple[int, int, int],
    help_: str,
    content: Callable[[Flow, Shown, Size], Content],
    key: Callable[[Flow], Key] | None,
    reads: Reads = Reads.JUDGED,
    *,
    right: bool = False,
    short: str = "",
) -> Column:
    return Column(id_, (short or title, title, title), widths, help_, content, key, reads, right)


def _number(flow: Flow, shown: Shown, _size: Size) -> Content:
    return grouped(shown.number(flow)), Tone.DIM


def _started(flow: Flow, shown: Shown, size: Size) -> Content:
    text = clock(flow.started, shown.zone)
    return text[:8] if size is Size.COMPACT else text, Tone.PLAIN


def _endpoint(address: Address | None, size: Size) -> Content:
    if address is None:
        return "?", Tone.DIM
    return terms.host(address) if size is Size.COMPACT else terms.address(address), Tone.PLAIN


def _inside(role: Role) -> Callable[[Flow, Shown, Size], Content]:
    def content(flow: Flow, _shown: Shown, size: Size) -> Content:
        found = _inside_address(flow, role)
        return ("–", Tone.DIM) if found is None else _endpoint(found, size)

    return content


def _inside_address(flow: Flow, role: Role) -> Address | None:
    return next((lane.inside[0] for lane in flow.lanes if lane.role is role and lane.inside), None)


def _server_key(flow: Flow, _shown: Shown, size: Size) -> Content:
    if flow.key.server_public_key is None:
        return ("key unknown" if size is Size.WIDE else "no key"), Tone.WARN
    return terms.key(flow.key.server_public_key, 8 if size is Size.WIDE else 4), Tone.PLAIN


def _target(flow: Flow, _shown: Shown, size: Size) -> Content:
    return terms.key(flow.target, 8 if size is Size.WIDE else 4), Tone.PLAIN


def _relays(flow: Flow, _shown: Shown, size: Size) -> Content:
    if not flow.relays:
        return "–", Tone.DIM
    if size is Size.COMPACT:
        return str(len(flow.relays)), Tone.RELAY
    more = f" +{len(flow.relays) - 1}" if len(flow.relays) > 1 else ""
    return terms.address(flow.relays[0]) + more, Tone.RELAY


def _nats(flow: Flow, _shown: Shown, _size: Size) -> Content:
    client, _ = terms.nat_class(flow.client_firewall, flow.client_nat, short=True)
    server, _ = terms.nat_class(flow.server_firewall, flow.server_nat, short=True)
    return f"{client:<5} {server:<5}", Tone.PLAIN


def _nat(side: str) -> tuple[Callable[[Flow, Shown, Size], Content], Callable[[Flow], Key]]:
    def known(flow: Flow, *, short: bool) -> Content:
        if side == "client":
            return terms.nat_class(flow.client_firewall, flow.client_nat, short=short)
        return terms.nat_class(flow.server_firewall, flow.server_nat, short=short)

    def content(flow: Flow, _shown: Shown, size: Size) -> Content:
        return known(flow, short=size is Size.COMPACT)

    def key(flow: Flow) -> Key:
        text, _ = known(flow, short=False)
        return None if text == "?" else text

    return content, key


def _rounds(flow: Flow, _shown: Shown, _size: Size) -> Content:
    numbers = dict.fromkeys("?" if one.round is None else str(one.round) for one in flow.rounds)
    if not numbers:
        return "–", Tone.DIM
    return " ".join(numbers) if len(numbers) <= 3 else f"{next(iter(numbers))}–{list(numbers)[-1]}", Tone.PLAIN


def _token(state: TokenState, size: Size) -> Content:
    word = "" if size is Size.COMPACT else f" {terms.TOKEN_WORD[state]}"
    return TOKEN_GLYPHS[state] + word, terms.TOKEN_TONE[state]


def _tokens(flow: Flow, _shown: Shown, _size: Size) -> Content:
    states = (flow.client_token, flow.server_token)
    text = " ".join(TOKEN_GLYPHS[state] for state in states)
    if TokenState.MISMATCH in states:
        return text, Tone.BAD
    return text, Tone.GOOD if TokenState.VERIFIED in states else Tone.PLAIN


def _path(flow: Flow, _shown: Shown, size: Size) -> Content:
    if flow.path is None:
        return "–", Tone.DIM
    return str(flow.path) if size is Size.COMPACT else terms.path(flow.path), Tone.PLAIN


def packets_of(flow: Flow) -> int:
    """Datagrams of the attempt, each once however often it was captured."""
    return sum(step.count for step in flow.steps if step.sighting is not None)


def sent_again(flow: Flow) -> int:
    """Messages of the attempt that are another one, sent again."""
    return sum(message.retransmission for message in flow.messages)


def _again(flow: Flow, _shown: Shown, _size: Size) -> Content:
    number = sent_again(flow)
    return (f"»{number}", Tone.WARN) if number else ("–", Tone.DIM)


def _punches(flow: Flow, _shown: Shown, _size: Size) -> Content:
    client, server = (probes.low_ttl + probes.normal for probes in (flow.client_probes, flow.server_probes))
    return (f"{client} {server}", Tone.PLAIN) if client or server else ("–", Tone.DIM)


def _files(flow: Flow) -> tuple[int, ...]:
    return tuple(sorted({one.file for message in flow.messages for one in (message.sighting, *message.copies)}))


def _file(flow: Flow, shown: Shown, _size: Size) -> Content:
    names = [shown.files[index] if index < len(shown.files) else "?" for index in _files(flow)]
    return " ".join(safe_text(name) for name in names), Tone.PLAIN


def _comment(flow: Flow, shown: Shown, _size: Size) -> Content:
    return safe_text(shown.comment(flow)), Tone.PLAIN


def _state(flow: Flow, shown: Shown, size: Size) -> Content:
    if shown.latest is not None and terms.goes_on(flow, shown.latest):
        return f"… {terms.stage(flow)}", Tone.KEY
    said = f"{OUTCOME_GLYPHS[flow.outcome]} {terms.state(flow, short=size is not Size.WIDE)}"
    return said, terms.OUTCOME_TONE[flow.outcome]


def _error(flow: Flow, _shown: Shown, _size: Size) -> Content:
    error = flow.verdict.application_error
    return (safe_text(error), Tone.BAD) if error else ("–", Tone.DIM)


def address_key(address: Address | None) -> Key:
    """Addresses in the order of their numbers, IPv4 first."""
    if address is None:
        return None
    try:
        return 4, socket.inet_pton(socket.AF_INET, address.host), address.port
    except OSError:
        pass
    try:
        return 6, socket.inet_pton(socket.AF_INET6, address.host), address.port
    except OSError:
        return 9, address.host.encode("utf-8", "replace"), address.port


_VERDICTS: Final = {code: place for place, code in enumerate(VerdictCode)}
_PATHS: Final = {path: place for place, path in enumerate(Path)}
_CLIENT_NAT, _SERVER_NAT = _nat("client"), _nat("server")

STATE: Final = "state"
"""Id of the column that says how an attempt ended; it takes what room the others leave."""

COLUMNS: Final[tuple[Column, ...]] = (
    _column("number", "#", (5, 6, 7), "number of the attempt, oldest first", _number,
            lambda flow: (flow.started, flow.id), Reads.LISTED, right=True),
    _column("time", "time", (8, 12, 12), "time of its first packet", _started,
            lambda flow: (flow.started, flow.id), Reads.LISTED),
    _column("id", "id", (8, 8, 16), "its name in every capture: from a hash of noise message 1",
            lambda flow, _, size: (flow.shown_id[: 16 if size is Size.WIDE else 8], Tone.DIM), lambda flow: flow.id,
            Reads.LISTED),
    _column("client", "client", (15, 21, 21), "address of the client, as others see it",
            lambda flow, _, size: _endpoint(flow.client, size), lambda flow: address_key(flow.client)),
    _column("client_inside", "client inside", (15, 21, 21), "address of the client behind its NAT,"
            " where packets prove it", _inside(Role.CLIENT),
            lambda flow: address_key(_inside_address(flow, Role.CLIENT)), Reads.DRAWN),
    _column("server", "server", (15, 21, 21), "address of the server, as others see it",
            lambda flow, _, size: _endpoint(flow.server, size), lambda flow: address_key(flow.server)),
    _column("server_inside", "server inside", (15, 21, 21), "address of the server behind its NAT,"
            " where packets prove it", _inside(Role.SERVER),
            lambda flow: address_key(_inside_address(flow, Role.SERVER)), Reads.DRAWN),
    _column("key", "server key", (9, 10, 17), "public key of the server", _server_key,
            lambda flow: flow.key.server_public_key, short="key"),
    _column("target", "target", (9, 9, 17), "what FIND_PEER looked for: a hash of the public key", _target,
            lambda flow: flow.target, Reads.LISTED),
    _column("relays", "relays", (3, 24, 24), "nodes that relay the handshake: the first, and how many more",
            _relays,
            lambda flow: (len(flow.relays), address_key(flow.relays[0])) if flow.relays else None, short="rel"),
    _column("nats", "NAT c/s", (11, 11, 11), "NAT classes of client and server, in short", _nats,
            lambda flow: (_CLIENT_NAT[1](flow) or "", _SERVER_NAT[1](flow) or ""), Reads.SAMPLED),
    _column("client_nat", "client NAT", (5, 11, 11), "NAT class of the client", *_CLIENT_NAT, Reads.SAMPLED,
            short="c NAT"),
    _column("server_nat", "server NAT", (5, 11, 11), "NAT class of the server", *_SERVER_NAT, Reads.SAMPLED,
            short="s NAT"),
    _column("rounds", "rounds", (3, 6, 6), "numbers of the rounds of PEER_HOLEPUNCH", _rounds,
            lambda flow: len(flow.rounds), short="rnd"),
    _column("tokens", "tokens", (3, 6, 6), "what became of both address tokens: client's, server's", _tokens,
            lambda flow: (flow.client_token, flow.server_token), short="tok"),
    _column("client_token", "client token", (3, 12, 12), "what became of the token that the client issued",
            lambda flow, _, size: _token(flow.client_token, size), lambda flow: str(flow.client_token), short="c t"),
    _column("server_token", "server token", (3, 12, 12), "what became of the token that the server issued",
            lambda flow, _, size: _token(flow.server_token, size), lambda flow: str(flow.server_token), short="s t"),
    _column("path", "path", (8, 13, 21), "the way that the stream took", _path,
            lambda flow: None if flow.path is None else _PATHS[flow.path]),
    _column("packets", "packets", (5, 7, 7), "packets of the attempt, each once", lambda flow, _, __: (
            grouped(packets_of(flow)), Tone.PLAIN), packets_of, Reads.DRAWN, right=True, short="pkts"),
    _column("again", "again", (3, 5, 5), "messages that were sent again", _again, sent_again, Reads.DRAWN, right=True,
            short="agn"),
    _column("punches", "punches", (7, 9, 9), "punches that client and server were seen to send", _punches,
            lambda flow: sum(one.low_ttl + one.normal for one in (flow.client_probes, flow.server_probes)),
            Reads.DRAWN),
    _column("took", "took", (9, 9, 9), "from its first to its last packet", lambda flow, _, __: (
            f"{flow.duration:.3f} s", Tone.PLAIN), lambda flow: flow.duration, right=True),
    _column("error", "application", (12, 22, 32), "the error that the application is told", _error,
            lambda flow: flow.verdict.application_error),
    _column("file", "seen in", (10, 16, 24), "the files that show it", _file, _files, Reads.DRAWN),
    _column("comment", "comment", (10, 16, 30), "what you wrote about it", _comment, None, Reads.LISTED),
    _column(STATE, "state", (18, 22, 28), "how it ended, in a word", _state,
            lambda flow: _VERDICTS[flow.verdict.code]),
)  # fmt: skip

PLAIN: Final = Shown()
"""Nothing known beside the attempts."""
BY_ID: Final = {column.id: column for column in COLUMNS}
