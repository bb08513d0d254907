"""The cases: one thing that is forged, left out or repeated in each, by our client or by our server."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Final, Literal

from protocol.constants import ErrorCode, Firewall, Mode
from protocol.dht.contact import Outgoing
from protocol.messages import Address, Holepunch, HolepunchInfo, RelayInfo
from protocol.peer.steps import Act, HolepunchStep, Step
from tests.interop.forgery.hand import (
    DatagramChange,
    Hand,
    Rewrite,
    StepChange,
    as_it_is,
    bare_again,
    both,
    edit,
    leave_out,
    let_through,
    rebuilt,
    resealed,
    rewrite,
    round_of,
)

ELSEWHERE: Final = "127.9.9.9"
"""Another host than our client's."""
MANY: Final = 128
"""Addresses of a list that is longer than any peer has."""
_TID: Final = 61000
_LONG: Final = 13.0
"""Seconds: longer than a real peer punches at a consistent one."""
Group = Literal["tokens", "addresses", "firewalls", "rounds", "sealing", "handshake"]


@dataclass(frozen=True, slots=True)
class Case:
    """One run."""

    name: str
    group: Group
    sent: str
    """What is not as it should be, in a few words."""
    by: Literal["client", "server"] = "client"
    """Which side is ours."""
    nat: Literal["consistent", "random"] = "consistent"
    """What stands in front of our side."""
    step: StepChange = as_it_is
    datagram: DatagramChange = let_through
    relay: DatagramChange | None = None
    """What relays do with the datagrams that they send for the attempt."""
    relay_in: Callable[[Hand, bytes], bytes] | None = None
    """What they do with those that they receive."""
    patience: float = 60.0
    """Seconds after which our client gives up."""
    before: bool = False
    """An attempt in which nothing is changed comes first."""
    fast_open: bool = False


def _random_token(hand: Hand, _: Any) -> bytes:
    return hand.random.randbytes(32)


def _earlier_token(hand: Hand, _: Any) -> bytes:
    token: bytes = hand.kept["token"]
    return token


def _list(change: Callable[[Address], Address]) -> Callable[[Hand, Any], tuple[Address, ...] | None]:
    return lambda _, payload: None if payload.addresses is None else tuple(map(change, payload.addresses))


def _other_port(address: Address) -> Address:
    return Address(address.host, 1024 + (address.port + 7777) % 60000)


def _other_host(address: Address) -> Address:
    return address._replace(host=ELSEWHERE)


def _many(_: Hand, payload: Any) -> tuple[Address, ...]:
    own = payload.addresses or ()
    return (*own, *(Address("127.8.7.6", 20000 + each) for each in range(MANY - len(own))))


def _nobodys_relay(hand: Hand, payload: Any) -> HolepunchInfo:
    nobody = hand.kept["nobody"]
    return HolepunchInfo(payload.holepunch.id, (RelayInfo(nobody, nobody),))


def _in_hiding(*changes: StepChange) -> StepChange:
    """Our side does not punch, and our server says that it does: what arrives then are the real peer's punches."""
    says = edit(Act.REPLY, punching=lambda _, payload: payload.round > 0)
    return both(leave_out(Act.BARRAGE), says, *changes)


def _another_relay(hand: Hand, step: Step) -> Step | None:
    """Send the round over a node that the server is not announced on."""
    if step.act is not Act.PUNCH or not isinstance(step, HolepunchStep):
        return step
    return replace(step, relay=hand.kept["other relay"])


def _lost_address(hand: Hand, step: Step) -> Step | None:
    if step.act is not Act.PUNCH or not isinstance(step, HolepunchStep):
        return step
    return replace(step, peer_address=hand.kept["nobody"])


def _raw(change: Callable[[bytes], bytes]) -> Rewrite:
    """Change the plaintext and seal it again."""
    return lambda hand, value, plaintext: replace(value, payload=resealed(hand, change(plaintext)))


def _sealed(change: Callable[[bytes], bytes]) -> Rewrite:
    return lambda _, value, __: replace(value, payload=change(value.payload))


def _flip_bit(sealed: bytes) -> bytes:
    return sealed[:40] + bytes([sealed[40] ^ 1]) + sealed[41:]


def _other_secret(hand: Hand, value: Holepunch, plaintext: bytes) -> Holepunch:
    hand.secrets.append(bytes(32))
    try:
        return replace(value, payload=resealed(hand, plaintext))
    finally:
        hand.secrets.pop()


