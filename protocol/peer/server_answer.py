"""What a client knows once a server has answered its handshake.

Source: npm hyperdht 6.34.0 (lib/connect.js).
"""

from __future__ import annotations

from dataclasses import dataclass

from protocol.messages import Address, NoisePayload, RelayInfo, UdxInfo
from protocol.noise_handshake import HandshakeResult


@dataclass(frozen=True, slots=True)
class Answer:
    """The server's answer to the handshake, and the way it took."""

    payload: NoisePayload
    result: HandshakeResult
    udx: UdxInfo
    relay: Address
    """The node that was asked; the server itself where it was reached without a relay."""
    server: Address
    """Where the relay has it from."""
    client: Address
    """This node as the relay sees it."""
    relays: tuple[RelayInfo, ...]
    """What to punch over; none where the server does not punch."""

    @property
    def relayed(self) -> bool:
        """Whether a relay stood between."""
        return self.server != self.relay
