"""An attempt as JSON: the flow object of the report."""

from __future__ import annotations

from collections.abc import Sequence

from app.json_text import indented
from app.report_json import flow_document
from capture.model import FileSummary, Flow


def json_export(flow: Flow, files: Sequence[FileSummary], *, secrets: bool = False) -> str:
    """The attempt as the report's JSON gives it (docs/report.md).

    Args:
        flow: the attempt.
        files: what it was read from; messages and evidence name them by path.
        secrets: whether to give the holepunch secret away.
    """
    paths = [file.path for file in files]
    return indented(flow_document(flow, paths.__getitem__, secrets=secrets)) + "\n"
