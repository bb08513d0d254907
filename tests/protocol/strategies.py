"""Hypothesis strategies: every value that a codec can carry."""

from __future__ import annotations

from socket import AF_INET6, inet_ntop
from typing import Any

from hypothesis import strategies as st

from protocol.messages import (
    Address,
    Announce,
    Handshake,
    Holepunch,
    HolepunchInfo,
    HolepunchPayload,
    LookupReply,
    MutableGetReply,
    MutablePut,
    NoisePayload,
    PeerRecord,
    PluginRequest,
    RelayInfo,
    RelayThrough,
    Request,
    Response,
    UdxHeader,
    UdxInfo,
)
from protocol.wire import MAX_UINT

EDGES = (0, 1, 0xFC, 0xFD, 0xFF, 0xFFFF, 0x10000, 0xFFFFFFFF, 0x100000000, MAX_UINT)
uints = st.integers(0, MAX_UINT) | st.sampled_from(EDGES)
u16s = st.integers(0, 0xFFFF)
u32s = st.integers(0, 0xFFFFFFFF)
buffers = st.binary(max_size=300)
fixed32 = st.binary(min_size=32, max_size=32)
fixed64 = st.binary(min_size=64, max_size=64)
addresses = st.builds(Address, st.ip_addresses(v=4).map(str), u16s)
addresses6 = st.builds(Address, st.ip_addresses(v=6).map(lambda address: inet_ntop(AF_INET6, address.packed)), u16s)
small = st.integers(0, 0xFC)


def some(strategy: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.none() | strategy


def tuples_of(strategy: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.lists(strategy, max_size=4).map(tuple)


peer_records = st.builds(PeerRecord, fixed32, tuples_of(addresses))
udx_infos = st.builds(UdxInfo, uints, st.booleans(), uints, uints)
relay_throughs = st.builds(RelayThrough, uints, fixed32, fixed32)
holepunch_infos = st.builds(HolepunchInfo, uints, tuples_of(st.builds(RelayInfo, addresses, addresses)))
noise_payloads = st.builds(
    NoisePayload,
    version=st.just(1),
    error=uints,
    firewall=uints,
    holepunch=some(holepunch_infos),
    addresses4=tuples_of(addresses),
    addresses6=tuples_of(addresses6),
    udx=some(udx_infos),
    secret_stream_version=some(uints),
    relay_through=some(relay_throughs),
    relay_addresses=some(tuples_of(addresses)),
) | st.builds(NoisePayload, version=uints.filter(lambda version: version != 1))

VALUES: dict[str, st.SearchStrategy[Any]] = {
    "uint": uints,
    "string": st.text(max_size=80),
    "buffer": buffers,
    "ipv4_address": addresses,
    "ipv6_address": addresses6,
    "request": st.builds(
        Request,
        tid=u16s,
        to=addresses,
        command=uints,
        internal=st.booleans(),
        id=some(fixed32),
        token=some(fixed32),
        target=some(fixed32),
        value=some(buffers),
        truncated_at=st.none(),
        value_offset=st.just(0),
    ),
    "response": st.builds(
        Response,
        tid=u16s,
        to=addresses,
        id=some(fixed32),
        token=some(fixed32),
        closer_nodes=some(tuples_of(addresses)),
        error=uints,
        value=some(buffers),
        truncated_at=st.none(),
        value_offset=st.just(0),
    ),
    "handshake": st.builds(Handshake, uints, buffers, some(addresses), some(addresses)),
    "holepunch": st.builds(Holepunch, uints, uints, buffers, some(addresses)),
    "noise_payload": noise_payloads,
    "holepunch_payload": st.builds(
        HolepunchPayload,
        uints,
        uints,
        uints,
        st.booleans(),
        st.booleans(),
        some(tuples_of(addresses)),
        some(addresses),
        some(fixed32),
        some(fixed32),
    ),
    "peer_record": peer_records,
    "lookup_reply": st.builds(LookupReply, tuples_of(peer_records), uints),
    "announce": st.builds(Announce, some(peer_records), some(fixed32), some(fixed64), uints),
    "mutable_put": st.builds(MutablePut, fixed32, uints, buffers, fixed64),
    "mutable_get": uints,
    "mutable_get_reply": st.builds(MutableGetReply, uints, buffers, fixed64),
    "plugin_request": st.builds(PluginRequest, st.text(max_size=40), uints, uints, some(buffers)),
    "ping_nat": u16s,
    "down_hint": addresses,
    "delayed_ping": u32s,
}

sacks = tuples_of(st.tuples(u32s, u32s))
udx_headers = st.builds(
    lambda flags, ids, ranges: UdxHeader(
        (flags | 4) if ranges else flags & ~4, 8 * len(ranges), *ids, truncated_at=None, sacks=ranges
    ),
    st.integers(0, 63),
    st.tuples(u32s, u32s, u32s, u32s),
    sacks,
)
"""Headers whose data_offset says how many bytes of sacks there are."""

starts = st.sampled_from([b"", b"\x00", b"\x03", b"\x13", b"\xff\x01", b"\xff\x01\x04", b"\x03\x1f", b"\x13\x1f"])
payloads = st.builds(bytes.__add__, starts, st.binary(max_size=200))
"""Datagram payloads that often begin like one of the protocol."""
