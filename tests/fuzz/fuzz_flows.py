"""Coverage-guided fuzzing of the flow builder, which must keep the law of `tests.fuzz.flows_law`:

for any capture, whatever bytes are in it, reading raises nothing but CaptureError, and every flow of its story can be
read in every field, proves its verdict with packets that are there, and runs between lanes of its own.

python -m tests.fuzz.fuzz_flows [-runs=N] [corpus directory]
"""

from __future__ import annotations

import sys

import atheris


def main() -> None:
    """Run the fuzzer with libFuzzer's arguments; only our own code is instrumented, the rest would take long."""
    with atheris.instrument_imports(include=["capture", "protocol"]):
        from tests.fuzz.flows_law import check
    atheris.Setup(sys.argv, check)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
