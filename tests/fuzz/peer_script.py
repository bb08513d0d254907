"""Bytes as a script of what strangers do to a peer of ours: each few of them are one act, mostly a plausible one.

Random bytes hardly ever get past the first check. So a script chooses who acts, in whose name, and what: a datagram of
any command, an answer to something that the peer asked, a handshake or a round sealed with the right keys, packets of
its streams, punches, what was sent before with some bytes changed, or raw bytes.
"""

from __future__ import annotations

from collections.abc import Callable

from protocol.constants import Command, ErrorCode, Mode
from protocol.dht.contact import Outgoing, id_at
from protocol.dht.signing import signed_announce
from protocol.envelope import decode_request, encode_request, encode_response
from protocol.errors import DecodeError
from protocol.hashes import target_of
from protocol.messages import (
    Address,
    Announce,
    Handshake,
    Holepunch,
    HolepunchInfo,
    HolepunchPayload,
    NoisePayload,
    PeerRecord,
    RelayInfo,
    RelayThrough,
    Request,
    Response,
    UdxInfo,
)
from protocol.noise_handshake import NoiseInitiator, NoiseResponder
from protocol.peer_values import (
    decode_handshake,
    decode_holepunch,
    encode_announce,
    encode_handshake,
    encode_holepunch,
    encode_peer_record,
)
from protocol.punch.secure_payload import SecurePayload
from protocol.sealed_values import decode_noise_payload, encode_noise_payload
from protocol.secretbox import open_payload
from protocol.stream.packet import build
from tests.fuzz.flow_script import Script
from tests.fuzz.peer_cast import (
    CLIENT,
    CROOKS,
    EVERYBODY,
    HELPERS,
    OURS,
    RELAY,
    ROLES,
    SERVER,
    THEIRS,
    VICTIMS,
    Attempt,
    Stage,
)

LONGEST = 150
"""Acts of one script."""
PAUSES = (0.01, 0.1, 0.6, 1.1, 2.5, 6.0, 11.0, 40.0)
TARGETS = tuple(target_of(pair.public_key) for pair in (SERVER, THEIRS, RELAY, CLIENT))
THEIR_STREAM = 4242


def play(data: bytes, after: Callable[[Stage], None] = lambda _: None) -> Stage:
    """What becomes of a peer by this script; `after` is called after every act."""
    script = Script(data)
    stage = Stage(ROLES[script.byte() % len(ROLES)])
    for _ in range(LONGEST):
        if script.over:
            break
        _ACTS[script.byte() % len(_ACTS)](stage, script)
        after(stage)
    return stage


def _who(script: Script) -> Address:
    """Anybody, often on another of their ports."""
    choice = script.byte()
    who = EVERYBODY[choice % len(EVERYBODY)]
    return who if choice < 192 else Address(who.host, 1 + script.byte())


def _socket(stage: Stage, script: Script) -> int:
    """The server socket, mostly; the client socket, or one of the pool."""
    choice = script.byte()
    pool = list(stage.peer.pool._held)
    if choice < 128 or not pool:
        return int(choice % 4 != 0)
    return pool[choice % len(pool)]


def _raw(stage: Stage, script: Script) -> None:
    stage.receive(script.some(), _who(script), _socket(stage, script))


def _raw_envelope(stage: Stage, script: Script) -> None:
    kind = (b"\x03", b"\x13", b"\xff\x01", b"\0")[script.byte() % 4]
    stage.receive(kind + script.some(), _who(script), _socket(stage, script))


def _wait(stage: Stage, script: Script) -> None:
    stage.advance(PAUSES[script.byte() % len(PAUSES)])


def _request(stage: Stage, script: Script) -> None:
    """Any command, with or without what it needs."""
    who, about, command = _who(script), script.byte(), script.byte()
    internal = about & 1 == 1
    target = TARGETS[about >> 4 & 3] if about & 2 else None
    # Tokens of others, spoofed ones, and, where somebody could read it, the right one.
    token = None
    if about & 4:
        stolen = list(stage.tokens.values())
        known = stage.tokens.get(who.host) if who.host not in {victim.host for victim in VICTIMS} else None
        choice = script.byte()
        token = known if known is not None and choice % 2 else stolen[choice % len(stolen)] if stolen else bytes(32)
    value: bytes | None = None
    if about & 8:
        value = _value(stage, script, who, target or TARGETS[0], token)
    tid = script.byte()
    id_ = id_at(who) if about & 128 else bytes(32) if about & 64 else None
    request = Request(tid, OURS, command % 12, internal, id_, token, target, value)
    stage.receive(encode_request(request), who, _socket(stage, script))


