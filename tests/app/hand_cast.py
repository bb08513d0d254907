"""Who plays in the attempts drawn by hand: lanes, NATs and the finished flow."""

from __future__ import annotations

from capture.model import (
    Flow,
    KeyEvidence,
    KeySource,
    Lane,
    NatEvidence,
    Outcome,
    Path,
    Probes,
    Role,
    TokenState,
    Verdict,
)
from protocol.constants import Firewall
from protocol.messages import Address, HolepunchPayload
from tests.app.hand_pencil import Pencil

START = 1_753_264_800.0
"""2025-07-23 10:00:00 UTC."""

CLIENT_NAT, SERVER_NAT = "11.2.0.2", "11.3.0.2"
RELAY_1, RELAY_2 = Address("11.1.7.10", 49737), Address("11.1.8.10", 49737)
NODES = (Address("11.1.1.10", 49737), Address("11.1.2.10", 49737), Address("11.1.3.10", 49737))


def payload(firewall: Firewall, round_number: int, address: Address, **more: object) -> HolepunchPayload:
    fields: dict[str, object] = {"error": 0, "addresses": (address,)} | more
    return HolepunchPayload(firewall=int(firewall), round=round_number, **fields)  # type: ignore[arg-type]


def lanes(client_port: int, server_port: int, first: Role = Role.RELAY, sockets: int = 2) -> tuple[Lane, ...]:
    return (
        Lane(
            "client",
            Role.CLIENT,
            (Address(CLIENT_NAT, client_port), Address(CLIENT_NAT, client_port + 7)),
            (Address("192.168.10.10", 51470), Address("192.168.10.10", 51999)),
            sockets,
        ),
        Lane("relay1", first, (RELAY_1,)),
        Lane("relay2", Role.SERVER_RELAY, (RELAY_2,)),
        Lane("server", Role.SERVER, (Address(SERVER_NAT, server_port),), (Address("192.168.20.10", 58193),)),
        Lane("nodes", Role.NODE, NODES, (), len(NODES)),
    )


def flow(
    pencil: Pencil,
    duration: float,
    verdict: Verdict,
    outcome: Outcome,
    *,
    path: Path | None = None,
    firewalls: tuple[Firewall | None, Firewall | None] = (None, None),
    tokens: tuple[TokenState, TokenState] = (TokenState.NOT_ISSUED, TokenState.NOT_ISSUED),
    probes: tuple[Probes, Probes] = (Probes(), Probes()),
    nats: tuple[NatEvidence | None, NatEvidence | None] = (None, None),
    fast_open: bool = False,
    key: KeyEvidence | None = None,
) -> Flow:
    """The finished drawing; `tokens` are (server's, client's), all other pairs (client's, server's)."""
    pencil.finish()
    client, server = firewalls
    return Flow(
        id=pencil.id,
        started=pencil.start,
        duration=duration,
        target=pencil.target,
        client=pencil.lane("client").addresses[0],
        server=pencil.lane("server").addresses[0],
        relays=(RELAY_1, RELAY_2),
        key=key
        or KeyEvidence(
            KeySource.CAPTURED,
            pencil.key,
            pencil.handshake_hash,
            pencil.secret,
            proof=pencil.messages[1].sighting,
            noise1_reason="needs the server's secret key or a key log",
            noise2_reason="needs a key log",
        ),
        client_firewall=None if client is None else int(client),
        server_firewall=None if server is None else int(server),
        outcome=outcome,
        path=path,
        verdict=verdict,
        fast_open=fast_open,
        rounds=tuple(pencil.rounds),
        server_token=tokens[0],
        client_token=tokens[1],
        client_probes=probes[0],
        server_probes=probes[1],
        lanes=pencil.lanes,
        messages=tuple(pencil.messages),
        steps=tuple(pencil.steps),
        client_nat=nats[0],
        server_nat=nats[1],
    )


def consistent(pencil: Pencil, at: float, side: str) -> NatEvidence:
    seen = [pencil.lane(side).addresses[0]] * 4
    found = pencil.samples(at, side, seen, 900)
    return pencil.nat(Firewall.CONSISTENT, found, Firewall.CONSISTENT, "one address has 3 or more hits: CONSISTENT")


def random_nat(pencil: Pencil, at: float, side: str) -> NatEvidence:
    host = pencil.lane(side).addresses[0].host
    seen = [Address(host, port) for port in (40112, 17733, 60021, 28419)]
    found = pencil.samples(at, side, seen, 1200)
    return pencil.nat(Firewall.RANDOM, found, Firewall.RANDOM, "no address has 2 hits in 4 samples: RANDOM")