def _again(which: int) -> DatagramChange:
    """After the punch round's request, a round's request once more, byte for byte, as a new request."""

    def changed(hand: Hand, outgoing: Outgoing) -> list[Outgoing]:
        found = round_of(hand, outgoing.data, Mode.FROM_CLIENT)
        if found is None:
            return [outgoing]
        message, value, plaintext = found
        hand.kept.setdefault(plaintext[3], value)
        if plaintext[3] != 1 or "again" in hand.kept:
            return [outgoing]
        hand.kept["again"] = True
        return [outgoing, bare_again(outgoing, message, hand.kept[which], _TID)]

    return changed


def _lie_about_the_client(hand: Hand, outgoing: Outgoing) -> list[Outgoing]:
    """In the probe round the relay names another host as the client."""
    found = round_of(hand, outgoing.data, Mode.FROM_RELAY)
    if found is None:
        return [outgoing]
    message, value, plaintext = found
    if plaintext[3] != 0 or value.peer_address is None:
        return [outgoing]
    hand.kept[value.peer_address.port] = value.peer_address
    return [rebuilt(outgoing, message, replace(value, peer_address=value.peer_address._replace(host=ELSEWHERE)))]


def _undo_the_lie(hand: Hand, data: bytes) -> bytes:
    """The answer is for the real client."""
    found = round_of(hand, data, Mode.FROM_SERVER)
    if found is None or found[1].peer_address is None or found[1].peer_address.host != ELSEWHERE:
        return data
    message, value, _ = found
    real = replace(value, peer_address=hand.kept[found[1].peer_address.port])
    return rebuilt(Outgoing(data, real.peer_address or Address("", 0), 0), message, real).data


_ROUND = Mode.FROM_CLIENT
_ANSWER = Mode.FROM_SERVER
_PUNCH = (1,)

