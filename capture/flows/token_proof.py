"""Whether an echoed token proves anything to who issued it, and whether one that should come back did.

A server of the reference looks at an echo only in a round that is newer than those before, that has no error, and that
came over one of its own relays; then it counts the host as verified, if the client lists an address there. Over its own
relays every answer without an error carries a token, over others none does: that tells the two kinds apart.

Source: npm hyperdht 6.34.0 (lib/server.js: _onpeerholepunch; lib/holepuncher.js: updateRemote).
"""

from __future__ import annotations

from hashlib import blake2b

from capture.flows.attempt import Exchange
from capture.flows.endpoints import host_of
from capture.flows.facts import Facts
from capture.table import host_text
from protocol.constants import ErrorCode
from protocol.messages import Address


def own_relays(facts: Facts) -> set[int | None]:
    """Relays over which the server sent a token: its own."""
    return {one.relay for one in facts.rounds if one.reply is not None and one.reply.token is not None}


def ignored_by_server(facts: Facts, exchange: Exchange, own: set[int | None], newest: int) -> str:
    """Why the server does not look at the token that a round gives back; empty if it does.

    Args:
        facts: of the attempt.
        exchange: the round.
        own: `own_relays`.
        newest: the highest round number before it.
    """
    request, reply = exchange.opened, exchange.reply
    if request is None:
        return ""
    if request.error != ErrorCode.NONE:
        return "in a round with an error, whose tokens the server does not look at"
    if request.round < newest:
        return f"in round {request.round}, after round {newest}: the server does not look at tokens of an old round"
    if own and exchange.relay not in own:
        refused = reply is None or reply.error != ErrorCode.NONE
        if not refused or exchange.relay not in facts.sides.probe_relays:
            return "over a relay that is not the server's own, where it accepts no token"
    if request.addresses is not None and not request.addresses:
        return "and lists no address that it could be for"
    return ""


def lists_other_hosts(listed: tuple[Address, ...] | None, host: int | None) -> bool:
    """Whether addresses are listed, and none at the host that a token is for."""
    if not listed or host is None:
        return False
    return all(address.host != host_text(host & 0xFFFFFFFF) for address in listed)


def went_elsewhere(facts: Facts, exchange: Exchange, asked: int | None) -> bool:
    """Whether nobody answered a round that names another host than the server has."""
    if exchange.answered is not None or asked is None:
        return False
    known = {host_of(endpoint) for endpoint in (*facts.sides.server.seen, *facts.sides.server.announced)}
    return bool(known) and host_of(asked) not in known


def is_not_its(facts: Facts, *, by_server: bool, host: int | None, token: bytes) -> bool:
    """Whether the issuer's own secret, where a key log has it, makes another token of the host."""
    known = facts.attempt.token_secrets.get("server" if by_server else "client", ())
    if not known or host is None:
        return False
    text = host_text(host & 0xFFFFFFFF).encode()
    return all(blake2b(text, digest_size=32, key=secret).digest() != token for secret in known)
