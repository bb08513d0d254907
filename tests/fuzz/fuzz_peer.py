"""Coverage-guided fuzzing of a whole peer in each role, which must keep the law of `tests.fuzz.peer_law`:

whatever strangers send, in whatever name and at whatever time, nothing is raised, every store and the number of sockets
stay within their limits, and nobody who may be spoofed is sent more than was sent in his name.

python -m tests.fuzz.fuzz_peer [-runs=N] [corpus directory]
"""

from __future__ import annotations

import sys

import atheris


def main() -> None:
    """Run the fuzzer with libFuzzer's arguments; only our own code is instrumented, the rest would take long."""
    with atheris.instrument_imports(include=["protocol"]):
        from tests.fuzz.peer_law import check
    atheris.Setup(sys.argv, check)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