CLIENT: Final = (
    Case("unchanged", "tokens", "nothing is changed"),
    Case("unchanged-random", "tokens", "nothing is changed", nat="random"),
    Case("unchanged-fast-open", "tokens", "nothing is changed, with fast open", fast_open=True),
    Case("stripped-token", "tokens", "punch round without the server's token", nat="random",
         step=edit(Act.PUNCH, remote_token=None)),
    Case("stripped-token-consistent", "tokens", "punch round without the server's token",
         step=edit(Act.PUNCH, remote_token=None)),
    Case("forged-token", "tokens", "32 random bytes as the server's token", nat="random",
         step=edit(Act.PUNCH, remote_token=_random_token)),
    Case("forged-token-consistent", "tokens", "32 random bytes as the server's token",
         step=edit(Act.PUNCH, remote_token=_random_token)),
    Case("old-token", "tokens", "the token of an attempt before", nat="random", before=True,
         step=edit(Act.PUNCH, remote_token=_earlier_token)),
    Case("token-of-another-address", "tokens", "a token that the server made for another host (a relay lied in the "
         "probe round)", nat="random", relay=_lie_about_the_client, relay_in=_undo_the_lie),
    Case("own-token-stripped", "tokens", "punch round without a token of ours", nat="random",
         step=edit(Act.PUNCH, token=None)),
    Case("token-over-a-foreign-relay", "tokens", "the right token over a relay that the server is not announced on",
         nat="random", step=_another_relay),
    Case("probe-over-a-foreign-relay", "tokens", "probe round over a relay that the server is not announced on",
         nat="random", step=lambda hand, step: replace(step, relay=hand.kept["other relay"])
         if step.act is Act.PROBE and isinstance(step, HolepunchStep) else step),
    Case("stale-address", "addresses", "another port of our host in both rounds",
         step=_in_hiding(edit(Act.PROBE, addresses=_list(_other_port)), edit(Act.PUNCH, addresses=_list(_other_port))),
         patience=_LONG),
    Case("address-of-another-host", "addresses", "another host's address in the punch round, with the right token",
         nat="random", step=edit(Act.PUNCH, addresses=_list(_other_host))),
    Case("no-addresses", "addresses", "an empty list of addresses in the punch round",
         step=edit(Act.PUNCH, addresses=())),
    Case("many-addresses", "addresses", f"{MANY} addresses in the punch round", patience=_LONG,
         step=_in_hiding(edit(Act.PUNCH, addresses=_many))),
    Case("fast-open-elsewhere", "addresses", "remote_address names another socket than the server's", fast_open=True,
         step=edit(Act.PROBE, remote_address=lambda _, payload: _other_port(payload.remote_address))),
    Case("peer-address-elsewhere", "addresses", "the punch round's peer_address is nobody's", step=_lost_address),
    Case("flipped-to-random", "firewalls", "RANDOM in the punch round of a consistent client",
         step=edit(Act.PUNCH, firewall=Firewall.RANDOM)),
    Case("flipped-to-random-stripped", "firewalls", "RANDOM in the punch round, and no token",
         step=edit(Act.PUNCH, firewall=Firewall.RANDOM, remote_token=None)),
    Case("flipped-to-consistent", "firewalls", "CONSISTENT in both rounds of a random client", nat="random",
         step=both(edit(Act.PROBE, firewall=Firewall.CONSISTENT), edit(Act.PUNCH, firewall=Firewall.CONSISTENT))),
    Case("flipped-to-open", "firewalls", "OPEN in the punch round", step=edit(Act.PUNCH, firewall=Firewall.OPEN)),
    Case("flipped-to-unknown", "firewalls", "UNKNOWN in the punch round",
         step=edit(Act.PUNCH, firewall=Firewall.UNKNOWN)),
    Case("firewall-9", "firewalls", "firewall 9 in the punch round", step=edit(Act.PUNCH, firewall=9)),
    Case("same-round-again", "rounds", "the punch round twice, byte for byte", datagram=_again(1)),
    Case("old-round-again", "rounds", "the probe round once more after the punch round", datagram=_again(0)),
    Case("round-numbers-backwards", "rounds", "round 5, then round 1", step=edit(Act.PROBE, round=5)),
    Case("round-skipped", "rounds", "round 0, then round 7", step=edit(Act.PUNCH, round=7)),
    Case("not-punching", "rounds", "punch round without the flag punching", step=edit(Act.PUNCH, punching=False)),
    Case("punching-at-once", "rounds", "the first round punches already",
         step=edit(Act.PROBE, punching=True, addresses=lambda hand, _: (hand.kept["nobody"],))),
    Case("connected-too-early", "rounds", "connected in the punch round", step=edit(Act.PUNCH, connected=True)),
    Case("punch-round-left-out", "rounds", "no punch round", step=leave_out(Act.PUNCH)),
    Case("error-1", "rounds", "error 1 (ABORTED) in the probe round", step=edit(Act.PROBE, error=1)),
    Case("error-3", "rounds", "error 3 (TRY_LATER) in the punch round", step=edit(Act.PUNCH, error=3)),
    Case("error-77", "rounds", "error 77 in the probe round", step=edit(Act.PROBE, error=77)),
    Case("wrong-id", "sealing", "the id of no attempt", datagram=rewrite(_ROUND, lambda _, value, __: replace(
        value, id=value.id + 99))),
    Case("broken-seal", "sealing", "one bit of the sealed punch round flipped",
         datagram=rewrite(_ROUND, _sealed(_flip_bit), _PUNCH)),
    Case("other-secret", "sealing", "punch round sealed with another secret",
         datagram=rewrite(_ROUND, _other_secret, _PUNCH)),
    Case("replayed-payload", "sealing", "the sealed probe round in the place of the punch round",
         datagram=rewrite(_ROUND, lambda hand, value, plaintext: (hand.kept.setdefault("probe", value), value)[1]
                          if plaintext[3] == 0 else replace(value, payload=hand.kept["probe"].payload))),
    Case("short-payload", "sealing", "40 bytes of the sealed punch round",
         datagram=rewrite(_ROUND, _sealed(lambda sealed: sealed[:40]), _PUNCH)),
    Case("unknown-flags", "sealing", "flag 64, and bytes behind the last field", datagram=rewrite(
        _ROUND, _raw(lambda plain: bytes([plain[0] | 0x40, *plain[1:], 1, 2, 3])))),
    Case("cut-plaintext", "sealing", "a plaintext that ends inside a field", datagram=rewrite(
        _ROUND, _raw(lambda plain: plain[:-5]), _PUNCH)),
    Case("version-2", "handshake", "version 2 in noise message 1", step=edit(Act.OFFER, version=2)),
    Case("no-stream", "handshake", "no udx in noise message 1", step=edit(Act.OFFER, udx=None)),
    Case("claims-open", "handshake", "OPEN in noise message 1 of a firewalled client",
         step=edit(Act.OFFER, firewall=Firewall.OPEN)),
    Case("offer-with-error", "handshake", "error 1 in noise message 1", step=edit(Act.OFFER, error=1)),
)  # fmt: skip

