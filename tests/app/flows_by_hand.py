"""Attempts drawn by hand, for views to show before and beside those that captures give.

`STORY` holds six, oldest first: punched by fast open, both NATs random, probe unanswered, consistent x random with
bursts, punched in two rounds, and one that could not be opened.
"""

from __future__ import annotations

from collections.abc import Sequence

from capture.model import (
    Evidence,
    FileSummary,
    Flow,
    KeyEvidence,
    Outcome,
    Path,
    Probes,
    StepKind,
    TokenState,
    Verdict,
    VerdictCode,
)
from protocol.constants import Firewall, Mode
from tests.app.hand_cast import START, consistent, flow, lanes, payload, random_nat
from tests.app.hand_pencil import Pencil, blob, verified
from tests.app.hand_story import HandStory


def fast_open_punched() -> tuple[Flow, Pencil]:
    p = Pencil("fast open", START + 1.02, lanes(51470, 58193))
    client, server = p.lane("client").addresses[0], p.lane("server").addresses[0]
    p.find_peer(0.0)
    p.handshake(0.032, "relay1", 7001)
    p.handshake(0.033, "relay2", 7002, legs=2)
    nats = consistent(p, 0.099, "client"), consistent(p, 0.052, "server")
    p.punches(0.128, "client", 1, "open session TTL 5", ttl=5, lost=True, kind=StepKind.OPENER)
    token = blob("server token")
    p.holepunch(
        0.129,
        "relay1",
        7010,
        payload(Firewall.CONSISTENT, 0, client, remote_address=server),
        payload(Firewall.CONSISTENT, 0, server, token=token),
    )
    p.punches(0.17, "server", 1, "punch", hit=0)
    p.punches(0.187, "client", 1, "punch", hit=0)
    up = p.stream(0.205, "client")
    punch = next(step for step in p.steps if step.kind is StepKind.PUNCH)
    assert punch.first_hit is not None
    verdict = Verdict(
        VerdictCode.PUNCHED,
        "Punched by fast open: the server's punch met the client's opened NAT and the stream came up on that path.",
        (Evidence(punch.first_hit, "the server's punch arrives"), Evidence(up, "first UDX packet")),
        "Nothing to do.",
    )
    done = flow(
        p,
        0.212,
        verdict,
        Outcome.CONNECTED,
        path=Path.PUNCHED,
        firewalls=(Firewall.CONSISTENT, Firewall.CONSISTENT),
        tokens=(TokenState.ISSUED, TokenState.NOT_ISSUED),
        probes=(Probes(1, 1, 1, 1), Probes(0, 1, 1, 1)),
        nats=nats,
        fast_open=True,
    )
    return done, p


def both_nats_random() -> tuple[Flow, Pencil]:
    p = Pencil("both random", START + 7.31, lanes(40112, 61000), frame=300)
    client, server = p.lane("client").addresses[0], p.lane("server").addresses[0]
    p.find_peer(0.0)
    p.handshake(0.032, "relay1", 8001)
    nats = random_nat(p, 0.099, "client"), random_nat(p, 0.052, "server")
    zero_client, zero_server = client._replace(port=0), server._replace(port=0)
    token = blob("random token")
    p.holepunch(
        0.18,
        "relay1",
        8010,
        payload(Firewall.RANDOM, 0, zero_client),
        payload(Firewall.RANDOM, 0, zero_server, token=token),
    )
    p.holepunch(
        0.30,
        "relay1",
        8011,
        payload(Firewall.UNKNOWN, 1, zero_client, error=1, addresses=None, remote_token=token),
        payload(Firewall.UNKNOWN, 0, zero_server, error=1, addresses=None),
        kind=StepKind.ABORT,
    )
    says = [index for index, message in enumerate(p.messages) if message.round == 0]
    verdict = Verdict(
        VerdictCode.BOTH_NATS_RANDOM,
        "Both NATs give every destination another port, so no probe can be aimed.",
        (
            Evidence(p.messages[says[0]].sighting, "the client says RANDOM"),
            Evidence(p.messages[says[2]].sighting, "the server says RANDOM"),
        ),
        "Try relayThrough, a proxy, or one side on another network.",
        application_error="HOLEPUNCH_ABORTED",
    )
    done = flow(
        p,
        0.388,
        verdict,
        Outcome.FAILED,
        firewalls=(Firewall.RANDOM, Firewall.RANDOM),
        tokens=(TokenState.VERIFIED, TokenState.NOT_ISSUED),
        nats=nats,
    )
    return done, p


