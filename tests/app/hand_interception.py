"""An interceptor by hand: it holds what a test says, and does in one thread what the real one does in the node's."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from app.intercept_status import (
    HeldMessage,
    InterceptError,
    InterceptStatus,
    Preset,
    RuleStatus,
    TouchedMessage,
    Version,
)
from protocol.constants import Command, Firewall, Mode
from protocol.editing.values import Draft, Opener
from protocol.envelope import encode_request
from protocol.messages import Address, Holepunch, HolepunchPayload, Request
from protocol.sealed_values import encode_holepunch_payload
from protocol.secretbox import NONCE_SIZE, seal_payload
from protocol.values import encode_holepunch

SECRET = bytes(range(32))
CLIENT = Address("192.0.2.9", 40112)
RELAY = Address("198.51.100.7", 49737)
SERVER = Address("203.0.113.5", 58193)
OPENER = Opener(secrets=(SECRET,), random=bytes)
PAYLOAD = HolepunchPayload(
    error=0,
    firewall=Firewall.CONSISTENT,
    round=0,
    connected=False,
    punching=False,
    addresses=(CLIENT,),
    remote_address=None,
    token=None,
    remote_token=None,
)


def holepunch(payload: HolepunchPayload = PAYLOAD, tid: int = 7) -> bytes:
    """A PEER_HOLEPUNCH request of a client."""
    sealed = seal_payload(SECRET, encode_holepunch_payload(payload), bytes(NONCE_SIZE))
    value = encode_holepunch(Holepunch(mode=Mode.FROM_CLIENT, id=3, payload=sealed, peer_address=SERVER))
    return encode_request(Request(tid, RELAY, int(Command.PEER_HOLEPUNCH), target=bytes(32), value=value))


def held_message(number: int, *, sent: bool = False, age: float = 3.2, **changes: object) -> HeldMessage:
    """A client's first round, held on its way into a relay."""
    version = Version(holepunch(tid=number), CLIENT, RELAY, None)
    message = HeldMessage(number, sent, age, version, version, "command == PEER_HOLEPUNCH", opener=OPENER)
    return replace(message, **changes)  # type: ignore[arg-type]


@dataclass
class Posing:
    """Takes what a test gives it, and remembers what was asked of it."""

    messages: list[HeldMessage] = field(default_factory=list)
    touched: list[TouchedMessage] = field(default_factory=list)
    rules: list[RuleStatus] = field(default_factory=list)
    expression: str = ""
    on: bool = False
    asked: list[str] = field(default_factory=list)
    presets: tuple[Preset, ...] = (
        Preset("flipped-firewall", "the first round says another firewall"),
        Preset("lost-reply", "an answer is lost on its way"),
    )

    @property
    def holding(self) -> int:
        return len(self.messages)

    def held(self) -> tuple[HeldMessage, ...]:
        return tuple(self.messages)

    def status(self) -> InterceptStatus | None:
        return InterceptStatus(
            self.on, self.expression, self.held(), tuple(self.touched), tuple(self.rules), passed=1234, now=0.0
        )

    async def intercept(self, expression: str, *, on: bool) -> None:
        self.expression, self.on = expression, on

    async def forward(self, number: int) -> None:
        one = self._take(number)
        self._went(one, one.now, "edited" if one.edited else "forwarded")

    async def forward_all(self) -> int:
        count = len(self.messages)
        for one in tuple(self.messages):
            await self.forward(one.number)
        return count

    async def drop(self, number: int) -> None:
        self._went(self._take(number), None, "dropped")

    async def duplicate(self, number: int) -> None:
        one = self._find(number)
        self._went(one, one.now, "duplicated")

    async def delay(self, number: int, seconds: float) -> None:
        self._find(number)
        self.asked.append(f"delay {number} {seconds}")

    async def edit(self, number: int, draft: Draft) -> None:
        one = self._find(number)
        source, to = (one.now.source, draft.to) if one.sent else (draft.to, one.now.to)
        self.messages[self.messages.index(one)] = replace(one, now=Version(draft.data, source, to, draft.ttl))

    async def move(self, number: int, before: int | None) -> None:
        one = self._take(number)
        at = len(self.messages) if before is None else self.messages.index(self._find(before))
        self.messages.insert(at, one)

    async def replay(self, key: int) -> None:
        self.asked.append(f"replay {key}")

    async def use_rule(self, index: int, *, on: bool) -> None:
        self.rules[index] = replace(self.rules[index], on=on)

    async def remove_rule(self, index: int) -> None:
        del self.rules[index]

    async def add_preset(self, name: str) -> None:
        self.rules.append(RuleStatus(name, "mode == FROM_CLIENT", "firewall = RANDOM", f"preset {name}", True, 0))

    def _find(self, number: int) -> HeldMessage:
        for one in self.messages:
            if one.number == number:
                return one
        raise InterceptError(f"#{number} is not held any more")

    def _take(self, number: int) -> HeldMessage:
        one = self._find(number)
        self.messages.remove(one)
        return one

    def _went(self, one: HeldMessage, now: Version | None, fate: str) -> None:
        key = len(self.touched) + 1
        gone = TouchedMessage(one.number, key, one.sent, 0.0, one.was, now, fate, one.label, one.opener)
        self.touched.insert(0, gone)