SERVER: Final = (
    Case("server-unchanged", "tokens", "nothing is changed", by="server"),
    Case("server-unchanged-random", "tokens", "nothing is changed", by="server", nat="random"),
    Case("server-hides", "tokens", "our server does not punch, and says that it does", by="server",
         step=_in_hiding()),
    Case("server-hides-random", "tokens", "our server does not punch, and says that it does", by="server",
         nat="random", step=_in_hiding()),
    Case("token-withheld", "tokens", "no token in any answer", by="server", step=edit(Act.REPLY, token=None)),
    Case("token-withheld-random", "tokens", "no token in any answer", by="server", nat="random",
         step=edit(Act.REPLY, token=None)),
    Case("token-forged", "tokens", "32 random bytes as our token", by="server", nat="random",
         step=edit(Act.REPLY, token=_random_token)),
    Case("echo-stripped", "tokens", "the client's token is not echoed", by="server", nat="random",
         step=_in_hiding(edit(Act.REPLY, remote_token=None))),
    Case("echo-stripped-consistent", "tokens", "the client's token is not echoed", by="server",
         step=_in_hiding(edit(Act.REPLY, remote_token=None))),
    Case("echo-forged", "tokens", "32 random bytes as echo of the client's token", by="server", nat="random",
         step=_in_hiding(edit(Act.REPLY, remote_token=_random_token))),
    Case("echo-of-nothing", "tokens", "an echo in answer to a round that issued no token", by="server",
         step=edit(Act.REPLY, remote_token=lambda hand, payload: payload.remote_token or hand.random.randbytes(32))),
    Case("server-stale-address", "addresses", "another port of our host in every answer", by="server",
         step=_in_hiding(edit(Act.REPLY, addresses=_list(_other_port)))),
    Case("server-address-of-another-host", "addresses", "another host's address in every answer", by="server",
         nat="random", step=_in_hiding(edit(Act.REPLY, addresses=_list(_other_host)))),
    Case("server-no-addresses", "addresses", "an empty list of addresses in every answer", by="server",
         step=edit(Act.REPLY, addresses=())),
    Case("server-many-addresses", "addresses", f"{MANY} addresses in every answer", by="server",
         step=_in_hiding(edit(Act.REPLY, addresses=_many))),
    Case("server-flipped-to-random", "firewalls", "RANDOM in every answer of a consistent server", by="server",
         step=edit(Act.REPLY, firewall=Firewall.RANDOM)),
    Case("server-flipped-to-consistent", "firewalls", "CONSISTENT in every answer of a random server", by="server",
         nat="random", step=edit(Act.REPLY, firewall=Firewall.CONSISTENT)),
    Case("server-stays-unknown", "firewalls", "UNKNOWN in every answer", by="server",
         step=edit(Act.REPLY, firewall=Firewall.UNKNOWN)),
    Case("server-not-punching", "rounds", "the punch round's answer without the flag punching", by="server",
         step=edit(Act.REPLY, punching=False)),
    Case("server-other-round", "rounds", "round 42 in every answer", by="server", step=edit(Act.REPLY, round=42)),
    Case("server-aborts", "rounds", "error 1 (ABORTED) in every answer", by="server",
         step=edit(Act.REPLY, error=ErrorCode.ABORTED)),
    Case("server-try-later", "rounds", "error 3 (TRY_LATER) in every answer", by="server",
         step=edit(Act.REPLY, error=ErrorCode.TRY_LATER)),
    Case("server-error-77", "rounds", "error 77 in every answer", by="server", step=edit(Act.REPLY, error=77)),
    Case("server-silent", "rounds", "no answer to any round", by="server", step=leave_out(Act.REPLY)),
    Case("server-broken-seal", "sealing", "one bit of every sealed answer flipped", by="server",
         datagram=rewrite(_ANSWER, _sealed(_flip_bit))),
    Case("server-other-secret", "sealing", "answers sealed with another secret", by="server",
         datagram=rewrite(_ANSWER, _other_secret)),
    Case("server-unknown-flags", "sealing", "flag 64, and bytes behind the last field", by="server",
         datagram=rewrite(_ANSWER, _raw(lambda plain: bytes([plain[0] | 0x40, *plain[1:], 1, 2, 3])))),
    Case("answer-version-2", "handshake", "version 2 in noise message 2", by="server",
         step=edit(Act.ANSWER, version=2)),
    Case("answer-error-1", "handshake", "error 1 in noise message 2", by="server",
         step=edit(Act.ANSWER, error=ErrorCode.ABORTED)),
    Case("answer-no-stream", "handshake", "no udx in noise message 2", by="server", step=edit(Act.ANSWER, udx=None)),
    Case("answer-no-holepunch", "handshake", "no offer to punch, firewall UNKNOWN", by="server",
         step=edit(Act.ANSWER, holepunch=None)),
    Case("answer-claims-open", "handshake", "OPEN in noise message 2 of a server behind a NAT", by="server",
         step=edit(Act.ANSWER, firewall=Firewall.OPEN)),
    Case("answer-nobodys-relay", "handshake", "relays that are nobody's", by="server", step=edit(
        Act.ANSWER, holepunch=_nobodys_relay)),
    Case("answer-silent", "handshake", "no answer to the handshake", by="server", step=leave_out(Act.ANSWER)),
)  # fmt: skip

CASES: Final = CLIENT + SERVER
