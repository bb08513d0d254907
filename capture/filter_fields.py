"""What a filter can ask of an attempt: the fields by name, their kinds and how a value compares.

A field can hold several values (the relays of an attempt, its round numbers): a comparison holds if it holds for one
of them, and ``!=`` is the opposite of ``==``, so it holds if no value is equal. A field without a value is equal to
``none`` and to nothing else.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from typing import Final

from capture.model import Flow, KeySource, Outcome, Path, TokenState, VerdictCode
from protocol.constants import Firewall
from protocol.messages import Address

Held = str | float | bool | Address
Test = Callable[[Held], bool]
"""Whether one value of a field passes a comparison."""

NONE: Final = "none"


class Kind(StrEnum):
    """What a field holds, and with it how it compares."""

    WORD = "word"
    """One of a fixed list of words; case does not matter."""
    HEX = "hex"
    """Equal if it begins with the digits given."""
    ADDRESS = "address"
    """Equal to its host, to host:port, and to a network such as 11.2.0.0/16 that holds it."""
    NUMBER = "number"
    YES_NO = "yes or no"


class WrongValueError(ValueError):
    """A value that the field can't be compared with; the message says what it takes."""


class WrongOperatorError(ValueError):
    """An operator that the field can't be compared by; the message says which it takes."""


@dataclass(frozen=True, slots=True)
class Field:
    """One name that a filter knows."""

    name: str
    kind: Kind
    says: str
    """What it is, for help and completion."""
    values: Callable[[Flow], tuple[Held, ...]]
    words: tuple[str, ...] = ()
    """What a WORD field can be."""

    def test(self, operator: str, value: str) -> Callable[[Flow], bool]:
        """The comparison with `value` as a predicate on attempts.

        Raises:
            WrongValueError: the field can't be compared with that value.
            WrongOperatorError: or not by that operator.
        """
        if operator == "!=":
            equal = self.test("==", value)
            return lambda flow: not equal(flow)
        if operator == "==" and value.lower() == NONE and NONE not in self.words:
            return lambda flow: not self.values(flow)
        held = self._held_test(operator, value)
        return lambda flow: any(held(one) for one in self.values(flow))

    def _held_test(self, operator: str, value: str) -> Test:
        if operator == "~":
            return partial(_contains, value.lower())
        if self.kind is Kind.NUMBER:
            return partial(_number, operator, _parse_number(self.name, value))
        if operator != "==":
            raise WrongOperatorError(f"{self.name} is no number, so it has no order: use ==, != or ~")
        if self.kind is Kind.WORD:
            return partial(_equal, self._word(value))
        if self.kind is Kind.YES_NO:
            return partial(_equal, _parse_yes_no(self.name, value))
        if self.kind is Kind.HEX:
            return partial(_begins, _parse_hex(self.name, value))
        return _address_test(self.name, value)

    def _word(self, value: str) -> str:
        for word in self.words:
            if word.lower() == value.lower():
                return word
        raise WrongValueError(f"{self.name} is never {value!r}; it is one of {', '.join(self.words)}")


def _contains(part: str, held: Held) -> bool:
    return part in str(held).lower()


def _equal(value: Held, held: Held) -> bool:
    return held == value


def _begins(digits: str, held: Held) -> bool:
    return str(held).startswith(digits)


def _number(operator: str, value: float, held: Held) -> bool:
    assert isinstance(held, (int, float))
    return {
        "==": held == value,
        "<": held < value,
        "<=": held <= value,
        ">": held > value,
        ">=": held >= value,
    }[operator]


def _parse_number(name: str, value: str) -> float:
    try:
        return float(value)
    except ValueError:
        raise WrongValueError(f"{name} is a number, {value!r} is none") from None


def _parse_yes_no(name: str, value: str) -> bool:
    word = value.lower()
    if word in ("yes", "true"):
        return True
    if word in ("no", "false"):
        return False
    raise WrongValueError(f"{name} is yes or no, not {value!r}")


def _parse_hex(name: str, value: str) -> str:
    digits = value.lower()
    if not digits or set(digits) - set("0123456789abcdef"):
        raise WrongValueError(f"{name} is hex, {value!r} is not")
    return digits


