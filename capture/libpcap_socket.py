"""Frames of an interface by scapy's binding of libpcap: for systems without packet sockets.

These are macOS, the BSDs, and Windows with npcap. It is the same to `capture.live.LiveCapture` as
`capture.live_socket.LiveSocket`, but tells less. Times are the kernel's, to the microsecond. Which way frames passed is
not told, and what found no room in the kernel is not counted, as that binding has no call for it.
"""

from __future__ import annotations

import logging
import sys
import time
from typing import Any, Final

from capture.bursts import Arrival, Burst
from capture.errors import BadFilterError, LiveError, NoSuchInterfaceError, NotPermittedError
from capture.links import SUPPORTED
from capture.privileged.command import filter_reason
from capture.ways_of_capture import Way

FRAMES_AT_ONCE: Final = 4096
"""Frames taken before they are handed on."""
_TIMEOUT_MS: Final = 50
_DATALINKS: Final = {12: 101, 14: 101}
"""Link type by libpcap's number of it, where they differ: raw IP, whose number each system has of its own."""


class LibpcapSocket:
    """Frames of one interface as they pass."""

    way = Way.LIBPCAP

    def __init__(self, interface: str, bpf: str = "", *, promiscuous: bool = False) -> None:
        """Open it.

        Args:
            interface: its name.
            bpf: capture filter in pcap-filter(7) syntax; empty for all frames.
            promiscuous: whether to take frames for other hosts too.

        Raises:
            NoSuchInterfaceError: there is none of that name.
            NotPermittedError: the user may not capture.
            BadFilterError: the filter does not compile.
            LiveError: there is no libpcap, or it refuses.
        """
        logging.getLogger("scapy").setLevel(logging.CRITICAL)  # what it has to say would land on the screen
        self._interface = interface
        self._pcap = self._open(promiscuous)
        datalink = int(self._pcap.datalink())
        self.linktype = _DATALINKS.get(datalink, datalink)
        try:
            if self.linktype not in SUPPORTED:
                raise LiveError(interface, f"frames of link type {datalink} can't be read")
            if bpf:
                self._set_filter(bpf)
            self._pcap.setnonblock(True)
        except BaseException:
            self._pcap.close()
            raise

    def _open(self, promiscuous: bool) -> Any:
        try:
            wrapper = _wrapper()
        except (ImportError, OSError) as error:
            raise LiveError(self._interface, f"capturing here takes libpcap: {str(error).lower()}") from None
        try:
            return wrapper(self._interface, promisc=promiscuous, to_ms=_TIMEOUT_MS)
        except (OSError, ValueError) as error:
            reason = str(error).lower()
            if "permi" in reason or "privilege" in reason:
                raise NotPermittedError(self._interface, "you are not permitted to capture") from None
            if "no such device" in reason or "doesn't exist" in reason or "not found" in reason:
                raise NoSuchInterfaceError(self._interface, "no such interface") from None
            raise LiveError(self._interface, reason.splitlines()[0] if reason else "libpcap refuses") from None

    def _set_filter(self, bpf: str) -> None:
        from scapy.error import Scapy_Exception

        try:
            self._pcap.setfilter(bpf)
        except (OSError, Scapy_Exception) as error:
            reason = filter_reason(str(error)).removeprefix("Cannot set filter: ")
            raise BadFilterError(self._interface, f"bad capture filter {bpf!r}: {reason}") from None

    def fileno(self) -> int:
        """For select; -1 where it takes none, and has to be asked again and again."""
        return -1 if sys.platform == "win32" else int(self._pcap.fileno())

    def take(self) -> Burst | None:
        """Frames that have come; None if none waits."""
        arrivals: list[Arrival] = []
        while len(arrivals) < FRAMES_AT_ONCE:
            time_s, frame = self._pcap.next()
            if frame is None:
                break
            arrivals.append(Arrival(frame, round(time_s * 10**6) * 1000))
        return Burst.of(arrivals) if arrivals else None

    def settle(self) -> None:
        """Wait until what has passed so far can be taken: libpcap hands over what came within its timeout."""
        time.sleep(2 * _TIMEOUT_MS / 1e3)

    def count_dropped(self) -> int:
        """Frames that found no room: not told here, so none are known."""
        return 0

    def close(self) -> None:
        """Close it."""
        self._pcap.close()


def _wrapper() -> Any:
    """scapy's binding to libpcap, which it has where it is told to use it."""
    from scapy.config import conf

    before = conf.use_pcap
    if not before:
        conf.use_pcap = True
    try:
        from scapy.arch import libpcap

        return libpcap._PcapWrapper_libpcap
    except AttributeError as error:
        raise ImportError("libpcap is not installed") from error
    finally:
        if not before:
            conf.use_pcap = False
