"""Actions of the packet list and of its screen; the keys are those of a list in sngrep."""

from __future__ import annotations

from typing import Final

from app.tui.keys.action import Action, Context, action

ACTIONS: Final[tuple[Action, ...]] = (
    action(Context.MAIN, "packets", "P", "packets", "every packet of the capture, from the one of the selected step on",
            rank=9),
    action(Context.MAIN, "counterpart", "comma", "answer",
            "go from the selected request to its answer and back, or along a relayed message"),
    action(Context.MAIN, "larger", "plus", "larger", "give the message, or the list, more of the screen"),
    action(Context.MAIN, "smaller", "minus", "smaller", "give the message, or the list, less of the screen"),
    action(Context.MAIN, "raw", "r,f6", "raw", "the bytes of the selected message, in any form to copy", rank=15),
    action(Context.RAW, "form", "tab", "form", "hex dump, hex, text, base64, Python, C", "turn(1)", rank=1),
    action(Context.RAW, "form_before", "shift+tab", "form before", "the form before", "turn(-1)"),
    action(Context.RAW, "pick", "1,2,3,4,5,6", "form", "show the form of that number", "pick"),
    action(Context.RAW, "part", "space", "plaintext", "between the datagram and what was opened of it", rank=2),
    action(Context.RAW, "copy", "y", "copy", "copy the form shown to the clipboard", rank=3),
    action(Context.RAW, "close", "escape,q,r,f6", "back", "close the page", rank=91),
    action(Context.PACKETS, "open", "enter", "open", "go to the fields of this packet", "choose", rank=1),
    action(Context.PACKETS, "mark", "space", "mark",
            "mark this packet: time counts from it, two marked are compared, export can take them"),
    action(Context.PACKET_SCREEN, "ladder", "L", "ladder", "go to the ladder of the packet's attempt, at this packet",
            rank=2),
    action(Context.PACKET_SCREEN, "filter", "slash,f,f7", "filter", "show only packets that pass an expression",
            rank=3),
    action(Context.PACKET_SCREEN, "counterpart", "comma", "answer",
            "go from a request to its answer and back, or along a relayed message", rank=4),
    action(Context.PACKET_SCREEN, "difference", "equals_sign", "compare",
            "compare the two marked packets; with none marked: what each hop changed in this message", rank=6),
    action(Context.PACKET_SCREEN, "next_pane", "tab", "pane", "go to the next pane", rank=9),
    action(Context.PACKET_SCREEN, "previous_pane", "shift+tab", "previous pane", "go to the previous pane"),
    action(Context.PACKET_SCREEN, "maximise", "backslash", "maximise",
            "give the whole screen to this pane, or back"),
    action(Context.PACKET_SCREEN, "larger", "plus", "larger", "give the message more of the screen"),
    action(Context.PACKET_SCREEN, "smaller", "minus", "smaller", "give the message less of the screen"),
    action(Context.PACKET_SCREEN, "detail", "d", "detail", "show or hide fields and bytes of the selected packet",
            rank=7),
    action(Context.PACKET_SCREEN, "raw", "r,f6", "raw", "the bytes of the selected packet, in any form to copy",
            rank=8),
    action(Context.PACKET_SCREEN, "time", "w", "time",
            "time column: since the first packet, time of day, since the packet above, since the marked one", rank=10),
    action(Context.PACKET_SCREEN, "export", "f2,S", "export", "write the packets shown, or the marked ones, to a file",
            rank=11),
    action(Context.PACKET_SCREEN, "copy", "y", "copy", "copy what the selected packet says to the clipboard"),
    action(Context.PACKET_SCREEN, "follow", "A", "follow", "keep the newest packet selected"),
    action(Context.PACKET_SCREEN, "pause", "p", "pause", "stop and go on showing what is captured"),
    action(Context.PACKET_SCREEN, "close", "escape,q,P", "back", "from the message to the list, from there back",
            rank=91),
)  # fmt: skip
