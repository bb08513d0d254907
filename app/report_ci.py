"""Attempts for a build server: a JUnit file, in which each is a test case, or annotations of GitHub's.

An attempt fails a build as ``--check`` has it: when it failed, or when an echoed token is none that was issued. One of
which the packets do not say how it ended is a skipped test, or a notice.

Sources: the JUnit XML that Jenkins and GitLab read (testmoapp/junitxml), GitHub's workflow commands
(docs.github.com, "Workflow commands for GitHub Actions").
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from enum import Enum, auto
from typing import Final
from xml.sax.saxutils import escape, quoteattr

from app.draw import terms
from app.draw.verdict import error_words
from app.terminal_text import safe_text
from app.wording import counted
from capture.model import FileSummary, Flow, Outcome, TokenState

SUITE: Final = "peephole"
_BREAKS: Final = str.maketrans({"%": "%25", "\r": "%0D", "\n": "%0A"})
_BREAKS_OF_PROPERTY: Final = _BREAKS | str.maketrans({":": "%3A", ",": "%2C"})


class Mark(Enum):
    """What a build makes of an attempt."""

    PASSED = auto()
    FAILED = auto()
    WRONG_TOKEN = auto()
    """Graver than a failure: JUnit's *error*."""
    UNKNOWN = auto()


def mark_of(flow: Flow) -> Mark:
    """What a build makes of this attempt."""
    if TokenState.MISMATCH in (flow.client_token, flow.server_token):
        return Mark.WRONG_TOKEN
    return {Outcome.CONNECTED: Mark.PASSED, Outcome.FAILED: Mark.FAILED}.get(flow.outcome, Mark.UNKNOWN)


def junit_report(files: Sequence[FileSummary], flows: Iterable[Flow]) -> Iterator[str]:
    """The attempts as one test suite, line by line.

    Args:
        files: what was read; evidence names them by path.
        flows: the attempts, in the order to report them.
    """
    cases: list[str] = []
    counts = dict.fromkeys(Mark, 0)
    seconds = 0.0
    for flow in flows:
        mark = mark_of(flow)
        counts[mark] += 1
        seconds += flow.duration
        cases += _case(files, flow, mark)
    yield '<?xml version="1.0" encoding="utf-8"?>'
    totals = (
        f'tests="{sum(counts.values())}" failures="{counts[Mark.FAILED]}" errors="{counts[Mark.WRONG_TOKEN]}" '
        f'skipped="{counts[Mark.UNKNOWN]}" time="{seconds:.6f}"'
    )
    yield f'<testsuites name="{SUITE}" {totals}>'
    yield f"  <testsuite name={_attribute(' '.join(file.path for file in files))} {totals}>"
    yield from cases
    yield "  </testsuite>"
    yield "</testsuites>"


def _case(files: Sequence[FileSummary], flow: Flow, mark: Mark) -> Iterator[str]:
    key = f"server {terms.key(flow.key.server_public_key or flow.target)}"
    opened = f"    <testcase classname={_attribute(key)} name={_attribute(_name(flow))} "
    opened += f'time="{flow.duration:.6f}"'
    if mark is Mark.PASSED:
        yield opened + "/>"
        return
    yield opened + ">"
    verdict = flow.verdict
    if mark is Mark.UNKNOWN:
        yield f"      <skipped message={_attribute(f'{verdict.code}: {verdict.summary}')}/>"
    else:
        element = "error" if mark is Mark.WRONG_TOKEN else "failure"
        kind = "token-mismatch" if mark is Mark.WRONG_TOKEN else verdict.code
        yield f"      <{element} type={_attribute(kind)} message={_attribute(verdict.summary)}>"
        yield from (escape(safe_text(line)) for line in _particulars(files, flow))
        yield f"      </{element}>"
    yield "    </testcase>"


def github_annotations(files: Sequence[FileSummary], flows: Iterable[Flow]) -> Iterator[str]:
    """The attempts as workflow commands, and a last line for the log.

    Args:
        files: what was read; an annotation stands at the file of its first proof.
        flows: the attempts, in the order to report them.
    """
    counts = dict.fromkeys(Mark, 0)
    for flow in flows:
        mark = mark_of(flow)
        counts[mark] += 1
        if mark is Mark.PASSED:
            continue
        level = "notice" if mark is Mark.UNKNOWN else "error"
        code = "token-mismatch" if mark is Mark.WRONG_TOKEN else flow.verdict.code
        evidence = flow.verdict.evidence
        index = evidence[0].sighting.file if evidence else 0
        place = f"file={_property(files[index].path)}," if index < len(files) else ""
        said = "\n".join((flow.verdict.summary, *_particulars(files, flow)))
        lines = "\n".join(safe_text(line) for line in said.split("\n"))
        yield f"::{level} {place}title={_property(f'{code}: {_name(flow)}')}::{lines.translate(_BREAKS)}"
    failed = counts[Mark.FAILED] + counts[Mark.WRONG_TOKEN]
    total = counted(sum(counts.values()), "attempt")
    yield f"{total}, {counts[Mark.PASSED]} connected, {failed} failed, {counts[Mark.UNKNOWN]} unknown"


def _name(flow: Flow) -> str:
    return f"attempt {flow.id} from {terms.address(flow.client)}"


def _particulars(files: Sequence[FileSummary], flow: Flow) -> Iterator[str]:
    yield from error_words(flow)
    for one in flow.verdict.evidence:
        sighting = one.sighting
        name = f"{files[sighting.file].path} " if sighting.file < len(files) else ""
        yield f"{name}packet {sighting.frame}: {one.says}"
    if flow.verdict.advice:
        yield f"What to try: {flow.verdict.advice}"


def _attribute(text: str) -> str:
    return quoteattr(safe_text(text))


def _property(text: str) -> str:
    return safe_text(text).translate(_BREAKS_OF_PROPERTY)
