"""Fields and bytes of the selected datagram."""

from app.tui.message_pane import ByteView, FieldTree, MessagePane
from tests.app.tui.stage import main_of, staged


async def test_the_message_opens_beside_the_ladder_where_there_is_room() -> None:
    async with staged(size=(120, 40)) as pilot:
        pane = main_of(pilot).query_one(MessagePane)
        assert pane.display
        assert main_of(pilot).ladder.display
        await pilot.press("d")
        assert not pane.display
        await pilot.press("d")
        assert pane.display


async def test_a_field_lights_its_bytes_and_a_byte_selects_its_field() -> None:
    async with staged(size=(120, 40)) as pilot:
        await pilot.press("1", "enter")
        main = main_of(pilot)
        tree, view = main.query_one(FieldTree), main.query_one(ByteView)
        await pilot.pause()
        while tree.cursor + 1 < tree.row_count and (tree.selected is None or tree.selected.field.name != "firewall"):
            await pilot.press("j")
        field = tree.selected
        assert field is not None
        assert field.field.name == "firewall"
        assert view._lit[field.part] == (field.field.start, field.field.end)
        assert field.part == 1, "the firewall class is inside the plaintext"
        view.focus()
        await pilot.press("right", "left")
        assert tree.selected is not None
        assert tree.selected.field.name == "firewall"
        await pilot.press("left")
        assert tree.selected.field.name == "error"


async def test_fields_fold_and_stay_folded_in_the_next_message() -> None:
    async with staged(size=(120, 40)) as pilot:
        await pilot.press("1", "enter")
        tree = main_of(pilot).query_one(FieldTree)
        assert tree.selected is not None
        assert tree.selected.depth == 0
        before = tree.row_count
        await pilot.press("enter")
        assert tree.row_count < before
        await pilot.press("escape", "j", "enter")
        assert tree.selected is not None
        assert tree.action_unfold is not None
        folded = tree.row_count
        while tree.selected is None or tree.selected.depth:
            await pilot.press("k")
        await pilot.press("right")
        assert tree.row_count > folded
