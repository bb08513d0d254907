"""Coverage-guided fuzzing of the decoder, which must keep the law of `tests.fuzz.decoder_law`:

for any bytes a message or a value comes out, or DecodeError with an offset inside them; what was decoded encodes and
decodes to itself; and the dissected fields cover every byte once.

python -m tests.fuzz.fuzz_decoder [-runs=N] [corpus directory]
"""

from __future__ import annotations

import sys

import atheris


def main() -> None:
    """Run the fuzzer with libFuzzer's arguments; only our own code is instrumented, the rest would take long."""
    with atheris.instrument_imports(include=["protocol"]):
        from tests.fuzz.decoder_law import check
    atheris.Setup(sys.argv, check)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
