"""Peephole's reading of a lab run, held against what the node processes logged of themselves."""
