"""The command where there are no packet rings, on scapy's socket: ``python -m bench.no_ring watch ...``."""

from __future__ import annotations

import errno

from app.cli import run_and_exit
from capture.packet_ring import PacketRing


def _refused(*_: object, **__: object) -> None:
    raise OSError(errno.ENOPROTOOPT, "made up for a comparison")


if __name__ == "__main__":
    PacketRing.__init__ = _refused  # type: ignore[method-assign]
    run_and_exit()
