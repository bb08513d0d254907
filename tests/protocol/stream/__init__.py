"""Streams over a simulated link."""
