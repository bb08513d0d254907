"""Coverage-guided fuzzing of the capture reader, which must keep the law of `tests.fuzz.capture_law`:

any bytes give a packet table or CaptureError; the table is that of a plain reading; copies and merging keep every row.

python -m tests.fuzz.fuzz_capture [-runs=N] [corpus directory]
"""

from __future__ import annotations

import sys

import atheris
import numpy  # noqa: F401  first, or it would be instrumented


def main() -> None:
    """Run the fuzzer with libFuzzer's arguments; only our own code is instrumented, the rest would take long."""
    with atheris.instrument_imports(include=["capture"]):
        from tests.fuzz.capture_law import check
    atheris.Setup(sys.argv, check)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