def _value(stage: Stage, script: Script, who: Address, target: bytes, token: bytes | None) -> bytes:
    choice = script.byte()
    other = EVERYBODY[script.byte() % len(EVERYBODY)]
    match choice % 6:
        case 0:
            return script.some()
        case 1:
            return encode_handshake(Handshake(choice >> 3 & 7, script.some(), other, who if choice & 64 else other))
        case 2:
            return encode_holepunch(Holepunch(choice >> 3 & 7, script.byte(), script.some(), other))
        case 3:
            # A claimed array of any length.
            return bytes(32) + bytes((0xFE,)) + (script.byte() << 16 | 0xFFFF).to_bytes(4, "little") + script.some()
        case 4:
            peer = PeerRecord(THEIRS.public_key, (other,) * (choice >> 4))
            announce = Announce(peer, refresh=bytes(32), bump=choice)
            if token is not None and stage.peer.node.id is not None:
                announce = signed_announce(Command.ANNOUNCE, THEIRS, target, token, stage.peer.node.id, announce)
            return encode_announce(announce)
        case _:
            return bytes(int(part) for part in other.host.split(".")) + (53).to_bytes(2, "little") + script.some()


def _answer(stage: Stage, script: Script) -> None:
    """Somebody answers a request of the peer: the one who was asked, or another; rightly, or not."""
    if not stage.asked:
        return
    outgoing, request = stage.asked[script.byte() % len(stage.asked)]
    about = script.byte()
    who = outgoing.to if about & 7 else _who(script)
    nodes = tuple(EVERYBODY[script.byte() % 7] for _ in range(about >> 4 & 3))
    value = None
    if request.command == Command.FIND_PEER and about & 8:
        value = encode_peer_record(PeerRecord(THEIRS.public_key, CROOKS[:2]))
    elif request.command == Command.PEER_HANDSHAKE and not request.internal:
        value = _second_message(stage, script, request)
    elif request.command == Command.PEER_HOLEPUNCH and not request.internal:
        value = _server_round(stage, script, request)
    tid = request.tid if about & 128 or about & 7 else request.tid ^ 1
    token = bytes((about,)) * 32 if about & 64 else None
    error = about >> 3 & 3 if about & 64 else 0
    response = Response(tid, OURS, id_at(who) if about & 8 else None, token, nodes or None, error, value)
    data = encode_response(response)
    stage.receive(data[: len(data) - script.byte() % 8] if about & 7 == 7 else data, who, outgoing.socket)


def _honest(stage: Stage, _script: Script) -> None:
    """The helpers answer all that they were asked, as they should."""
    for outgoing, request in list(stage.asked):
        if outgoing.to not in HELPERS or (outgoing, request) not in stage.asked:
            continue
        stage.asked.remove((outgoing, request))
        value = None
        if request.command == Command.FIND_PEER and not request.internal:
            value = encode_peer_record(PeerRecord(THEIRS.public_key, CROOKS[:2]))
        token = None if request.internal else bytes(32)
        nodes = HELPERS if request.target is not None else None
        response = Response(request.tid, OURS, id_at(outgoing.to), token, nodes, 0, value)
        stage.receive(encode_response(response), outgoing.to, outgoing.socket)


def _second_message(stage: Stage, script: Script, request: Request) -> bytes | None:
    """The crook whom our client wants to reach answers, with any offer."""
    try:
        value = decode_handshake(request.value or b"")
    except DecodeError:
        return None
    responder = NoiseResponder(THEIRS, bytes((script.byte(),)) * 32)
    try:
        offer = decode_noise_payload(responder.read_message_1(value.noise))
    except DecodeError:
        # For somebody else, as for the blind relay.
        return script.some()
    noise, result = responder.write_message_2(encode_noise_payload(_offer(stage, script)))
    stream = 0 if offer.udx is None else offer.udx.id
    stage.attempts.append(Attempt(0, result, stream, noise, CROOKS[0]))
    server = EVERYBODY[script.byte() % len(EVERYBODY)] if script.byte() % 2 else None
    return encode_handshake(Handshake(Mode.REPLY, noise, server))