def probe_unanswered() -> tuple[Flow, Pencil]:
    p = Pencil("probe unanswered", START + 9.8, lanes(40977, 58200), frame=420)
    client, server = p.lane("client").addresses[0], p.lane("server").addresses[0]
    p.find_peer(0.0)
    p.handshake(0.032, "relay1", 9001)
    nat = consistent(p, 0.099, "client")
    p.punches(0.128, "client", 1, "open session TTL 5", ttl=5, lost=True, kind=StepKind.OPENER)
    p.holepunch(
        0.129, "relay1", 9010, payload(Firewall.CONSISTENT, 0, client, remote_address=server), None, legs=1, sends=4
    )
    last = [message for message in p.messages if message.round == 0][-1].sighting
    verdict = Verdict(
        VerdictCode.PROBE_UNANSWERED,
        "The probe round got no reply: its last leg seen is FROM_CLIENT to relay 11.1.7.10:49737, sent 4 times.",
        (Evidence(last, "the last send"),),
        "The relay is gone or has lost its route to the server; try again, so that another relay carries it.",
        inferred=True,
        application_error="HOLEPUNCH_ABORTED",
    )
    done = flow(
        p,
        4.185,
        verdict,
        Outcome.FAILED,
        firewalls=(Firewall.CONSISTENT, None),
        probes=(Probes(1, 0, 1, 0), Probes()),
        nats=(nat, None),
    )
    return done, p


def consistent_random() -> tuple[Flow, Pencil]:
    p = Pencil("consistent x random", START + 20.0, lanes(52000, 61111, sockets=2), frame=600)
    client, server = p.lane("client").addresses[0], p.lane("server").addresses[0]
    p.find_peer(0.0)
    p.handshake(0.03, "relay1", 9101)
    nats = consistent(p, 0.1, "client"), random_nat(p, 0.05, "server")
    server_any = server._replace(port=0)
    server_token, client_token = blob("cr server token"), blob("cr client token")
    p.holepunch(
        0.13,
        "relay1",
        9110,
        payload(Firewall.CONSISTENT, 0, client),
        payload(Firewall.RANDOM, 0, server_any, token=server_token),
    )
    p.holepunch(
        0.22,
        "relay1",
        9111,
        payload(Firewall.CONSISTENT, 1, client, punching=True, token=client_token, remote_token=server_token),
        payload(Firewall.RANDOM, 1, server_any, punching=True, token=server_token, remote_token=client_token),
        notes={Mode.FROM_RELAY: (verified("server", "client"),), Mode.REPLY: (verified("client", "server"),)},
    )
    sources = tuple(20000 + 97 * i for i in range(256))
    p.punches(
        0.27,
        "server",
        256,
        "open session TTL 5, 256 sockets",
        ttl=5,
        span=1.9,
        ports=256,
        source_ports=sources,
        lost=True,
        kind=StepKind.OPENER,
    )
    p.punches(0.31, "client", 660, "random ports", span=13.2, ports=655, hit=659)
    p.punches(13.53, "server", 1, "punch", hit=0)
    up = p.stream(13.56, "client")
    burst = next(step for step in p.steps if step.count == 660)
    assert burst.first_hit is not None
    verdict = Verdict(
        VerdictCode.PUNCHED,
        "Punched: one of 660 probes to random ports met one of the server's 256 sockets and the stream came up.",
        (Evidence(burst.first_hit, "the probe that got through"), Evidence(up, "first UDX packet")),
        "It took 13.3 s of probing; a consistent NAT on the server's side would take a second.",
    )
    done = flow(
        p,
        13.6,
        verdict,
        Outcome.CONNECTED,
        path=Path.PUNCHED,
        firewalls=(Firewall.CONSISTENT, Firewall.RANDOM),
        tokens=(TokenState.VERIFIED, TokenState.VERIFIED),
        probes=(Probes(0, 660, 655, 1), Probes(256, 1, 256, 1)),
        nats=nats,
    )
    return done, p


