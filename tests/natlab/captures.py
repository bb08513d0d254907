"""tcpdump at every vantage of a run: started before any traffic, flushed after the last packet."""

from __future__ import annotations

import re
import signal
import subprocess
from dataclasses import dataclass
from pathlib import Path

from .namespaces import Namespaces

BUFFER_KIB = 16384
SNAPLEN = 4096
"""Above every packet here. More would cost: the kernel sets aside so much for each packet, and drops on bursts."""


@dataclass(frozen=True, slots=True)
class Vantage:
    """A place to listen: file name without suffix, namespace, device.

    `arriving`: only what the device hands to the kernel. A TUN device shows each forwarded packet twice otherwise,
    when it leaves for the forwarder and when it comes back.
    """

    name: str
    space: str
    device: str
    arriving: bool = False


class CaptureError(Exception):
    """tcpdump did not start, or lost packets."""


class Captures:
    """All running captures of one run. Leaving the context stops them."""

    def __init__(self, spaces: Namespaces, folder: Path) -> None:
        self._spaces = spaces
        self._folder = folder
        self._running: dict[Vantage, subprocess.Popen[str]] = {}

    def __enter__(self) -> Captures:
        return self

    def __exit__(self, *_: object) -> None:
        for process in self._running.values():
            process.kill()
            process.wait()

    def start(self, vantages: list[Vantage]) -> None:
        """Start one tcpdump per vantage and wait until each listens.

        Raises:
            CaptureError: One of them ended instead.
        """
        for vantage in vantages:
            target = self._folder / f"{vantage.name}.pcap"
            command = ["tcpdump", "-i", vantage.device, "-w", str(target), "-U", "-n", "-s", str(SNAPLEN)]
            command += ["-Q", "in"] if vantage.arriving else []
            command += ["-B", str(BUFFER_KIB), "--immediate-mode", "-Z", "root", "udp"]
            self._running[vantage] = subprocess.Popen(
                self._spaces.inside(vantage.space, command), stderr=subprocess.PIPE, text=True
            )
        for vantage, process in self._running.items():
            assert process.stderr is not None
            said = ""
            while "listening on" not in said:
                line = process.stderr.readline()
                if not line:
                    raise CaptureError(f"tcpdump at {vantage.name}: {said.strip()}")
                said += line

    def stop(self) -> dict[str, dict[str, int]]:
        """Stop all, files complete.

        Returns:
            Per vantage the packets `captured`, and those `dropped` by the kernel.
        """
        counts: dict[str, dict[str, int]] = {}
        for process in self._running.values():
            process.send_signal(signal.SIGINT)
        for vantage, process in self._running.items():
            assert process.stderr is not None
            said = process.stderr.read()
            process.wait()
            captured = re.search(r"(\d+) packets? captured", said)
            dropped = re.search(r"(\d+) packets? dropped by kernel", said)
            if captured is None or dropped is None:
                raise CaptureError(f"tcpdump at {vantage.name}: {said.strip()}")
            counts[vantage.name] = {"captured": int(captured[1]), "dropped": int(dropped[1])}
        self._running.clear()
        return counts