def _offer(stage: Stage, script: Script) -> NoisePayload:
    """What one side says of itself; it may name victims."""
    about, firewall = script.byte(), script.byte() % 5
    listed = tuple(EVERYBODY[script.byte() % len(EVERYBODY)] for _ in range(about & 3))
    for address in listed:
        stage.account(address.host).rounds += 1
    relays = tuple(
        RelayInfo(EVERYBODY[script.byte() % 10], EVERYBODY[script.byte() % 10]) for _ in range(about >> 2 & 3)
    )
    through = RelayThrough(1, (RELAY, THEIRS, SERVER)[about % 3].public_key, bytes((about,)) * 32)
    return NoisePayload(
        1 if about < 240 else 2,
        ErrorCode.NONE if about < 224 else ErrorCode.ABORTED,
        firewall,
        HolepunchInfo(script.byte() % 3, relays) if relays else None,
        listed,
        udx=UdxInfo(1, False, THEIR_STREAM, 0) if about != 200 else None,
        secret_stream_version=1,
        relay_through=through if about & 16 else None,
        relay_addresses=listed or None,
    )


def _server_round(stage: Stage, script: Script, request: Request) -> bytes | None:
    """The crook answers a round of our client."""
    try:
        value = decode_holepunch(request.value or b"")
    except DecodeError:
        return None
    for attempt in stage.attempts:
        said = open_payload(attempt.result.holepunch_secret, value.payload)
        if said is not None:
            sealed = _seal(attempt, _round(stage, script, attempt))
            return encode_holepunch(Holepunch(Mode.REPLY, 0, sealed, EVERYBODY[script.byte() % len(EVERYBODY)]))
    return encode_holepunch(Holepunch(Mode.REPLY, 0, script.some(), CROOKS[0]))


def _round(stage: Stage, script: Script, attempt: Attempt) -> HolepunchPayload:
    about = script.byte()
    count = (0, 1, 3, 40)[about >> 6]
    listed = tuple(EVERYBODY[script.byte() % len(EVERYBODY)] for _ in range(min(count, 3))) * (13 if count == 40 else 1)
    for address in listed:
        stage.account(address.host).rounds += 1
    return HolepunchPayload(
        ErrorCode.NONE if about % 16 else ErrorCode.TRY_LATER,
        script.byte() % 5,
        script.byte() % 4,
        connected=about & 2 != 0,
        punching=about & 4 != 0,
        addresses=listed or None,
        remote_address=EVERYBODY[script.byte() % len(EVERYBODY)] if about & 8 else None,
        token=bytes((about,)) * 32 if about & 16 else None,
        remote_token=(attempt.token or bytes(32)) if about & 32 else None,
    )


def _seal(attempt: Attempt, payload: HolepunchPayload) -> bytes:
    return SecurePayload(attempt.result.holepunch_secret, _NoRandom()).encrypt(payload)  # type: ignore[arg-type]


class _NoRandom:
    def randbytes(self, size: int) -> bytes:
        return bytes(size)


def _handshake(stage: Stage, script: Script) -> None:
    """A crook shakes hands with our server: straight, over a relay, or in the name of a victim."""
    if stage.server is None:
        return
    seed, about = script.byte(), script.byte()
    initiator = NoiseInitiator((CLIENT, THEIRS, RELAY)[seed % 3], SERVER.public_key, bytes((seed,)) * 32)
    noise = initiator.write_message_1(encode_noise_payload(_offer(stage, script)))
    client, other = _who(script), _who(script)
    mode = (Mode.FROM_CLIENT, Mode.FROM_RELAY, Mode.FROM_SECOND_RELAY)[about % 3]
    value = Handshake(mode, noise, client if about & 4 else None, other if about & 8 else None)
    request = Request(about, OURS, Command.PEER_HANDSHAKE, target=TARGETS[0], value=encode_handshake(value))
    before = list(stage.seen)
    stage.receive(encode_request(request), _who(script), _socket(stage, script))
    for outgoing in stage.seen:
        if outgoing not in before:
            _read_second_message(stage, initiator, outgoing, noise, client)