def two_rounds() -> tuple[Flow, Pencil]:
    p = Pencil("two rounds", START + 40.0, lanes(53000, 58300), frame=3000)
    client, server = p.lane("client").addresses[0], p.lane("server").addresses[0]
    p.find_peer(0.0)
    p.handshake(0.03, "relay1", 9201)
    nats = consistent(p, 0.1, "client"), consistent(p, 0.05, "server")
    server_token, client_token = blob("two server token"), blob("two client token")
    p.holepunch(
        0.13,
        "relay1",
        9210,
        payload(Firewall.CONSISTENT, 0, client),
        payload(Firewall.CONSISTENT, 0, server, token=server_token),
    )
    p.holepunch(
        0.22,
        "relay1",
        9211,
        payload(Firewall.CONSISTENT, 1, client, punching=True, token=client_token, remote_token=server_token),
        payload(Firewall.CONSISTENT, 1, server, punching=True, token=server_token, remote_token=client_token),
        notes={Mode.FROM_RELAY: (verified("server", "client"),), Mode.REPLY: (verified("client", "server"),)},
    )
    p.punches(0.27, "server", 1, "punch", lost=True)
    p.punches(0.32, "client", 1, "punch", hit=0)
    p.punches(1.27, "server", 1, "punch", hit=0)
    up = p.stream(1.30, "client")
    verdict = Verdict(
        VerdictCode.PUNCHED,
        "Punched in round 1: both sides punched and the stream came up on that path.",
        (Evidence(up, "first UDX packet"),),
        "Nothing to do.",
    )
    done = flow(
        p,
        1.31,
        verdict,
        Outcome.CONNECTED,
        path=Path.PUNCHED,
        firewalls=(Firewall.CONSISTENT, Firewall.CONSISTENT),
        tokens=(TokenState.VERIFIED, TokenState.VERIFIED),
        probes=(Probes(0, 1, 1, 1), Probes(0, 2, 1, 1)),
        nats=nats,
    )
    return done, p


def sealed_incomplete() -> tuple[Flow, Pencil]:
    p = Pencil("sealed", START + 50.0, lanes(54000, 58400)[:2] + lanes(54000, 58400)[3:], frame=4000)
    p.handshake(0.0, "relay1", 9301)
    verdict = Verdict(
        VerdictCode.INCOMPLETE,
        "The capture ends after the handshake; no key opens what the sides told each other.",
        (Evidence(p.messages[-1].sighting, "the last packet of the attempt"),),
        "Capture for longer, or give the server's public key with --key.",
    )
    key = KeyEvidence(
        None,
        reason="no public key of this target in the capture",
        noise1_reason="needs the server's secret key or a key log",
        noise2_reason="needs a key log",
    )
    done = flow(
        p,
        0.07,
        verdict,
        Outcome.UNKNOWN,
        tokens=(TokenState.UNREADABLE, TokenState.UNREADABLE),
        key=key,
    )
    return done, p


DRAWINGS = tuple(
    draw()
    for draw in (
        fast_open_punched,
        both_nats_random,
        probe_unanswered,
        consistent_random,
        two_rounds,
        sealed_incomplete,
    )
)
FAST_OPEN, BOTH_RANDOM, UNANSWERED, CONSISTENT_RANDOM, TWO_ROUNDS, SEALED = (drawn[0] for drawn in DRAWINGS)


def story(flows: Sequence[Flow] = tuple(drawn[0] for drawn in DRAWINGS)) -> HandStory:
    pencils = tuple(pencil for _, pencil in DRAWINGS)
    frames = sum(len(pencil.payloads) for pencil in pencils)
    return HandStory((FileSummary("lab.pcapng", "pcapng", frames * 2, frames, 3, 12),), tuple(flows), pencils)


STORY = story()
