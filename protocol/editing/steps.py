"""The editable fields of steps of a peer of our own, before they are sealed; see `protocol.peer.steps`.

| step | fields |
|---|---|
| search | `target`, `nodes` |
| choice of a relay | `relay`, `mode`, `peer_address`, `relay_address`, `noise`, `value` |
| noise message | those of a noise payload; of an answer also `mode`, `peer_address`, `value`; `plaintext` |
| round | those of a holepunch payload, `relay`, `mode`, `id`, `peer_address`, `plaintext`, `value` |
| NAT sampling | `nodes` |
| punch | `destination`, `ttl`, `data` |
| stream | `destination`, `remote_id` |

`plaintext` is what is sealed, byte by byte; `value` is the whole value of the message, sealed or not, and stands for
all that is above it. A token may also be written ``issue``, the one that proves the other side's address, and ``echo``,
the one that the other side gave us.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any, Final

from protocol.constants import Mode
from protocol.editing.kinds import AddressList, AddressText, Hex, Number, Ttl, Word
from protocol.editing.lines import ABSENT, Line, line, under
from protocol.editing.payloads import HOLEPUNCH_LINES, NOISE_LINES
from protocol.editing.tokens import FORMS, Token
from protocol.editing.values import EditError, Opener
from protocol.errors import DecodeError
from protocol.peer.steps import (
    Act,
    FindStep,
    HolepunchStep,
    NoiseStep,
    PunchStep,
    RelayStep,
    SampleStep,
    StreamStep,
)
from protocol.sealed_values import decode_holepunch_payload, decode_noise_payload

ISSUE: Final = "issue"
ECHO: Final = "echo"
UINT32: Final = 2**32 - 1


class _StepToken(Token):
    """A token of a payload of our own, whose secrets we have."""

    choices = (*(form for form in FORMS if form != "recompute"), ISSUE, ECHO)

    def read(self, text: str, was: object, opener: Opener) -> object:
        """As any token; the word itself for those that the step knows."""
        form = text.strip().lower()
        if form in (ISSUE, ECHO):
            return form
        return (ECHO if self._remote else ISSUE) if form == "recompute" else super().read(text, was, opener)


def _token_line(one: Line, *, remote: bool) -> Line:
    def put(step: HolepunchStep, value: object) -> HolepunchStep:
        if isinstance(value, str):
            known = step.own_token if value == ISSUE else step.heard_token
            if known is None:
                missing = "there is no secret to make it with" if value == ISSUE else "the other side gave us none"
                raise EditError(one.name, missing)
            value = known
        changed: HolepunchStep = one.put(step, value)
        return changed

    return replace(one, kind=_StepToken(remote=remote), put=put)


def _with_plaintext(step: Any, value: object) -> Any:
    """Other bytes to seal; what they say, as far as they say something that would be written the same way."""
    assert isinstance(value, bytes)
    read = decode_noise_payload if isinstance(step, NoiseStep) else decode_holepunch_payload
    try:
        said = replace(step, payload=read(value), plaintext=None)
    except DecodeError:
        return replace(step, plaintext=value)
    return said if said.sealed_bytes == value else replace(said, plaintext=value)


def _of_payload(lines: Iterable[Line]) -> tuple[Line, ...]:
    """Lines of the payload: a change there drops bytes that were written by hand."""

    def dropping(one: Line) -> Line:
        return replace(one, put=lambda step, value: replace(one.put(step, value), plaintext=None))

    return tuple(dropping(one) for one in under("payload", lines))


def _where(one: Line, holds: Any) -> Line:
    """A line that only some steps of the class have."""
    return replace(one, get=lambda step: one.get(step) if holds(step) else ABSENT)


def _is_answer(step: NoiseStep) -> bool:
    return step.act is Act.ANSWER


_MODE: Final = line("mode", Word(Mode))
_PLAINTEXT: Final = Line(
    "plaintext", Hex(), lambda step: step.sealed_bytes, _with_plaintext, note="the bytes that are sealed"
)
_VALUE: Final = line("value", Hex(), optional=True, note="the whole value, in the place of all above")
_TOKENS: Final = {"token": False, "remote_token": True}

STEP_LINES: Final[dict[type, tuple[Line, ...]]] = {
    FindStep: (
        line("target", Hex(32), note="hash of the key that is looked for"),
        line("nodes", AddressList(), note="where it begins; empty: the routing table"),
    ),
    RelayStep: (
        line("relay", AddressText(), note="who passes it on"),
        _MODE,
        line("peer_address", AddressText(), optional=True),
        line("relay_address", AddressText(), optional=True, note="a second relay, which knows the server"),
        line("noise", Hex(), note="noise message 1, sealed"),
        _VALUE,
    ),
    NoiseStep: (
        *_of_payload(NOISE_LINES),
        _where(_MODE, _is_answer),
        _where(
            line(
                "peer_address", AddressText(), optional=True, note="the client; none: as the relay that asked sees it"
            ),
            _is_answer,
        ),
        _PLAINTEXT,
        _where(_VALUE, _is_answer),
    ),
    HolepunchStep: (
        *(
            _token_line(one, remote=_TOKENS[one.name]) if one.name in _TOKENS else one
            for one in _of_payload(HOLEPUNCH_LINES)
        ),
        _where(line("relay", AddressText(), note="who passes it on"), lambda step: step.relay is not None),
        _where(_MODE, lambda step: step.mode is not None),
        _where(line("id", Number(), note="the server's number of the attempt"), lambda step: step.id is not None),
        line("peer_address", AddressText(), optional=True, note="where the relay passes it on to"),
        _PLAINTEXT,
        _VALUE,
    ),
    SampleStep: (line("nodes", AddressList(), note="who is pinged; each tells where it sees us"),),
    PunchStep: (
        line("destination", AddressText(), "to", optional=True, note="none: as the puncher chooses"),
        line("ttl", Ttl(), note="5 opens our own NAT and is not meant to arrive"),
        line("data", Hex(), note="one byte 00 is a punch"),
    ),
    StreamStep: (
        line("destination", AddressText(), "to"),
        line("remote_id", Number(UINT32), note="the other side's number of its stream"),
    ),
}
"""By the class of the step; a new kind of step is one more entry."""
