"""What a server says in noise message 2.

Source: npm hyperdht 6.34.0 (lib/server.js: _addHandshake).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from protocol.constants import ErrorCode, Firewall
from protocol.messages import HolepunchInfo, NoisePayload, RelayInfo, RelayThrough, UdxInfo
from protocol.sealed_values import NOISE_PAYLOAD_VERSION

if TYPE_CHECKING:
    from protocol.peer.listening import Server


def answer_to(
    offer: NoisePayload, server: Server, id: int, stream_id: int, relays: tuple[RelayInfo, ...]
) -> NoisePayload:
    """The answer to a client's offer.

    Args:
        offer: the client's.
        server: who answers.
        id: the number of the handshake, for rounds.
        stream_id: of our side of the stream.
        relays: where the client may send its rounds.
    """
    error = ErrorCode.NONE
    if offer.version != NOISE_PAYLOAD_VERSION:
        error = ErrorCode.VERSION_MISMATCH
    elif offer.udx is None:
        error = ErrorCode.ABORTED
    peer = server.peer
    own = peer.open_address
    local = peer.local_addresses if server.options.share_local_address else ()
    relay = peer.choose(server.options.relay_through)
    return NoisePayload(
        NOISE_PAYLOAD_VERSION,
        error,
        Firewall.UNKNOWN if own is None else Firewall.OPEN,
        HolepunchInfo(id, relays) if own is None else None,
        (*(() if own is None else (own,)), *local),
        udx=UdxInfo(1, False, 0 if error else stream_id, 0),
        secret_stream_version=1,
        relay_through=None if relay is None else RelayThrough(1, relay, peer.random_bytes(32)),
        relay_addresses=server.announcer.relay_addresses or None,
    )
