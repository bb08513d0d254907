"""Numbers of the wire: commands, modes, firewall classes, error codes and UDX flags.

Source: npm hyperdht 6.34.0 (lib/constants.js, lib/router.js, lib/holepuncher.js), dht-rpc (lib/commands.js, lib/io.js)
and udx-native (include/udx.h).
"""

from __future__ import annotations

from enum import IntEnum, IntFlag
from typing import Final

REQUEST_TYPE: Final = 0x03
"""First byte of a dht-rpc request: kind 0 in the high nibble, version 3 in the low one."""
RESPONSE_TYPE: Final = 0x13
"""First byte of a dht-rpc response: kind 1, version 3."""

UDX_MAGIC: Final = 0xFF
UDX_VERSION: Final = 1
UDX_HEADER_SIZE: Final = 20

PUNCH: Final = b"\x00"
"""The whole payload of a hole-punch datagram."""
LOW_TTL: Final = 5
"""TTL of a session opener: it opens the sender's own NAT and is meant to die on the way."""
DEFAULT_TTL: Final = 64


class Command(IntEnum):
    """HyperDHT commands (envelope flag `internal` clear)."""

    PEER_HANDSHAKE = 0
    PEER_HOLEPUNCH = 1
    FIND_PEER = 2
    LOOKUP = 3
    ANNOUNCE = 4
    UNANNOUNCE = 5
    MUTABLE_PUT = 6
    MUTABLE_GET = 7
    IMMUTABLE_PUT = 8
    IMMUTABLE_GET = 9
    PLUGIN = 10


class InternalCommand(IntEnum):
    """dht-rpc's own commands (envelope flag `internal` set)."""

    PING = 0
    PING_NAT = 1
    FIND_NODE = 2
    DOWN_HINT = 3
    DELAYED_PING = 4


class Mode(IntEnum):
    """Which leg of a relayed exchange a PEER_HANDSHAKE or PEER_HOLEPUNCH value is on."""

    FROM_CLIENT = 0
    FROM_SERVER = 1
    FROM_RELAY = 2
    FROM_SECOND_RELAY = 3
    REPLY = 4


class Firewall(IntEnum):
    """What a peer says of the NAT it is behind."""

    UNKNOWN = 0
    OPEN = 1
    CONSISTENT = 2
    RANDOM = 3


class ErrorCode(IntEnum):
    """Errors inside noise and holepunch payloads (0 to 3) and of mutable puts (16, 17)."""

    NONE = 0
    ABORTED = 1
    VERSION_MISMATCH = 2
    TRY_LATER = 3
    SEQ_REUSED = 16
    SEQ_TOO_LOW = 17


class ResponseError(IntEnum):
    """Errors in a dht-rpc response (1, 2: dht-rpc lib/errors.js; 16, 17: hyperdht, of mutable puts)."""

    NONE = 0
    UNKNOWN_COMMAND = 1
    INVALID_TOKEN = 2
    SEQ_REUSED = 16
    SEQ_TOO_LOW = 17


class UdxFlag(IntFlag):
    """Type flags in byte 2 of a UDX header."""

    DATA = 1
    END = 2
    SACK = 4
    MESSAGE = 8
    DESTROY = 16
    HEARTBEAT = 32
