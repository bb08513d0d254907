"""Every binding is in the help, every help row is bound, and what an action names can be done."""

import pytest
from textual.binding import Binding
from textual.dom import DOMNode

from app.tui.app import PeepholeApp
from app.tui.asking import AskScreen
from app.tui.attempt_list import AttemptList
from app.tui.attempt_page import AttemptPage
from app.tui.column_picker import ColumnScreen
from app.tui.demo_page import DemoScreen
from app.tui.exporting import ExportScreen
from app.tui.filter_bar import FilterBar
from app.tui.find_bar import FindBar
from app.tui.hand.desk_screen import DeskScreen
from app.tui.hand.form import FieldForm
from app.tui.hand.intercept_bytes import BytesScreen
from app.tui.hand.intercept_list import HeldList, RuleList
from app.tui.hand.intercept_screen import InterceptScreen
from app.tui.interface_chooser import InterfaceScreen
from app.tui.keys.action import Action, Context, key_text
from app.tui.keys.rebinding import places
from app.tui.keys.registry import ACTIONS, actions_in, bindings_of
from app.tui.ladder_view import LadderView
from app.tui.line_view import LineView
from app.tui.linked_view import LinkedView
from app.tui.loading import LoadingScreen
from app.tui.main_screen import MainScreen
from app.tui.message_pane import ByteView, FieldTree
from app.tui.node_leaving import LeavingScreen
from app.tui.node_pages import NodeScreen
from app.tui.packet_list import PacketList
from app.tui.packet_screen import PacketScreen
from app.tui.pages import ChoiceScreen, HelpScreen
from app.tui.problem_page import ProblemScreen
from app.tui.raw_page import RawScreen
from app.tui.settings_page import SettingsScreen
from tests.app.tui.stage import staged, text_on

HOMES: dict[Context, type[DOMNode]] = {
    Context.EVERYWHERE: PeepholeApp,
    Context.MAIN: MainScreen,
    Context.LIVE: MainScreen,
    Context.OWN_NODE: MainScreen,
    Context.NODE: NodeScreen,
    Context.DEMO: MainScreen,
    Context.INTERCEPTING: MainScreen,
    Context.BY_HAND: MainScreen,
    Context.DESK: DeskScreen,
    Context.FORM: FieldForm,
    Context.INTERCEPT: InterceptScreen,
    Context.HELD: HeldList,
    Context.RULES: RuleList,
    Context.HEX: BytesScreen,
    Context.DEMO_PAGE: DemoScreen,
    Context.LEAVING: LeavingScreen,
    Context.ROWS: LineView,
    Context.ATTEMPTS: AttemptList,
    Context.COLUMNS: ColumnScreen,
    Context.PROBLEMS: ProblemScreen,
    Context.LADDER: LadderView,
    Context.FIELDS: FieldTree,
    Context.BYTES: ByteView,
    Context.PACKETS: PacketList,
    Context.PACKET_SCREEN: PacketScreen,
    Context.RAW: RawScreen,
    Context.LINKS: LinkedView,
    Context.PAGE: HelpScreen,
    Context.TURNING: AttemptPage,
    Context.CHOICE: ChoiceScreen,
    Context.FILTER: FilterBar,
    Context.FIND: MainScreen,
    Context.FINDING: FindBar,
    Context.SETTINGS: SettingsScreen,
    Context.EXPORTING: ExportScreen,
    Context.ASKING: AskScreen,
    Context.LOADING: LoadingScreen,
    Context.INTERFACES: InterfaceScreen,
}


@pytest.mark.parametrize("action", ACTIONS, ids=lambda action: action.id)
def test_an_action_is_bound_where_it_works_and_has_a_method(action: Action) -> None:
    home = HOMES[action.context]
    place, _, method = action.method.partition("(")[0].rpartition(".")
    assert hasattr(MainScreen if place == "screen" else home, f"action_{method}")
    bound = {key for binding in home.BINDINGS if isinstance(binding, Binding) for key in binding.key.split(",")}
    assert set(action.keys.split(",")) <= bound


def test_no_view_binds_a_key_that_is_not_in_the_registry() -> None:
    ids = {action.id for action in ACTIONS}
    for home in set(HOMES.values()):
        for binding in home.BINDINGS:
            assert isinstance(binding, Binding)
            assert binding.id is not None
            assert binding.id in ids or binding.id.rpartition(".")[0] in ids


def test_ids_are_unique() -> None:
    assert len({action.id for action in ACTIONS}) == len(ACTIONS)


@pytest.mark.parametrize("place", places(list(Context)), ids=lambda place: place[-1].name)
def test_keys_do_not_clash_where_they_are_heard_together(place: tuple[Context, ...]) -> None:
    owners: dict[str, list[str]] = {}
    for action in actions_in(*place):
        for key in action.keys.split(","):
            owners.setdefault(key, []).append(action.id)
    assert not {key: ids for key, ids in owners.items() if len(ids) > 1}


@pytest.mark.parametrize("home", sorted(set(HOMES.values()), key=lambda home: home.__name__))
def test_what_a_screen_binds_is_known_to_be_heard_together(home: type[DOMNode]) -> None:
    ids = {binding.id or "" for binding in home.BINDINGS if isinstance(binding, Binding)}
    heard = {action.context for action in ACTIONS if {action.id, f"{action.id}.1"} & ids}
    assert heard
    assert any(heard <= set(place) for place in places(list(Context))), heard


async def test_the_help_shows_every_key_and_sentence() -> None:
    async with staged(size=(120, 300)) as pilot:
        await pilot.press("question_mark")
        await pilot.pause()
        shown = text_on(pilot)
    for action in ACTIONS:
        assert any(key_text(action.keys) in line and action.help in line for line in shown.splitlines()), action.id


async def test_the_help_begins_with_the_pane_one_is_in() -> None:
    async with staged() as pilot:
        await pilot.press("enter", "question_mark")
        await pilot.pause()
        lines = text_on(pilot).splitlines()
        assert lines[1].strip() == Context.LADDER
        await pilot.press("f1")
        await pilot.pause()
        assert len(pilot.app.screen_stack) == 3, "help over help"


async def test_the_footer_of_the_help_offers_only_what_works_there() -> None:
    async with staged() as pilot:
        await pilot.press("v")
        await pilot.pause()
        await pilot.press("question_mark")
        await pilot.pause()
        assert text_on(pilot).splitlines()[-1].split() == ["y", "copy", "Esc", "back"]
        await pilot.press("v", "b", "R")
        await pilot.pause()
        assert isinstance(pilot.app.screen, HelpScreen)
        await pilot.press("escape")
        await pilot.pause()
        await pilot.press("b")
        await pilot.pause()
        assert "NAT evidence" in text_on(pilot)


async def test_the_help_of_a_page_begins_with_its_keys() -> None:
    async with staged() as pilot:
        await pilot.press("R")
        await pilot.pause()
        await pilot.press("question_mark")
        await pilot.pause()
        assert text_on(pilot).splitlines()[1].strip() == Context.TURNING


async def test_the_palette_lists_every_action_of_the_main_screen() -> None:
    async with staged() as pilot:
        titles = [command.title for command in pilot.app.get_system_commands(pilot.app.screen)]
    for action in actions_in(Context.MAIN, Context.EVERYWHERE):
        if action.method not in {"evidence", "command_palette"}:
            assert any(f"({key_text(action.keys)})" in title for title in titles), action.id


def test_bindings_carry_the_ids_that_a_key_map_uses() -> None:
    assert {binding.id for binding in bindings_of(Context.LADDER) if isinstance(binding, Binding)} == {
        action.id for action in actions_in(Context.LADDER)
    }
