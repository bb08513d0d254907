"""A pencil for drawing attempts by hand: each call adds a datagram with real bytes, its message and its ladder step."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import replace

from capture.model import (
    FlowMessage,
    Lane,
    NatEvidence,
    NatSample,
    Note,
    Round,
    Sealed,
    Sighting,
    Step,
    StepKind,
    TokenState,
)
from protocol.constants import Command, Firewall, InternalCommand, Mode
from protocol.envelope import encode_request, encode_response
from protocol.messages import Address, Handshake, Holepunch, HolepunchPayload, PeerRecord, Request, Response
from protocol.secretbox import seal_payload
from protocol.values import encode_handshake, encode_holepunch, encode_holepunch_payload, encode_peer_record


def blob(text: str, size: int = 32) -> bytes:
    """Bytes that look random and are the same on every run."""
    return (
        hashlib.blake2b(text.encode(), digest_size=64).digest()[:size]
        if size <= 64
        else b"".join(blob(f"{text}{i}", 64) for i in range(-(-size // 64)))[:size]
    )


class Pencil:
    """Draws one attempt. Times are given relative to `start`."""

    def __init__(self, name: str, start: float, lanes: tuple[Lane, ...], file: int = 0, frame: int = 1) -> None:
        self.name = name
        self.start = start
        self.lanes = lanes
        self.file = file
        self.frame = frame
        self.key = blob(f"{name} server key")
        self.target = hashlib.blake2b(self.key, digest_size=32).digest()
        self.noise1 = blob(f"{name} noise 1", 167)
        self.noise2 = blob(f"{name} noise 2", 181)
        self.id = hashlib.blake2b(self.noise1, digest_size=32).digest()[:8].hex()
        self.handshake_hash = blob(f"{name} h", 64)
        self.secret = blob(f"{name} secret")
        self.messages: list[FlowMessage] = []
        self.steps: list[Step] = []
        self.rounds: list[Round] = []
        self.payloads: dict[Sighting, bytes] = {}
        self.times: dict[Sighting, float] = {}
        self.ends: dict[Sighting, tuple[Address, Address, int]] = {}
        self._nonces = 0

    def lane(self, lane_id: str) -> Lane:
        return next(lane for lane in self.lanes if lane.id == lane_id)

    def datagram(self, at: float, payload: bytes, src: Address, dst: Address, ttl: int = 64) -> Sighting:
        """One captured datagram; frames of other traffic lie between."""
        sighting = Sighting(self.file, self.frame, self.frame - 1)
        self.frame += 1 + len(payload) % 3
        self.payloads[sighting] = payload
        self.times[sighting] = self.start + at
        self.ends[sighting] = (src, dst, ttl)
        return sighting

    def rpc(
        self,
        at: float,
        from_lane: str,
        to_lane: str,
        kind: StepKind,
        label: str,
        command: Command | InternalCommand,
        tid: int,
        *,
        reply: bool = False,
        value: bytes | None = None,
        mode: Mode | None = None,
        src: Address | None = None,
        dst: Address | None = None,
        sealed: Sealed | None = None,
        round_index: int | None = None,
        retransmission: bool = False,
        notes: tuple[Note, ...] = (),
        step: bool = True,
    ) -> Sighting:
        """A dht-rpc message from lane to lane."""
        src = src or self.lane(from_lane).addresses[0]
        dst = dst or self.lane(to_lane).addresses[0]
        internal = isinstance(command, InternalCommand)
        if reply:
            payload = encode_response(Response(tid, dst, value=value))
        else:
            target = None if internal else self.target
            payload = encode_request(Request(tid, dst, int(command), internal=internal, target=target, value=value))
        sighting = self.datagram(at, payload, src, dst)
        self.messages.append(
            FlowMessage(
                sighting=sighting,
                time=self.start + at,
                command=command.name,
                kind="response" if reply else "request",
                mode=None if mode is None else mode.name,
                tid=tid,
                src=src,
                dst=dst,
                from_lane=from_lane,
                to_lane=to_lane,
                from_role=self.lane(from_lane).role,
                to_role=self.lane(to_lane).role,
                retransmission=retransmission,
                payload=sealed,
                round=round_index,
            )
        )
        if step:
            self.steps.append(
                Step(
                    kind=kind,
                    time=self.start + at,
                    from_lane=from_lane,
                    to_lane=to_lane,
                    label=label,
                    sighting=sighting,
                    src=src,
                    dst=dst,
                    message=len(self.messages) - 1,
                    dashed=reply,
                    retransmission=retransmission,
                    round=round_index,
                    members=(sighting,),
                    notes=notes,
                )
            )
        return sighting

    def find_peer(self, at: float, tid: int = 4101) -> None:
        """FIND_PEER and the record that a node holds."""
        self.rpc(at, "client", "nodes", StepKind.FIND_PEER, "FIND_PEER", Command.FIND_PEER, tid)
        relays = tuple(lane.addresses[0] for lane in self.lanes if "relay" in lane.role)
        self.rpc(
            at + 0.031,
            "nodes",
            "client",
            StepKind.FIND_PEER,
            f"{self.key.hex()[:8]}…, {len(relays)} relays",
            Command.FIND_PEER,
            tid,
            reply=True,
            value=encode_peer_record(PeerRecord(self.key, relays)),
        )

    def handshake(self, at: float, relay: str, tid: int, legs: int = 4, retransmission: bool = False) -> None:
        """The legs of PEER_HANDSHAKE over one relay: 1 = sent, 2 = forwarded, 3 = answered, 4 = delivered."""
        client, server = self.lane("client").addresses[0], self.lane("server").addresses[0]
        plan = (
            ("client", relay, Mode.FROM_CLIENT, self.noise1, None, 0.0),
            (relay, "server", Mode.FROM_RELAY, self.noise1, client, 0.017),
            ("server", relay, Mode.FROM_SERVER, self.noise2, client, 0.049),
            (relay, "client", Mode.REPLY, self.noise2, server, 0.066),
        )
        for from_lane, to_lane, mode, noise, peer, later in plan[:legs]:
            self.rpc(
                at + later,
                from_lane,
                to_lane,
                StepKind.HANDSHAKE,
                f"PEER_HANDSHAKE {mode.name}",
                Command.PEER_HANDSHAKE,
                tid,
                reply=mode is Mode.REPLY,
                mode=mode,
                value=encode_handshake(Handshake(mode, noise, peer)),
                sealed=Sealed(noise, None, "needs the server's secret key or a key log"),
                retransmission=retransmission,
            )

    def samples(self, at: float, side: str, seen: Iterable[Address], tid: int) -> tuple[NatSample, ...]:
        """PINGs that tell a side how its address looks from outside; folded into one step."""
        found = []
        lane = self.lane(side)
        socket = (lane.inside or lane.addresses)[0]
        nodes = self.lane("nodes").addresses
        for i, seen_as in enumerate(seen):
            node = nodes[i % len(nodes)]
            for reply in (False, True):
                sighting = self.rpc(
                    at + i * 0.004 + (0.022 if reply else 0),
                    "nodes" if reply else side,
                    side if reply else "nodes",
                    StepKind.SAMPLE,
                    "",
                    InternalCommand.PING,
                    tid + i,
                    reply=reply,
                    src=node if reply else socket,
                    dst=seen_as if reply else node,
                    step=False,
                )
            found.append(NatSample(self.start + at + i * 0.004 + 0.022, socket, seen_as, node, sighting))
        ports = len({sample.seen_as.port for sample in found})
        self.steps.append(
            Step(
                kind=StepKind.SAMPLE,
                time=self.start + at,
                from_lane=side,
                to_lane="nodes",
                label=f"PING: {len(found)} samples, {ports} port{'s' if ports > 1 else ''}",
                sighting=found[0].sighting,
                count=2 * len(found),
                span=0.004 * (len(found) - 1) + 0.022,
                members=tuple(sample.sighting for sample in found),
            )
        )
        return tuple(found)

    def nat(
        self, announced: Firewall | None, samples: tuple[NatSample, ...], classified: Firewall, rule: str
    ) -> NatEvidence:
        return NatEvidence(None if announced is None else int(announced), samples, int(classified), rule)

    def holepunch(
        self,
        at: float,
        relay: str,
        tid: int,
        request: HolepunchPayload,
        reply: HolepunchPayload | None,
        legs: int = 4,
        client_src: Address | None = None,
        kind: StepKind | None = None,
        server_takes: float = 0.033,
        sends: int = 1,
        notes: dict[Mode, tuple[Note, ...]] | None = None,
    ) -> None:
        """The legs of one PEER_HOLEPUNCH round. What does not come is drawn as missing."""
        client = client_src or self.lane("client").addresses[0]
        server = self.lane("server").addresses[0]
        kind = kind or (StepKind.PUNCH_ROUND if request.punching else StepKind.PROBE)
        index = len(self.rounds)
        asked, answer = self._seal(request), None if reply is None else self._seal(reply)
        plan = (
            ("client", relay, Mode.FROM_CLIENT, asked, server, 0.0),
            (relay, "server", Mode.FROM_RELAY, asked, client, 0.017),
            ("server", relay, Mode.FROM_SERVER, answer, client, 0.017 + server_takes),
            (relay, "client", Mode.REPLY, answer, server, 0.034 + server_takes),
        )
        for attempt in range(sends):
            for from_lane, to_lane, mode, sealed, peer, later in plan[:legs]:
                assert sealed is not None
                self.rpc(
                    at + attempt + later,
                    from_lane,
                    to_lane,
                    kind,
                    f"PEER_HOLEPUNCH {mode.name}",
                    Command.PEER_HOLEPUNCH,
                    tid,
                    reply=mode is Mode.REPLY,
                    mode=mode,
                    src=client if from_lane == "client" else None,
                    dst=client if to_lane == "client" else None,
                    value=encode_holepunch(Holepunch(mode, 0 if sealed is answer else 3, sealed.sealed, peer)),
                    sealed=sealed,
                    round_index=index,
                    retransmission=attempt > 0,
                    notes=(notes or {}).get(mode, ()),
                )
        answered = legs == 4
        if legs < 4:
            from_lane, to_lane, mode, *_ = plan[legs]
            self.steps.append(
                Step(
                    kind=StepKind.MISSING,
                    time=self.start + at + sends,
                    from_lane=from_lane,
                    to_lane=to_lane,
                    label=f"{mode.name} expected here, none seen",
                    sighting=None,
                    dashed=True,
                    round=index,
                    count=0,
                )
            )
        self.rounds.append(
            Round(
                round=request.round,
                punching=request.punching,
                relay=self.lane(relay).addresses[0],
                tid=tid,
                sent=self.start + at,
                answered=self.start + at + 0.034 + server_takes if answered else None,
                retransmissions=sends - 1,
                request=request,
                reply=reply if legs >= 3 else None,
                reply_reason="" if legs >= 3 else "no reply seen",
            )
        )

    def punches(
        self,
        at: float,
        from_lane: str,
        count: int,
        label: str,
        *,
        ttl: int = 64,
        span: float = 0.0,
        ports: int = 1,
        source_ports: tuple[int, ...] = (),
        hit: int | None = None,
        lost: bool = False,
        kind: StepKind = StepKind.PUNCH,
    ) -> None:
        """One-byte datagrams: `hit` is the index of the first that got through."""
        to_lane = "server" if from_lane == "client" else "client"
        src, dst = self.lane(from_lane).addresses[0], self.lane(to_lane).addresses[0]
        members = []
        for i in range(count):
            if source_ports:
                src = src._replace(port=source_ports[i % len(source_ports)])
            elif ports > 1:
                dst = dst._replace(port=1024 + (i * 40503) % 64000)
            members.append(self.datagram(at + (span * i / max(1, count - 1)), b"\0", src, dst, ttl))
        self.steps.append(
            Step(
                kind=kind,
                time=self.start + at,
                from_lane=from_lane,
                to_lane=to_lane,
                label=label,
                sighting=members[0],
                src=self.ends[members[0]][0],
                dst=self.ends[members[0]][1],
                count=count,
                span=span,
                ports=ports,
                ttl=ttl,
                lost=lost,
                first_hit=None if hit is None else members[hit],
                members=tuple(members),
            )
        )

    def stream(self, at: float, from_lane: str, label: str = "UDX stream up", ttl: int = 63) -> Sighting:
        """First UDX packet of the stream."""
        to_lane = "server" if from_lane == "client" else "client"
        src, dst = self.lane(from_lane).addresses[0], self.lane(to_lane).addresses[0]
        header = b"\xff\x01\x01\x00" + (7).to_bytes(4, "little") + bytes(12) + blob("stream", 24)
        sighting = self.datagram(at, header, src, dst, ttl)
        self.steps.append(
            Step(
                kind=StepKind.STREAM,
                time=self.start + at,
                from_lane=from_lane,
                to_lane=to_lane,
                label=label,
                sighting=sighting,
                src=src,
                dst=dst,
                ttl=ttl,
                members=(sighting,),
            )
        )
        return sighting

    def finish(self) -> None:
        """Put messages and steps in the order of their times, as the flow builder gives them."""
        order = sorted(range(len(self.messages)), key=lambda i: self.messages[i].time)
        place = {old: new for new, old in enumerate(order)}
        self.messages = [self.messages[i] for i in order]
        self.steps = sorted(
            (replace(s, message=None if s.message is None else place[s.message]) for s in self.steps),
            key=lambda s: s.time,
        )

    def _seal(self, payload: HolepunchPayload) -> Sealed:
        self._nonces += 1
        plaintext = encode_holepunch_payload(payload)
        return Sealed(seal_payload(self.secret, plaintext, blob(f"{self.name} {self._nonces}", 24)), plaintext)


def verified(lane: str, whose: str) -> Note:
    return Note(lane, f"address of the {whose} verified: the echo equals the token issued for it", TokenState.VERIFIED)
