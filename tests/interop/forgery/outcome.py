"""What came of a run: what the real peer did, as it told itself, and what Peephole says of the packets."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from capture.model import Flow
from tests.interop.forgery.world import Played

ERRORS = ("NONE", "ABORTED", "VERSION_MISMATCH", "TRY_LATER")
Note = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Outcome:
    """One row of the table."""

    case: str
    answered: str
    """What the real peer sent in answer, round by round."""
    verified: bool
    """Whether it counted an address of ours as verified."""
    punched: str
    """Whether it punched: "yes", "no", or "refused" where it was asked to and did not."""
    ended: str
    """How the attempt ended: "connected", or the error of the client's application."""
    verdict: str
    server_token: str
    client_token: str
    rounds: int
    """Rounds in the capture."""
    punches: int
    """Punches that the real peer sent."""
    targets: int
    """Addresses that it sent them to."""
    seconds: float
    """From the call to connect to the end of the attempt."""


def outcome_of(played: Played, flow: Flow | None) -> Outcome:
    """Put a run and its attempt in the capture together."""
    ours_is_client = played.case.by == "client"
    notes = played.notes
    verified = any(
        address["verified"] for note in notes if note["what"] == "remote" for address in note["addresses"]
    )  # fmt: skip
    tries = [note["started"] for note in notes if note["what"] == "punch"]
    connected = any(note["what"] == "connection" for note in notes)
    sent = next(note for note in notes if note["what"] == "punches")
    return Outcome(
        case=played.case.name,
        answered=_of_server(notes) if ours_is_client else _of_client(notes),
        verified=verified,
        punched="no" if not tries else "yes" if any(tries) else "refused",
        ended="connected" if connected and not played.ours and not played.theirs else _error(played),
        verdict="nothing seen" if flow is None else str(flow.verdict.code),
        server_token="" if flow is None else str(flow.server_token),
        client_token="" if flow is None else str(flow.client_token),
        rounds=0 if flow is None else len(flow.rounds),
        punches=sent["punches"],
        targets=sent["targets"],
        seconds=played.seconds,
    )


def _error(played: Played) -> str:
    """The name of the error, of ours with the cause."""
    return played.theirs or played.ours or "ended at once"


def _of_server(notes: tuple[Note, ...]) -> str:
    """What a real server answered to each round."""
    said: list[str] = []
    what = "a request"
    handshakes = [note for note in notes if note["what"].endswith("handshake")]
    if any(note["what"] == "no answer to handshake" for note in handshakes) and not any(
        note["what"] == "answers handshake" for note in handshakes
    ):
        said.append("handshake: silence")
    refusals = [note["error"] for note in notes if note["what"] == "says in the handshake" and note["error"]]
    said += [f"handshake: {_error_text(error)}" for error in refusals]
    for note in notes:
        if note["what"] == "hears":
            what = f"round {note['round']}"
        elif note["what"] == "opens nothing":
            what = "can't open a request"
        elif note["what"] == "says":
            said.append(f"{what}: {_payload(note)}")
        elif note["what"] == "silent":
            said.append(f"{what}: silence")
    return "; ".join(_runs(said)) or "nothing to answer"


def _of_client(notes: tuple[Note, ...]) -> str:
    """What a real client went on with after each answer."""
    said = []
    for note in notes:
        if note["what"] == "says":
            kind = "abort" if note["error"] else "punch round" if note["punching"] else "probe round"
            tokens = " with our token" if note["remoteToken"] else ""
            said.append(f"{kind} {note['round']}{tokens}")
        elif note["what"] == "opens nothing":
            said.append("does not open the answer")
        elif note["what"] == "error":
            said.append(note["name"])
    return "; ".join(_runs(said)) or "nothing to answer"


def _payload(note: Note) -> str:
    if note["error"]:
        return _error_text(note["error"])
    parts = ["punches too" if note["punching"] else "answer"]
    parts += ["token"] if note["token"] else []
    parts += ["echo"] if note["remoteToken"] else []
    return ", ".join(parts)


def _error_text(number: int) -> str:
    return f"error {number} ({ERRORS[number]})" if number < len(ERRORS) else f"error {number}"


def _runs(said: list[str]) -> list[str]:
    """Equal ones in a row are said once, with their number."""
    runs: list[tuple[str, int]] = []
    for one in said:
        if runs and runs[-1][0] == one:
            runs[-1] = (one, runs[-1][1] + 1)
        else:
            runs.append((one, 1))
    return [one if count == 1 else f"{one} ({count} times)" for one, count in runs]
