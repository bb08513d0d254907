"""What real hyperdht peers make of forged, stripped, stale and repeated messages, and what Peephole says of each.

`python -m tests.interop.forgery` runs every case and writes the table in docs/forgery.md.
"""
