"""Keys as people write and paste them: hex, z-base-32 and hyperdht addresses.

A public key is 32 bytes: 64 hex digits or 52 z32 characters, with or without ``pear://`` before and a path behind. A
hyperdht address is ``public key 32 || flags uint || [nodes array of ipv4 if flag 1]`` in hex or z32. A secret key is
an Ed25519 seed (32 bytes) or libsodium's pair ``seed || public key`` (64 bytes).

Source: npm hypercore-id-encoding 1.3.0, z32 1.1.0 and hyperdht-address 1.1.1 (spec/hyperschema/index.js).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from protocol.address import Address

KEY_SIZE: Final = 32
PAIR_SIZE: Final = 64
Z32_KEY_LENGTH: Final = 52
PEAR_SCHEME: Final = "pear://"
Z32_ALPHABET: Final = "ybndrfg8ejkmcpqxot1uwisza345h769"

_Z32_VALUES: Final = {character: value for value, character in enumerate(Z32_ALPHABET)}
_HEX_DIGITS: Final = frozenset("0123456789abcdefABCDEF")
_NODE_SIZE: Final = 6
_NODES_FLAG: Final = 1


class KeyFormatError(ValueError):
    """Text that is no key. The message says what is wrong and never repeats the text: it may be a secret."""


@dataclass(frozen=True, slots=True)
class ServerAddress:
    """A hyperdht address: a server's public key and, perhaps, nodes that know it."""

    public_key: bytes
    nodes: tuple[Address, ...] = ()


@dataclass(frozen=True, slots=True)
class KeyPair:
    """An Ed25519 key pair. Its representation hides the seed."""

    public_key: bytes
    seed: bytes

    def __repr__(self) -> str:
        return f"KeyPair(public_key={self.public_key.hex()})"


