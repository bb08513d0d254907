"""Recordings: a capture with all that was said of it, in one file that grows as it happens (docs/recordings.md)."""
