"""Network namespaces and the cables between them, made and removed as one.

Cables are made inside the namespaces, so no device of the lab ever shows up in the machine's own network.
Names carry the process id: two labs may run at once.
"""

from __future__ import annotations

import contextlib
import os
import shlex
import signal
import subprocess
from collections.abc import Sequence


class Namespaces:
    """The namespaces of one run. Use as a context manager: leaving it removes all of them."""

    def __init__(self) -> None:
        self.prefix = f"peephole-{os.getpid()}-"
        self._made: list[str] = []

    def __enter__(self) -> Namespaces:
        return self

    def __exit__(self, *_: object) -> None:
        for name in reversed(self._made):
            for process in self._processes(name):
                with contextlib.suppress(ProcessLookupError):  # it ended by itself meanwhile
                    os.kill(process, signal.SIGKILL)
            subprocess.run(["ip", "netns", "del", self.full(name)], check=False)
        self._made.clear()

    def _processes(self, name: str) -> list[int]:
        """Whatever still runs inside a namespace; a namespace lives as long as its last process."""
        said = subprocess.run(["ip", "netns", "pids", self.full(name)], capture_output=True, text=True, check=True)
        return [int(line) for line in said.stdout.split()]

    def full(self, name: str) -> str:
        """The name that `ip netns` knows."""
        return self.prefix + name

    def inside(self, name: str, command: Sequence[str]) -> list[str]:
        """The command line that runs a command inside a namespace."""
        return ["ip", "netns", "exec", self.full(name), *command]

    def make(self, name: str) -> None:
        """Make one namespace with a working loopback."""
        subprocess.run(["ip", "netns", "add", self.full(name)], check=True)
        self._made.append(name)
        self.ip(name, "link set lo up")

    def ip(self, name: str, *lines: str) -> None:
        """Run `ip` commands inside a namespace, in one process."""
        batch = "\n".join(lines) + "\n"
        subprocess.run(["ip", "-n", self.full(name), "-batch", "-"], input=batch, text=True, check=True)

    def run(self, name: str, *lines: str) -> None:
        """Run commands inside a namespace, one after the other."""
        for line in lines:
            subprocess.run(self.inside(name, shlex.split(line)), check=True, stdout=subprocess.DEVNULL)

    def write(self, name: str, **settings: str) -> None:
        """Write kernel settings (dots as double underscores) inside a namespace."""
        pairs = [f"{key.replace('__', '.')}={value}" for key, value in settings.items()]
        subprocess.run(self.inside(name, ["sysctl", "-qw", *pairs]), check=True)

    def cable(self, left: str, left_device: str, right: str, right_device: str) -> None:
        """Lay a cable between two namespaces; both ends are up afterwards."""
        self.ip(
            left,
            f"link add {left_device} type veth peer name {right_device} netns {self.full(right)}",
            f"link set {left_device} up",
        )
        self.ip(right, f"link set {right_device} up")