def z32_encode(raw: bytes) -> str:
    """z-base-32 text of some bytes, most significant bits first, without padding."""
    bits = len(raw) * 8
    length = -(-bits // 5)
    number = int.from_bytes(raw, "big") << (length * 5 - bits)
    return "".join(Z32_ALPHABET[number >> shift & 31] for shift in range(length * 5 - 5, -1, -5))


def z32_decode(text: str) -> bytes:
    """Bytes of z-base-32 text.

    Raises:
        KeyFormatError: a foreign character, a length that no whole number of bytes has, or bits left over.
    """
    number = 0
    for position, character in enumerate(text):
        value = _Z32_VALUES.get(character)
        if value is None:
            raise KeyFormatError(f"character {position + 1}, {character!a}, is not z32")
        number = number << 5 | value
    spare = len(text) * 5 % 8
    if spare >= 5:
        raise KeyFormatError(f"{len(text)} z32 characters are no whole number of bytes")
    if number & ((1 << spare) - 1):
        raise KeyFormatError("the last z32 character has bits beyond the last byte")
    return (number >> spare).to_bytes(len(text) * 5 // 8, "big")


def parse_server_address(text: str) -> ServerAddress:
    """Read a public key or a hyperdht address.

    Args:
        text: hex or z32, perhaps a ``pear://`` link; blanks around it are ignored.

    Raises:
        KeyFormatError: it is neither; the message says why.
    """
    raw = _raw_bytes(_without_scheme(text.strip()), "public key")
    if len(raw) < KEY_SIZE:
        raise KeyFormatError(f"a public key has {KEY_SIZE} bytes, this has {len(raw)}")
    if len(raw) == PAIR_SIZE and key_pair(raw[:KEY_SIZE]).public_key == raw[KEY_SIZE:]:
        raise KeyFormatError("this is a secret key, not a public key")
    return ServerAddress(raw[:KEY_SIZE], _nodes(raw[KEY_SIZE:]))


def parse_public_key(text: str) -> bytes:
    """The 32-byte public key in hex, z32, a ``pear://`` link or a hyperdht address.

    Raises:
        KeyFormatError: it is none of these.
    """
    return parse_server_address(text).public_key


def parse_secret_key(text: str) -> KeyPair:
    """Read an Ed25519 secret key: a 32-byte seed or the 64-byte pair, in hex or z32.

    Raises:
        KeyFormatError: another size, or a pair whose public half does not belong to its seed.
    """
    raw = _raw_bytes(text.strip(), "secret key")
    if len(raw) not in (KEY_SIZE, PAIR_SIZE):
        raise KeyFormatError(f"a secret key has {KEY_SIZE} bytes (seed) or {PAIR_SIZE} (pair), this has {len(raw)}")
    pair = key_pair(raw[:KEY_SIZE])
    if len(raw) == PAIR_SIZE and raw[KEY_SIZE:] != pair.public_key:
        raise KeyFormatError("the public half of the secret key does not belong to its seed")
    return pair


def key_pair(seed: bytes) -> KeyPair:
    """The key pair of a 32-byte seed."""
    from nacl.bindings import crypto_sign_seed_keypair

    return KeyPair(crypto_sign_seed_keypair(seed)[0], seed)


def short_key(key: bytes, digits: int = 8) -> str:
    """The first hex digits of a key and an ellipsis, for a table cell."""
    text = key.hex()
    return text if len(text) <= digits else text[:digits] + "…"


def _without_scheme(text: str) -> str:
    """The key of a ``pear://`` link: what stands before its path, query or fragment."""
    if not text.startswith(PEAR_SCHEME):
        return text
    for mark in "/?#":
        text = PEAR_SCHEME + text.removeprefix(PEAR_SCHEME).partition(mark)[0]
    return text.removeprefix(PEAR_SCHEME)


def _raw_bytes(text: str, what: str) -> bytes:
    """Bytes of hex or z32 text. Text that could be both is hex where it has the length of a key, as upstream."""
    if not text:
        raise KeyFormatError(f"the {what} is empty")
    digits = len(text)
    if digits < Z32_KEY_LENGTH:
        lengths = f"{2 * KEY_SIZE} hex digits or {Z32_KEY_LENGTH} z32 characters"
        longer = "; a hyperdht address, which names nodes too, is longer" if what == "public key" else ""
        raise KeyFormatError(f"{digits} characters are no {what}: {KEY_SIZE} bytes are {lengths}{longer}")
    foreign = next((position for position, character in enumerate(text) if character not in _HEX_DIGITS), None)
    if foreign is not None:
        try:
            return z32_decode(text)
        except KeyFormatError:
            if digits not in (2 * KEY_SIZE, 2 * PAIR_SIZE):
                raise
        raise KeyFormatError(f"character {foreign + 1}, {text[foreign]!a}, is no hex digit")
    if digits == Z32_KEY_LENGTH and _Z32_VALUES.keys() >= set(text):
        return z32_decode(text)
    if digits % 2:
        raise KeyFormatError(f"{digits} hex digits are no whole number of bytes")
    return bytes.fromhex(text)


def _nodes(rest: bytes) -> tuple[Address, ...]:
    """Nodes behind the public key of a hyperdht address. Fields that later flags announce are ignored."""
    if not rest:
        return ()
    flags, count, nodes = rest[0], rest[1:2], rest[2:]
    if flags > 0xFC:
        raise KeyFormatError("the hyperdht address has flags of a later version")
    known_only = flags <= _NODES_FLAG
    if not flags & _NODES_FLAG:
        count, nodes = b"\0", rest[1:]
    if not count or count[0] > 0xFC:
        raise KeyFormatError("the hyperdht address breaks off before its nodes")
    size = count[0] * _NODE_SIZE
    if len(nodes) < size:
        raise KeyFormatError(f"the hyperdht address announces {count[0]} nodes and holds {len(nodes) // _NODE_SIZE}")
    if known_only and len(nodes) > size:
        raise KeyFormatError(f"{len(nodes) - size} bytes too many: this is neither a public key nor a hyperdht address")
    return tuple(
        Address(".".join(map(str, nodes[at : at + 4])), int.from_bytes(nodes[at + 4 : at + _NODE_SIZE], "little"))
        for at in range(0, size, _NODE_SIZE)
    )
