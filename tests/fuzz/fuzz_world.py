"""Coverage-guided fuzzing of peers whose datagrams are tampered with, which must keep `tests.fuzz.world_law`:

whatever happens to the datagrams of an attempt, at client, server, blind relay or node, nothing is raised, every
connection ends once, what is echoed is what was sent, and nothing is left.

python -m tests.fuzz.fuzz_world [-runs=N] [corpus directory]
"""

from __future__ import annotations

import sys

import atheris


def main() -> None:
    """Run the fuzzer with libFuzzer's arguments; only our own code is instrumented, the rest would take long."""
    with atheris.instrument_imports(include=["protocol"]):
        from tests.fuzz.world_law import check
    atheris.Setup(sys.argv, check)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
