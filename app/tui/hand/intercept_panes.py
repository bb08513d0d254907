"""What the keys of the intercept screen do about its rules and panes."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from app.draw.spans import Span, Tone, cell
from app.terminal_text import safe_text

if TYPE_CHECKING:
    from app.intercept_status import Interception
    from app.tui.hand.intercept_screen import InterceptScreen


class PaneActions:
    """Presets, rules, and the way between the panes."""

    @property
    def _page(self) -> InterceptScreen:
        return cast("InterceptScreen", self)

    @property
    def _works(self) -> Interception | None:
        """The interceptor; says so where there is none."""
        screen = self._page
        if screen.interception is None:
            screen.say("There is nothing here that can be held.", good=False)
        return screen.interception

    def action_preset(self) -> None:
        """Choose rules that reproduce a failure."""
        from app.tui.pages import ChoiceScreen

        works = self._works
        if works is None:
            return
        presets = works.presets
        width = max((len(one.name) for one in presets), default=0)
        lines = [
            (cell(safe_text(one.name), width, Tone.STRONG), Span(f"  {safe_text(one.says)}", Tone.DIM))
            for one in presets
        ]

        def chosen(index: int | None) -> None:
            if index is not None:
                name = presets[index].name
                self._page.do(works.add_preset(name), f"the rules of {name} are in use; Tab goes to them")

        self._page.app.push_screen(ChoiceScreen("reproduce which failure?", lines), chosen)

    def toggle_rule(self) -> None:
        """Use the selected rule, or not."""
        screen, works, chosen = self._page, self._works, self._rule()
        if works is not None and chosen is not None:
            index, rule = chosen
            said = f"{rule} is {'not in use' if screen.rules.rules[index].on else 'in use'}"
            screen.do(works.use_rule(index, on=not screen.rules.rules[index].on), said)

    def remove_rule(self) -> None:
        """Take the selected rule off the list."""
        works, chosen = self._works, self._rule()
        if works is not None and chosen is not None:
            self._page.do(works.remove_rule(chosen[0]), f"{chosen[1]} is gone")

    def action_next_pane(self) -> None:
        """To the next pane."""
        self._cycle(1)

    def action_previous_pane(self) -> None:
        """To the previous pane."""
        self._cycle(-1)

    def action_maximise(self) -> None:
        """The whole screen for the focused pane, or back."""
        self._page.maximised = not self._page.maximised
        self._page.share_out()

    def action_close(self) -> None:
        """To the list, and from there back to where one came from."""
        screen = self._page
        if screen.maximised:
            self.action_maximise()
        elif screen.focused is not None and screen.focused is not screen.messages:
            screen.messages.display = True
            screen.messages.focus()
        else:
            screen.dismiss(None)

    def _rule(self) -> tuple[int, str] | None:
        """Place and name of the selected rule."""
        rules = self._page.rules
        rule = rules.selected
        return None if rule is None else (rules.cursor, rule.name)

    def _cycle(self, by: int) -> None:
        screen = self._page
        panes = screen.panes()
        at = panes.index(screen.focused) if screen.focused in panes else -by
        pane = panes[(at + by) % len(panes)]
        pane.display = True
        pane.focus()
        screen.share_out()
