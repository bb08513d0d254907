"""The filter language: which attempts and which packets to show, report, export and intercept.

The grammar is in `capture.filter.parsing`, the fields are in `attempt_fields` and `packet_fields`. What is asked of
packets is asked of a million of them at once, in columns.
"""

from capture.filter.errors import FilterError, PacketsNeededError
from capture.filter.expression import Filter, parse_filter

__all__ = ["Filter", "FilterError", "PacketsNeededError", "parse_filter"]
