"""NAT classes, and attempts that failed by them."""

from __future__ import annotations

from capture.flows.altered import leg_to
from capture.flows.attempt import Exchange
from capture.flows.facts import Facts
from capture.flows.relaying import RelayLink
from capture.flows.verdicts.judgement import Judgement, Proof, answer_row, failed
from capture.model import VerdictCode
from protocol.constants import ErrorCode, Firewall, Mode


def both_random(facts: Facts, _links: list[RelayLink]) -> Judgement | None:
    """Both NATs are random: no side can aim."""
    client, inferred_client = class_of(facts, client=True)
    server, inferred_server = class_of(facts, client=False)
    if client != Firewall.RANDOM or server != Firewall.RANDOM:
        return _random_as_heard(facts, client=client, server=server)
    proofs = (*class_proofs(facts, client=True), *class_proofs(facts, client=False))
    return failed(VerdictCode.BOTH_NATS_RANDOM, proofs, inferred=inferred_client or inferred_server)


def _random_as_heard(facts: Facts, *, client: Firewall | None, server: Firewall | None) -> Judgement | None:
    """A random side that hears RANDOM of the other, because a relay changed what that said."""
    for exchange in facts.rounds:
        for own, heard, to_server in ((client, exchange.heard_reply, False), (server, exchange.heard, True)):
            if heard is None or heard.firewall != Firewall.RANDOM:
                continue
            # Of what it hears first, a client that knows its own class as little as we do gives up for nothing else.
            guessed = own in (None, Firewall.UNKNOWN) and not to_server and _client_gives_up(facts, exchange)
            if own != Firewall.RANDOM and not guessed:
                continue
            hearer, other = ("server", "client") if to_server else ("client", "server")
            said = f"the {hearer} hears RANDOM of the {other}: a relay changed what is sealed"
            proofs = (*class_proofs(facts, client=not to_server), (leg_to(exchange, server=to_server).row, said))
            return failed(VerdictCode.BOTH_NATS_RANDOM, proofs, detail=said, inferred=guessed)
    return None


def _client_gives_up(facts: Facts, exchange: Exchange) -> bool:
    """Whether the client's next round calls it off."""
    at = facts.rounds.index(exchange) + 1
    after = facts.rounds[at].opened if at < len(facts.rounds) else None
    return after is not None and after.error != ErrorCode.NONE


def class_of(facts: Facts, *, client: bool) -> tuple[Firewall | None, bool]:
    """The class of one side: as stated on the wire, else as its samples say, else as its two handshake relays show.

    Returns:
        The class, and whether it is only likely.
    """
    stated = facts.firewall(client)
    if stated not in (None, Firewall.UNKNOWN):
        return stated, False
    sampled = (facts.client_class if client else facts.server_class).firewall
    if sampled != Firewall.UNKNOWN:
        return sampled, False
    if client and len(_handshake_ports(facts)) > 1:
        return Firewall.RANDOM, True
    return (Firewall.UNKNOWN if stays_unknown(facts, client=client) else None), False


def stays_unknown(facts: Facts, *, client: bool) -> bool:
    """Whether the packets prove that a side never got beyond UNKNOWN.

    A client's first request says UNKNOWN because it is sent before the samples are in; a server answers only after it
    has analysed its samples.
    """
    if facts.firewall(client) != Firewall.UNKNOWN:
        return False
    if (facts.client_class if client else facts.server_class).firewall != Firewall.UNKNOWN:
        return False
    if not client:
        return True
    stated = [one.opened for one in facts.rounds if one.opened is not None and one.opened.error == ErrorCode.NONE]
    return len(stated) > 1 or bool(facts.sides.client.inside_hosts)


def _handshake_ports(facts: Facts) -> dict[int, int]:
    """Outside endpoints of the client's one DHT socket, as its handshake relays saw it, with a row for each."""
    ports: dict[int, int] = {}
    for exchange in facts.attempt.handshakes:
        for leg in exchange.legs:
            if leg.mode in (Mode.FROM_RELAY, Mode.FROM_SECOND_RELAY, Mode.FROM_SERVER) and leg.peer is not None:
                ports.setdefault(leg.peer, leg.row)
            elif leg.mode == Mode.REPLY:
                ports.setdefault(leg.to, leg.row)
    return ports


def class_proofs(facts: Facts, *, client: bool) -> tuple[Proof, ...]:
    """Rows that show a side to be random."""
    who = "client" if client else "server"
    for exchange in reversed(facts.rounds):
        payload = exchange.opened if client else exchange.reply
        if payload is not None and payload.firewall == Firewall.RANDOM:
            row = exchange.legs[0].row if client else answer_row(exchange)
            return ((row, f"the {who} says RANDOM"),)
    samples = facts.client_samples if client else facts.server_samples
    sampled = facts.client_class if client else facts.server_class
    ports = {seen: sample.row for sample, seen in reversed(samples)} if sampled.firewall == Firewall.RANDOM else {}
    named = ports or (_handshake_ports(facts) if client else {})
    proofs = [(row, f"a node sees the {who} at port {endpoint & 0xFFFF}") for endpoint, row in named.items()]
    return tuple(sorted(proofs)[:3])
