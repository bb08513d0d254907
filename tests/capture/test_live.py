"""Live capture: on the loopback interface where that is permitted, and the refusals everywhere."""

from __future__ import annotations

import errno
import os
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from capture.envelopes import Kind
from capture.errors import BadFilterError, NoSuchInterfaceError
from capture.live import LiveCapture
from protocol.messages import Address
from tests.needs import need

ROOT = Path(__file__).parents[2]


def permitted() -> bool:
    try:
        socket.socket(socket.AF_PACKET, socket.SOCK_RAW).close()
    except OSError:
        return False
    return True


def own_network_permitted() -> bool:
    if shutil.which("unshare") is None or shutil.which("ip") is None:
        return False
    return subprocess.run(["unshare", "--net", "true"], capture_output=True, check=False).returncode == 0


@pytest.fixture
def permission() -> None:
    """Capturing is permitted."""
    need("" if permitted() else "capturing takes CAP_NET_RAW: nothing to listen with")


@pytest.fixture(params=["packet ring", "scapy's socket"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """How frames come: the second way as on a kernel that has no ring."""
    if request.param != "packet ring":

        def none(*_: object) -> None:
            raise OSError(errno.ENOPROTOOPT, "Protocol not available")

        monkeypatch.setattr("capture.ring_socket.RingSocket", none)
    chosen: str = request.param
    return chosen


@pytest.mark.usefixtures("permission")
def test_datagrams_on_loopback_arrive_once_and_in_order(way: str) -> None:
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as receiver,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender,
    ):
        receiver.bind(("127.0.0.1", 0))
        sender.bind(("127.0.0.1", 0))
        port = receiver.getsockname()[1]
        sent = [b"\x00", b"\x00", *(b"\x20" + bytes([i]) * i for i in range(200))]
        before = time.time_ns()
        with LiveCapture("lo", f"udp dst port {port}") as live:
            for payload in sent:
                sender.sendto(payload, ("127.0.0.1", port))
            while len(live.table) < len(sent):
                assert live.wait(10), f"{len(live.table)} of {len(sent)} datagrams after ten seconds"
                live.collect()
        table = live.table
        assert table.payloads(range(len(table))) == sent
        assert table.source(0) == Address("127.0.0.1", sender.getsockname()[1])
        assert table.destination(0) == Address("127.0.0.1", port)
        assert table.kind[:3].tolist() == [Kind.PUNCH, Kind.PUNCH, Kind.OTHER]
        assert (table.copy_of == -1).all()
        assert table.frame.tolist() == list(range(1, len(sent) + 1))
        assert before - 1000 <= table.time_ns[0] <= table.time_ns[-1] <= time.time_ns()
        assert (live.file.packets, live.file.dropped, live.error) == (len(sent), 0, None)
        assert live.way == way
        assert not live.running
        live.stop()


@pytest.mark.usefixtures("permission")
def test_what_passed_before_the_end_is_there(way: str) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.bind(("127.0.0.1", 0))
        port = sender.getsockname()[1]
        for count in (1, 7, 300):
            with LiveCapture("lo", f"udp src port {port}") as live:
                for _ in range(count):
                    sender.sendto(bytes(40), ("127.0.0.1", 9))
            assert (len(live.table), live.file.dropped, live.way) == (count, 0, way)


@pytest.mark.usefixtures("permission")
def test_a_flood_is_taken_whole_by_the_ring() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.bind(("127.0.0.1", 0))
        port = sender.getsockname()[1]
        with LiveCapture("lo", f"udp src port {port}") as live:
            for number in range(20_000):
                sender.sendto(number.to_bytes(4, "big") + bytes(300), ("127.0.0.1", 9))
        payloads = live.table.payloads(range(len(live.table)))
        assert live.file.dropped == 0
        assert [int.from_bytes(payload[:4], "big") for payload in payloads] == list(range(20_000))


@pytest.mark.usefixtures("permission")
def test_all_interfaces_at_once() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.bind(("127.0.0.1", 0))
        port = sender.getsockname()[1]
        with LiveCapture("any", f"udp src port {port}", promiscuous=True) as live:
            for number in range(100):
                sender.sendto(bytes([number]), ("127.0.0.1", 9))
    table = live.table
    assert table.payloads(range(len(table))) == [bytes([number]) for number in range(100)]
    assert table.source(0) == Address("127.0.0.1", port)
    assert (live.file.malformed, live.file.not_udp, live.file.duplicates) == (0, 0, 0)
    assert live.promiscuous is False, "it makes no interface promiscuous"
    loopback = socket.if_nametoindex("lo")
    assert int.from_bytes(table.frame_bytes(0)[4:8], "big") == loopback


@pytest.mark.usefixtures("permission")
def test_two_interfaces_of_which_one_goes_away() -> None:
    """In a network of its own, with both ends of a cable."""
    need("" if own_network_permitted() else "a network namespace takes root, unshare and ip")
    code = (
        "import socket, subprocess\n"
        "from capture.live import LiveCapture\n"
        "sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\n"
        "with LiveCapture(['d0', 'lo'], 'udp dst port 9') as live:\n"
        "    sender.sendto(b'1', ('10.7.0.2', 9))\n"
        "    sender.sendto(b'2', ('127.0.0.1', 9))\n"
        "    while len(live.table) < 2: live.wait(10); live.collect()\n"
        "    subprocess.run(['ip', 'link', 'del', 'd0'], check=True)\n"
        "    while not live.file.notes: live.wait(0.01)\n"
        "    sender.sendto(b'3', ('127.0.0.1', 9))\n"
        "rows = range(len(live.table))\n"
        "print([(int(live.table.interface[row]), live.table.payloads([row])[0]) for row in sorted(rows, key=lambda row:"
        " live.table.payloads([row])[0])], live.file.notes, live.error, [one.name for one in live.file.interfaces])\n"
    )
    script = (
        "ip link set lo up; ip link add d0 type veth peer name d1; ip link set d0 up; ip link set d1 up; "
        "ip addr add 10.7.0.1/24 dev d0; ip neigh add 10.7.0.2 lladdr 02:00:00:00:00:02 dev d0; "
        f'exec {sys.executable} -c "$0"'
    )
    done = subprocess.run(
        ["unshare", "--net", "sh", "-c", script, code],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
        timeout=30,
    )
    assert done.stdout == "[(0, b'1'), (1, b'2'), (1, b'3')] ['d0: network is down'] None ['d0', 'lo']\n", done.stderr


@pytest.mark.usefixtures("permission")
def test_the_ring_is_a_socket_of_scapys() -> None:
    from scapy.layers.inet import UDP
    from scapy.sendrecv import sniff

    from capture.ring_socket import RingSocket

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.bind(("127.0.0.1", 0))
        ring = RingSocket("lo", f"udp src port {sender.getsockname()[1]}")
        for number in range(5):
            sender.sendto(bytes([number]), ("127.0.0.1", 9))
        found = sniff(opened_socket=ring, count=5, timeout=10)
        ring.close()
    assert [bytes(packet[UDP].payload)[:1] for packet in found] == [bytes([number]) for number in range(5)]
    assert abs(float(found[0].time) - time.time()) < 60


@pytest.mark.parametrize("asked", [False, True])
def test_the_interface_is_promiscuous_only_if_asked_and_while_it_lasts(asked: bool) -> None:
    """In a network of its own, whose interface nobody else listens on."""
    need("" if own_network_permitted() else "a network namespace takes root, unshare and ip")
    code = (
        "import json, subprocess\n"
        "from capture.live import LiveCapture\n"
        "ip = lambda *words: subprocess.run(['ip', *words], check=True, capture_output=True).stdout\n"
        "count = lambda: json.loads(ip('-details', '-json', 'link', 'show', 'lo'))[0]['promiscuity']\n"
        "ip('link', 'set', 'lo', 'up')\n"
        f"with LiveCapture('lo', promiscuous={asked}): print(count())\n"
        "print(count())\n"
    )
    command = ["unshare", "--net", sys.executable, "-c", code]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.split() == [str(int(asked)), "0"]


@pytest.mark.usefixtures("permission")
def test_a_filter_that_does_not_compile() -> None:
    with pytest.raises(BadFilterError, match=r"bad capture filter 'udp porrt 1': .*syntax error"):
        LiveCapture("lo", "udp porrt 1")


def test_no_such_interface() -> None:
    with pytest.raises(NoSuchInterfaceError, match=r"no such interface; there are .*lo"):
        LiveCapture("nonesuch0")


def test_without_permission_it_says_what_it_takes() -> None:
    code = (
        "import os, sys\n"
        "from capture.live import LiveCapture\n"
        "from capture.errors import NotPermittedError\n"
        "import scapy.arch.linux\n"
        "if os.geteuid() == 0: os.setuid(65534)\n"
        "try: LiveCapture('lo')\n"
        "except NotPermittedError as error: print(error)\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    if os.geteuid() != 0 and permitted():
        assert done.stdout == ""
    else:
        assert "not permitted to capture, which takes CAP_NET_RAW" in done.stdout


def test_reading_files_imports_neither_scapy_nor_what_only_live_needs() -> None:
    code = (
        "import sys, capture.opening\n"
        "print(sorted({m.split('.')[0] for m in sys.modules} & {'scapy', 'nacl', 'asyncio', 'textual'}))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


@pytest.mark.usefixtures("permission")
def test_two_rings_have_the_same_times_of_the_same_frames() -> None:
    """The kernel stamps a frame once."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.bind(("127.0.0.1", 0))
        bpf = f"udp src port {sender.getsockname()[1]}"
        with LiveCapture("lo", bpf) as one, LiveCapture("any", bpf) as other:
            for _ in range(100):
                sender.sendto(b"\x20", ("127.0.0.1", 9))
    assert len(one.table) == 100
    assert one.table.time_ns.tolist() == other.table.time_ns.tolist()
