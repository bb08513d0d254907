from __future__ import annotations

import pytest

from protocol.errors import DecodeError
from protocol.messages import Address
from protocol.wire import MAX_ARRAY, MAX_UINT, Reader, Writer


def failure(data: bytes, method: str, *args: object, origin: int = 0) -> DecodeError:
    reader = Reader(data, "path", origin)
    with pytest.raises(DecodeError) as caught:
        getattr(reader, method)("name", *args)
    assert reader.pos == 0
    return caught.value


@pytest.mark.parametrize(
    ("data", "value"),
    [
        ("00", 0),
        ("fc", 0xFC),
        ("fdfd00", 0xFD),
        ("fdffff", 0xFFFF),
        ("fe00000100", 0x10000),
        ("ff0000000001000000", 1 << 32),
        ("ffffffffffffff1f00", MAX_UINT),
        # longer than need be, which the reference accepts
        ("fd0000", 0),
        ("fe01000000", 1),
        ("ff0200000000000000", 2),
    ],
)
def test_uint(data: str, value: int) -> None:
    reader = Reader(bytes.fromhex(data) + b"\xee", "path")
    assert reader.uint("n") == value
    assert reader.pos == len(data) // 2


def test_uint_above_the_largest_is_refused() -> None:
    error = failure(bytes.fromhex("ff00000000000020 00"), "uint", origin=40)
    assert (error.field, error.offset, error.truncated) == ("path.name", 40, False)
    assert error.reason == "9007199254740992 is above 2^53 - 1"


@pytest.mark.parametrize(
    ("data", "method", "args", "reason"),
    [
        (b"", "uint", (), "needs 1 byte, 0 left"),
        (b"\xfd\x01", "uint", (), "needs 3 bytes, 2 left"),
        (b"", "u8", (), "needs 1 byte, 0 left"),
        (b"\x01", "u16", (), "needs 2 bytes, 1 left"),
        (b"\x01\x02\x03", "u32", (), "needs 4 bytes, 3 left"),
        (bytes(31), "fixed", (32,), "needs 32 bytes, 31 left"),
        (b"\x03ab", "buffer", (), "needs 4 bytes, 3 left"),
        (b"\xff\xff\xff\xff\xff\xff\xff\x1f\x00", "buffer", (), f"needs {MAX_UINT + 9} bytes, 9 left"),
        (bytes(5), "ipv4", (), "needs 6 bytes, 5 left"),
        (bytes(17), "ipv6", (), "needs 18 bytes, 17 left"),
    ],
)
def test_too_short(data: bytes, method: str, args: tuple[object, ...], reason: str) -> None:
    error = failure(data, method, *args, origin=7)
    assert (error.field, error.offset, error.reason) == ("path.name", 7, reason)
    assert error.truncated


def test_array_names_the_element_that_is_cut() -> None:
    with pytest.raises(DecodeError) as caught:
        Reader(b"\x03" + bytes(14), "peer", 100).ipv4_array("relay_addresses")
    assert caught.value.field == "peer.relay_addresses[2]"
    assert caught.value.offset == 113


def test_array_count_is_bounded() -> None:
    error = failure(b"\xfe\x01\x00\x10\x00", "ipv4_array")
    assert error.reason == f"{MAX_ARRAY + 1} elements are more than {MAX_ARRAY}"
    assert not error.truncated
    # the largest count that is allowed reserves nothing: the first missing element ends it
    assert failure_of_large_array().field == "path.name[0]"


def failure_of_large_array() -> DecodeError:
    with pytest.raises(DecodeError) as caught:
        Reader(b"\xfe\x00\x00\x10\x00", "path").ipv4_array("name")
    return caught.value


def test_record_prefixes_the_field() -> None:
    with pytest.raises(DecodeError) as caught:
        Reader(b"", "noise_payload").record("udx", lambda r: r.uint("id"))
    assert caught.value.field == "noise_payload.udx.id"


def test_strings_that_are_no_utf8_are_replaced() -> None:
    assert Reader(b"\x03a\xff\x62", "path").string("name") == "a\ufffdb"


def test_addresses() -> None:
    reader = Reader(b"\x58\x63\x03\x56\x49\xc2" + bytes(15) + b"\x01\x02\x01", "path")
    assert reader.ipv4("a") == Address("88.99.3.86", 49737)
    assert reader.ipv6("b") == Address("::1", 0x102)


@pytest.mark.parametrize(
    ("method", "args"),
    [
        ("uint", (-1,)),
        ("uint", (MAX_UINT + 1,)),
        ("integer", (0x10000, 2)),
        ("integer", (-1, 4)),
        ("fixed", (bytes(31), 32)),
        ("ipv4", (Address("::1", 1),)),
        ("ipv4", (Address("1.2.3", 1),)),
        ("ipv4", (Address("1.2.3.4", 0x10000),)),
        ("ipv6", (Address("1.2.3.4", 1),)),
        ("string", ("\ud800",)),
    ],
)
def test_writer_refuses_what_a_field_cannot_hold(method: str, args: tuple[object, ...]) -> None:
    with pytest.raises(ValueError, match=r"uint|fit|due|address|surrogates"):
        getattr(Writer(), method)(*args)