def _read_second_message(
    stage: Stage, initiator: NoiseInitiator, outgoing: Outgoing, noise: bytes, client: Address
) -> None:
    try:
        sent = decode_request(outgoing.data)
        plain, result = initiator.read_message_2(decode_handshake(sent.value or b"").noise)
        offer = decode_noise_payload(plain)
    except DecodeError:
        return
    if offer.udx is not None:
        id_ = 0 if offer.holepunch is None else offer.holepunch.id
        stage.attempts.append(Attempt(id_, result, offer.udx.id, noise, client))


def _replay(stage: Stage, script: Script) -> None:
    """A handshake of before, in another's name."""
    if not stage.attempts:
        return
    attempt, client = stage.attempts[script.byte() % len(stage.attempts)], _who(script)
    value = encode_handshake(Handshake(Mode.FROM_RELAY, attempt.noise, client))
    request = Request(script.byte(), OURS, Command.PEER_HANDSHAKE, target=TARGETS[0], value=value)
    stage.receive(encode_request(request), _who(script), _socket(stage, script))


def _client_round(stage: Stage, script: Script) -> None:
    """A crook sends a round to our server: of its own attempt, or with another's number."""
    if not stage.attempts:
        return
    attempt = stage.attempts[script.byte() % len(stage.attempts)]
    about = script.byte()
    payload = _seal(attempt, _round(stage, script, attempt)) if about % 8 else script.some()
    client = attempt.client if about & 8 else _who(script)
    value = encode_holepunch(Holepunch(Mode.FROM_RELAY, attempt.id if about & 16 else about, payload, client))
    request = Request(about, OURS, Command.PEER_HOLEPUNCH, target=TARGETS[0], value=value)
    relay = HELPERS[0] if about & 32 else _who(script)
    stage.receive(encode_request(request), relay, _socket(stage, script))
    for outgoing in stage.seen:
        try:
            sent = decode_holepunch(decode_request(outgoing.data).value or b"")
        except DecodeError:
            continue
        said = SecurePayload(attempt.result.holepunch_secret, _NoRandom()).decrypt(sent.payload)  # type: ignore[arg-type]
        if said is not None and said.token is not None:
            attempt.token = said.token


def _stream(stage: Stage, script: Script) -> None:
    """Packets of streams, with any numbers, from anywhere."""
    ids = [*(attempt.stream_id for attempt in stage.attempts), *(one.stream_id for one in stage.peer.connections), 7]
    about = script.byte()
    packet = build(
        script.byte() % 32,
        ids[about % len(ids)],
        script.byte() << 10,
        script.byte() % 4,
        script.byte() % 4,
        script.some(),
    )
    stage.receive(packet, _who(script), _socket(stage, script))


def _punch(stage: Stage, script: Script) -> None:
    for _ in range(script.byte() % 8):
        stage.receive(b"\0", _who(script), _socket(stage, script))


def _changed(stage: Stage, script: Script) -> None:
    """Something that the peer itself sent comes back, to its own socket or changed."""
    sent = [*stage.seen, *(outgoing for outgoing, _ in stage.asked)]
    if not sent:
        return
    data = bytearray(sent[script.byte() % len(sent)].data)
    for _ in range(script.byte() % 4):
        data[script.byte() % len(data)] = script.byte()
    cut = script.byte()
    who = OURS if cut & 1 else _who(script)
    stage.receive(bytes(data[: len(data) - cut % 16]) if cut & 2 else bytes(data), who, _socket(stage, script))


def _application(stage: Stage, script: Script) -> None:
    """What a user does meanwhile."""
    match script.byte() % 6:
        case 0 | 1 | 2 if stage.connects < 3:
            stage.connect()
        case 3:
            for connection in stage.connections[-2:]:
                connection.destroy(stage.now)
        case 4:
            for connection in stage.connections[-2:]:
                if connection.may_send:
                    connection.send(bytes(3000))
        case _:
            stage.peer.socket_failed(_socket(stage, script), stage.now)
    stage.drain()


_ACTS: tuple[Callable[[Stage, Script], None], ...] = (
    _raw, _raw_envelope, _wait, _request, _request, _answer, _answer, _answer, _answer, _handshake, _handshake, _replay,
    _client_round, _client_round, _stream, _punch, _changed, _application, _honest, _honest, _honest,
)  # fmt: skip
