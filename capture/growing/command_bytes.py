"""The output of another program: a capture made on another host, or by one who may."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import threading
from collections import deque
from collections.abc import Sequence
from typing import Final

from capture.errors import LiveError
from capture.growing.bytes import DescriptorBytes

_LINES_KEPT: Final = 20
_HANDED_OVER: Final = 0.6
"""Seconds after which libpcap has what has passed by now: dumpcap has it look four times a second, tcpdump ten."""
_PATIENCE: Final = 5.0
"""Seconds that a program has to end once it was told to."""


def capture_over_ssh(host: str, interface: str, bpf: str) -> list[str]:
    """The command that captures on another host and writes the packets to its standard output.

    dumpcap where the host has it, else tcpdump; as root through sudo where that asks no password, and as oneself else.
    The interface there is not made promiscuous. The packets of the ssh connection itself are none that matter, as they
    are no UDP.

    Args:
        host: as ssh takes it: ``user@host`` or a name of its configuration.
        interface: name of an interface there.
        bpf: capture filter in pcap-filter(7) syntax; UDP if empty.
    """
    name, wanted = shlex.quote(interface), shlex.quote(bpf or "udp")
    script = (
        'run=; if [ "$(id -u)" != 0 ] && sudo -n true 2>/dev/null; then run="sudo -n"; fi; '
        f"if command -v dumpcap >/dev/null; then exec $run dumpcap -q -p -i {name} -f {wanted} -w -; fi; "
        f"exec $run tcpdump -p -i {name} -U -s 0 -w - {wanted}"
    )
    return ["ssh", "-o", "ServerAliveInterval=5", "--", host, f"sh -c {shlex.quote(script)}"]


class CommandBytes:
    """What a program writes to its standard output, from now until it ends or is told to."""

    def __init__(
        self,
        arguments: Sequence[str],
        name: str,
        *,
        ends_with_input: bool = False,
        interrupted: bool = False,
        way: str = "",
        promiscuous: bool | None = None,
    ) -> None:
        """Start it.

        Args:
            arguments: of the program, itself first.
            name: what its output is called.
            ends_with_input: whether it writes what it still has, and ends, when its standard input is closed.
            interrupted: whether it does so when it is interrupted, as by Ctrl-C.
            way: how bytes come here, in a word or two; the name of the program if empty.
            promiscuous: whether it has frames for other hosts taken too; None where nothing tells.

        Raises:
            LiveError: it can't be started.
        """
        self.name = name
        self.way = way or os.path.basename(arguments[0])
        self.promiscuous = promiscuous
        self._interrupted = interrupted
        try:
            self._process = subprocess.Popen(
                arguments,
                stdin=subprocess.PIPE if ends_with_input else subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
            )
        except OSError as error:
            raise LiveError(name, f"{arguments[0]} can't be run: {(error.strerror or str(error)).lower()}") from error
        assert self._process.stdout is not None
        with self._process.stdout as output:
            self._output = DescriptorBytes(os.dup(output.fileno()), name)
        self._settling: threading.Timer | None = None
        self._hurry: threading.Timer | None = None
        self._said: deque[str] = deque(maxlen=_LINES_KEPT)
        self._listener = threading.Thread(target=self._listen, name=f"listening to {arguments[0]}", daemon=True)
        self._listener.start()

    def read(self) -> bytes | None:
        """Wait for bytes; None: somebody woke us, or the program has ended well.

        Raises:
            LiveError: it ended with an error; the last line that it said.
        """
        piece = self._output.read()
        if piece is not None or self._output.woken:
            return piece
        status = self._process.wait()
        self._listener.join()
        if status:
            how = f"was ended by signal {-status}" if status < 0 else f"ended with status {status}"
            raise LiveError(self.name, self._said[-1] if self._said else how)
        return None

    def wake(self) -> None:
        """Make `read` give up waiting for ever: now, or when the program has ended that is asked to."""
        if self._process.stdin is not None:
            self._process.stdin.close()
        elif self._interrupted:
            self._settling = threading.Timer(_HANDED_OVER, self._process.send_signal, (signal.SIGINT,))
            self._settling.start()
        else:
            self._output.wake()
            return
        self._hurry = threading.Timer(_PATIENCE, self._output.wake)
        self._hurry.start()

    def close(self) -> None:
        """End the program and let go of its output."""
        for timer in (self._settling, self._hurry):
            if timer is not None:
                timer.cancel()
                timer.join()
        if self._process.stdin is not None:
            self._process.stdin.close()
        else:
            self._process.terminate()
        try:
            self._process.wait(_PATIENCE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._output.close()
        self._listener.join()

    def _listen(self) -> None:
        """Keep the last lines of what it says: with its output going here, nobody else would see them."""
        assert self._process.stderr is not None
        with self._process.stderr as lines:
            for line in lines:
                text = line.decode("utf-8", "replace").strip()
                if text:
                    self._said.append(text)
