"""Other keys for actions: what is accepted, what is said of the rest, and that everything follows."""

from __future__ import annotations

import pytest

from app.config.settings import Config
from app.tui.app import PeepholeApp
from app.tui.attempt_page import AttemptPage
from app.tui.keys.action import Context
from app.tui.keys.names import key_name, key_text
from app.tui.keys.rebinding import UNHEARD, rebind, textual_keymap
from app.tui.keys.registry import ACTIONS, actions_in, every_action, use_keys
from tests.app.flows_by_hand import STORY
from tests.app.tui.stage import opened, text_on


@pytest.fixture(autouse=True)
def _keys_as_they_are() -> object:
    yield
    use_keys({})


@pytest.mark.parametrize(
    ("written", "name", "shown"),
    [
        ("v", "v", "v"),
        ("V", "V", "V"),
        ("?", "question_mark", "?"),
        ("/", "slash", "/"),
        ("\\", "backslash", "\\"),
        ("+", "plus", "+"),
        ("^x", "ctrl+x", "^X"),
        ("ctrl+X", "ctrl+x", "^X"),
        ("Ctrl+Home", "ctrl+home", "^Home"),
        ("ctrl++", "ctrl+plus", "^+"),
        ("F12", "f12", "F12"),
        ("esc", "escape", "Esc"),
        ("page_down", "pagedown", "PgDn"),
        ("shift+tab", "shift+tab", "⇧Tab"),
        ("space", "space", "Space"),
        ("comma", "comma", ","),
        ("ü", "ü", "ü"),
        ("alt+f4", "alt+f4", "alt+F4"),
    ],
)
def test_keys_are_written_as_people_write_them(written: str, name: str, shown: str) -> None:
    assert key_name(written) == name
    assert key_text(name) == shown


@pytest.mark.parametrize("written", ["", "vv", "ctrl+", "hyper+floo", "f99", "\x1b", "win+x", "\u202e", "ctrl+alt"])
def test_what_is_no_key_is_none(written: str) -> None:
    assert key_name(written) is None


def test_every_key_of_the_registry_is_one() -> None:
    for action in ACTIONS:
        for key in action.keys.split(","):
            assert key_name(key) == key, action.id
            assert key_name(key_text(key)) in (key, None), action.id


def test_a_change_is_taken() -> None:
    keys, faults = rebind({"main.verdict": "F12, X", "main.nat": "", "main.rounds": "R"}, ACTIONS)
    assert dict(keys) == {"main.verdict": "f12,X", "main.nat": ""}
    assert not faults


def test_two_actions_may_change_places() -> None:
    keys, faults = rebind({"main.verdict": "b", "main.nat": "v"}, ACTIONS)
    assert dict(keys) == {"main.verdict": "b", "main.nat": "v"}
    assert not faults


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        ({"main.verdct": "x"}, "there is no such action; did you mean main.verdict?"),
        ({"zzz": "x"}, "there is no such action; `peephole config keys` lists all"),
        ({"main.verdict": "x y"}, "'x y' is no key; keys are written v, ?, F9, ctrl+x, escape"),
        ({"main.verdict": "question_mark"}, "? is the key of everywhere.help (help), heard at the same place"),
        ({"ladder.open": "v"}, "v is the key of main.verdict (verdict), heard at the same place"),
        ({"rows.down": "/"}, "/ is the key of main.filter (filter), heard at the same place"),
    ],
)
def test_what_can_not_be_is_said_and_left_out(wanted: dict[str, str], said: str) -> None:
    keys, faults = rebind(wanted, ACTIONS)
    assert not keys
    ((id_, problem),) = faults
    assert id_ in wanted
    assert problem == said


def test_the_later_of_two_that_want_the_same_loses() -> None:
    keys, faults = rebind({"main.verdict": "f12", "main.nat": "f12"}, ACTIONS)
    assert dict(keys) == {"main.verdict": "f12"}
    assert [id_ for id_, _ in faults] == ["main.nat"]


def test_places_that_are_never_heard_together_share_keys() -> None:
    keys, faults = rebind({"loading.stop": "v"}, ACTIONS)
    assert dict(keys) == {"loading.stop": "v"}
    assert not faults


def test_numbered_actions_have_a_binding_for_each_number() -> None:
    keymap = textual_keymap({"main.evidence": "a,f5", "main.nat": ""}, ACTIONS)
    assert keymap["main.evidence.1"] == "a"
    assert keymap["main.evidence.2"] == "f5"
    assert keymap["main.evidence.3"] == UNHEARD
    assert keymap["main.nat"] == UNHEARD


async def test_bindings_footer_help_and_palette_have_the_same_keys() -> None:
    config = Config(keys={"main.verdict": "F12", "main.nat": "v", "main.rounds": "", "everywhere.help": "?"})
    app = PeepholeApp(lambda _: STORY, config=config)
    async with app.run_test(size=(120, 40)) as pilot:
        await opened(pilot)
        assert "F12 verdict" in text_on(pilot).splitlines()[-1]
        assert "v NAT" in text_on(pilot).splitlines()[-1]
        titles = [command.title for command in app.get_system_commands(app.screen)]
        assert "Verdict  (F12)" in titles
        assert "NAT  (v)" in titles
        assert "Rounds  (–)" in titles
        await pilot.press("R", "b")
        await pilot.pause()
        assert not isinstance(app.screen, AttemptPage)
        await pilot.press("f12")
        await pilot.pause()
        assert isinstance(app.screen, AttemptPage)
        assert "verdict · " in text_on(pilot)
        await pilot.press("escape", "v")
        await pilot.pause()
        assert "NAT evidence" in text_on(pilot)
        await pilot.press("escape", "question_mark")
        await pilot.pause()
        shown = text_on(pilot)
        (line,) = [line for line in shown.splitlines() if "verdict, evidence and facts" in line]
        assert line.split()[0] == "F12"


async def test_what_can_not_be_bound_is_said_on_screen() -> None:
    app = PeepholeApp(lambda _: STORY, config=Config(keys={"main.verdct": "x"}))
    async with app.run_test(size=(120, 40)) as pilot:
        await opened(pilot)
        await pilot.pause()
        assert any("did you mean main.verdict?" in str(note.message) for note in app._notifications)


async def test_another_app_has_the_keys_of_the_registry_again() -> None:
    use_keys({"main.verdict": "f12"})
    assert "f12" in {action.keys for action in actions_in(Context.MAIN)}
    PeepholeApp(lambda _: STORY)
    assert every_action() == ACTIONS
