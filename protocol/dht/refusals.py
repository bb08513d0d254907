"""Why a node did not do what a datagram asked for: nothing is dropped without being counted."""

from __future__ import annotations

from collections import Counter
from enum import StrEnum


class Refusal(StrEnum):
    """One reason for not serving a datagram."""

    FOREIGN = "not a message between nodes"
    MALFORMED = "malformed message"
    UNREACHABLE_SENDER = "no address to answer to"
    UNMATCHED_RESPONSE = "response to nothing that was asked"
    OTHER_HOST = "response from another host than was asked"
    TOO_MANY_REQUESTS = "too many requests from one host"
    AMPLIFICATION = "reply larger than its request, to a host that did not prove its address: not sent"
    SHORTENED = "reply larger than its request, to a host that did not prove its address: shortened"
    INVALID_TOKEN = "token that was not issued to this host"
    MISSING_FIELD = "without the target, token or value that its command needs"
    BAD_VALUE = "value that is malformed or does not fit its target"
    BAD_SIGNATURE = "signature that does not verify"
    TOO_LARGE = "value larger than is stored"
    OLD_SEQ = "mutable value older than the stored one, or another with its seq"
    UNKNOWN_REFRESH = "refresh of an announcement that is not known"
    UNKNOWN_COMMAND = "unknown command, or one that only persistent nodes serve"
    TOO_MANY_CHECKS = "down hint while too many nodes are being checked"
    TOO_MANY_DELAYS = "delayed ping that is too long, or one too many"
    NO_ROUTE = "relaying to a peer that is not known"
    BAD_DESTINATION = "relaying to this node or to no single host"
    UNKNOWN_FORWARD = "answer to relay that no client is waiting for"
    UNKNOWN_PLUGIN = "plugin that is not registered, or another version of it"
    CLOSED_SOCKET = "from a socket that has been closed meanwhile"


Refusals = Counter[Refusal]
"""How often each reason applied."""
