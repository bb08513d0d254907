"""Columns of the fields of packets. Each function gives what its field means for every packet of a stretch."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from capture.arrays import I64, Bools, distinct
from capture.direction import NAMES as DIRECTIONS
from capture.filter.belonging import NOT_SAID, Rows
from capture.filter.checks import Check
from capture.filter.columns import Codes, Column, Ends, Numbers, Sparse, Times, Truth
from capture.filter.packets import Part
from capture.filter.payload_search import Payloads
from capture.filter.spelling import (
    COMMAND_NAMES,
    KIND_NAMES,
    MODE_NAMES,
    error_word,
    firewall_word,
    response_error_word,
)
from capture.filter.targets import Targets
from capture.flows.members import ROLES, TOKEN_STATES
from capture.table import Kind

Made = tuple[Column, ...]


class Named:
    """Numbers that have names, of which few are different."""

    def __init__(self, numbers: I64, name: Callable[[int], str]) -> None:
        different = distinct(numbers[numbers != NOT_SAID])
        self._codes = Codes(
            np.where(numbers == NOT_SAID, different.size, np.searchsorted(different, numbers)),
            [name(number) for number in different.tolist()],
        )

    def passes(self, check: Check) -> Bools:
        """Those whose name passes."""
        return self._codes.passes(check)

    def present(self) -> Bools:
        """Those that are there."""
        return self._codes.present()


def kinds(part: Part) -> Made:
    """What each is."""
    return (Codes(part.table.kind[part.rows], KIND_NAMES),)


def commands(part: Part) -> Made:
    """Commands, those of responses by their requests."""
    return (Codes(part.packets.commands()[part.rows], COMMAND_NAMES),)


def modes(part: Part) -> Made:
    """Legs of relayed exchanges."""
    return (Codes(part.packets.modes()[part.rows], MODE_NAMES),)


def sources(part: Part) -> Made:
    """Where each came from."""
    table, rows = part.table, part.rows
    return (Ends(table, table.src[rows], table.sport[rows], table.family6[rows], told=part.told),)


def destinations(part: Part) -> Made:
    """Where each was sent."""
    table, rows = part.table, part.rows
    return (Ends(table, table.dst[rows], table.dport[rows], table.family6[rows], told=part.told),)


def addresses(part: Part) -> Made:
    """Both of these."""
    return (*sources(part), *destinations(part))


def receivers(part: Part) -> Made:
    """Receivers as the envelopes name them."""
    table, rows = part.table, part.rows
    return (Ends(table, table.to_host[rows], table.to_port[rows], None, _rpc(part), part.told),)


def source_ports(part: Part) -> Made:
    """Source ports."""
    return (Numbers(part.table.sport[part.rows]),)


def destination_ports(part: Part) -> Made:
    """Destination ports."""
    return (Numbers(part.table.dport[part.rows]),)


def ports(part: Part) -> Made:
    """Both of these."""
    return (*source_ports(part), *destination_ports(part))


def transactions(part: Part) -> Made:
    """Transaction ids."""
    return (Numbers(part.table.tid[part.rows], _rpc(part)),)


def targets(part: Part) -> Made:
    """What requests ask for, and with them their responses."""
    places, rows = part.targeted()
    return (Sparse(part.size, places, Targets(part.table, rows)),)


def times(part: Part) -> Made:
    """When each was seen."""
    return (Times(part.table.time_ns[part.rows], part.began_ns),)


def lengths(part: Part) -> Made:
    """Bytes of the UDP payloads when they were sent."""
    return (Numbers(part.table.wire_length[part.rows]),)


def ttls(part: Part) -> Made:
    """TTLs or hop limits."""
    return (Numbers(part.table.ttl[part.rows]),)


def directions(part: Part) -> Made:
    """Which way each passed."""
    return (Codes(part.table.direction[part.rows], DIRECTIONS),)


def frames(part: Part) -> Made:
    """Numbers in their files."""
    return (Numbers(part.table.frame[part.rows]),)


def files(part: Part) -> Made:
    """Paths of their files."""
    return (Codes(part.table.file[part.rows], [file.path for file in part.table.files]),)


def stream_ids(part: Part) -> Made:
    """Stream ids of UDX packets."""
    table, rows = part.table, part.rows
    return (Numbers(table.udx_id[rows], table.kind[rows] == Kind.UDX),)


def cuts(part: Part) -> Made:
    """Whether the capture cut each."""
    table, rows = part.table, part.rows
    return (Truth(table.wire_length[rows] > table.length[rows]),)


def malformed(part: Part) -> Made:
    """Whether each claims to be ours and is not."""
    return (Truth(part.table.kind[part.rows] == Kind.MALFORMED),)


def duplicates(part: Part) -> Made:
    """Whether each shows a datagram again."""
    return (Truth(part.table.copy_of[part.rows] >= 0),)


def payloads(part: Part) -> Made:
    """The payloads."""
    return (Payloads(part.table, part.start, part.stop),)


def roles(part: Part) -> Made:
    """What the senders are in their attempts."""
    members = part.packets.members()
    return (part.of_members(members.rows, Codes(members.role, [str(role) for role in ROLES])),)


def joined(part: Part) -> Made:
    """Whether each is part of an attempt."""
    members = part.packets.members()
    return (Truth(part.packets.belonging.mask(members.rows)[part.rows]),)


def retransmissions(part: Part) -> Made:
    """Whether each is a relayed message sent again."""
    members = part.packets.members()
    return (Truth(part.packets.belonging.mask(members.rows[members.again])[part.rows]),)


def rounds(part: Part) -> Made:
    """Round numbers in opened payloads."""
    said, rows = _said(part, "round")
    return (part.of_members(rows, Numbers(said)),)


def firewalls(part: Part) -> Made:
    """NAT classes in opened payloads."""
    said, rows = _said(part, "firewall")
    return (part.of_members(rows, Named(said, firewall_word)),)


def punching(part: Part) -> Made:
    """Whether opened payloads say that their sender punches."""
    said, rows = _said(part, "punching")
    return (part.of_members(rows, Truth(said != 0)),)


def stated_errors(part: Part) -> Made:
    """Errors in opened payloads, and those of responses."""
    said, rows = _said(part, "error")
    places, stated = part.response_errors()
    return (
        part.of_members(rows[said != 0], Named(said[said != 0], error_word)),
        Sparse(part.size, places, Named(stated, response_error_word)),
    )


def tokens(part: Part) -> Made:
    """What happens to address tokens."""
    members = part.packets.members()
    found: list[Column] = []
    for bit, state in enumerate(TOKEN_STATES):
        rows = members.rows[members.tokens & (1 << bit) != 0]
        if rows.size:
            found.append(part.of_members(rows, Codes(np.zeros(rows.size, np.uint8), [str(state)])))
    return tuple(found)


def texts(part: Part) -> Made:
    """Everything that a free text is looked for in."""
    return (
        *kinds(part),
        *commands(part),
        *modes(part),
        *stated_errors(part),
        *firewalls(part),
        *roles(part),
        *addresses(part),
        *receivers(part),
        *targets(part),
    )


def _rpc(part: Part) -> Bools:
    kind = part.table.kind[part.rows]
    found: Bools = (kind == Kind.REQUEST) | (kind == Kind.RESPONSE)
    return found


def _said(part: Part, name: str) -> tuple[I64, I64]:
    """What members state, and their rows; only those that state it."""
    members: Rows = part.packets.members()
    said: I64 = getattr(members.said, name)
    there = said != NOT_SAID
    return said[there], members.rows[there]