def _address_test(name: str, value: str) -> Test:
    host, port = value, None
    if value.startswith("["):
        host, _, rest = value[1:].partition("]")
        port = rest.removeprefix(":") or None
    elif value.count(":") == 1:
        host, _, port = value.partition(":")
    if port is not None and not (port.isascii() and port.isdigit()):
        raise WrongValueError(f"{name} is an address, but {port!r} is no port")
    try:
        network = ipaddress.ip_network(host, strict=False)
    except ValueError:
        raise WrongValueError(f"{name} is an address: host, host:port or a network, not {value!r}") from None
    wanted = None if port is None else int(port)

    def inside(held: Held) -> bool:
        assert isinstance(held, Address)
        return ipaddress.ip_address(held.host) in network and wanted in (None, held.port)

    return inside


def _one(value: Held | None) -> tuple[Held, ...]:
    return () if value is None else (value,)


def _firewall(value: int | None) -> tuple[Held, ...]:
    if value is None:
        return ()
    return (Firewall(value).name,) if value in Firewall.__members__.values() else (str(value),)


_FIREWALLS: Final = tuple(firewall.name for firewall in Firewall)
_TOKENS: Final = tuple(TokenState)

FIELDS: Final[dict[str, Field]] = {
    field.name: field
    for field in (
        Field("id", Kind.HEX, "the attempt's id", lambda f: (f.id,)),
        Field("target", Kind.HEX, "hash of the server's public key", lambda f: (f.target.hex(),)),
        Field(
            "key",
            Kind.HEX,
            "the server's public key",
            lambda f: _one(f.key.server_public_key.hex() if f.key.server_public_key else None),
        ),
        Field(
            "key.source",
            Kind.WORD,
            "where the key that opened the attempt came from",
            lambda f: _one(f.key.source and str(f.key.source)),
            tuple(KeySource),
        ),
        Field("client", Kind.ADDRESS, "the client, as the relays saw it", lambda f: _one(f.client)),
        Field("client.port", Kind.NUMBER, "its port", lambda f: _one(f.client and f.client.port)),
        Field(
            "client.firewall",
            Kind.WORD,
            "the NAT class the client last stated",
            lambda f: _firewall(f.client_firewall),
            _FIREWALLS,
        ),
        Field("client.token", Kind.WORD, "the token the client issued", lambda f: (str(f.client_token),), _TOKENS),
        Field(
            "client.probes",
            Kind.NUMBER,
            "punches the client sent",
            lambda f: (f.client_probes.low_ttl + f.client_probes.normal,),
        ),
        Field("server", Kind.ADDRESS, "the server, as the relays saw it", lambda f: _one(f.server)),
        Field("server.port", Kind.NUMBER, "its port", lambda f: _one(f.server and f.server.port)),
        Field(
            "server.firewall",
            Kind.WORD,
            "the NAT class the server last stated",
            lambda f: _firewall(f.server_firewall),
            _FIREWALLS,
        ),
        Field("server.token", Kind.WORD, "the token the server issued", lambda f: (str(f.server_token),), _TOKENS),
        Field(
            "server.probes",
            Kind.NUMBER,
            "punches the server sent",
            lambda f: (f.server_probes.low_ttl + f.server_probes.normal,),
        ),
        Field(
            "token",
            Kind.WORD,
            "either side's token",
            lambda f: (str(f.client_token), str(f.server_token)),
            _TOKENS,
        ),
        Field("relay", Kind.ADDRESS, "any relay that carried a leg", lambda f: f.relays),
        Field("verdict", Kind.WORD, "the verdict's code", lambda f: (str(f.verdict.code),), tuple(VerdictCode)),
        Field("inferred", Kind.YES_NO, "the verdict is only likely", lambda f: (f.verdict.inferred,)),
        Field("outcome", Kind.WORD, "how it ended", lambda f: (str(f.outcome),), tuple(Outcome)),
        Field("path", Kind.WORD, "the way the stream took", lambda f: _one(f.path and str(f.path)), tuple(Path)),
        Field("fast_open", Kind.YES_NO, "connected in the probe round", lambda f: (f.fast_open,)),
        Field(
            "round",
            Kind.NUMBER,
            "any round number stated in a payload",
            lambda f: tuple(one.round for one in f.rounds if one.round is not None),
        ),
        Field("rounds", Kind.NUMBER, "how many rounds", lambda f: (len(f.rounds),)),
        Field(
            "retransmissions",
            Kind.NUMBER,
            "messages sent again",
            lambda f: (sum(message.retransmission for message in f.messages),),
        ),
        Field("started", Kind.NUMBER, "epoch seconds of the first packet", lambda f: (f.started,)),
        Field("duration", Kind.NUMBER, "seconds from first to last packet", lambda f: (f.duration,)),
        Field("messages", Kind.NUMBER, "how many dht-rpc messages", lambda f: (len(f.messages),)),
    )
}
"""Every field, by the name that filters use."""
