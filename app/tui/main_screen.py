"""The main screen: attempts, the ladder of the selected one, its message and its verdict."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from dataclasses import replace

from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.screen import Screen
from textual.widget import Widget

from app.config.settings import DEFAULTS, Config
from app.demo_status import RunningDemo
from app.draw import terms
from app.draw.node import overview_page
from app.draw.pending import going_panel, own_connection, own_panel, timers_of
from app.draw.verdict import verdict_panel
from app.node_status import ConnectionStatus, RunningNode
from app.reading import nothing_to_see, oddities
from app.tui.arrangement import Arrangement, arrange
from app.tui.attempt_list import AttemptList
from app.tui.bars import ActionBar, Banner, StatusLine
from app.tui.clock_actions import ClockActions
from app.tui.config_actions import ConfigActions, ladder_options
from app.tui.demo_page import DemoLine
from app.tui.empty import EmptyView
from app.tui.filter_actions import FilterActions
from app.tui.filter_bar import FilterBar
from app.tui.find_actions import MainFind
from app.tui.find_bar import FindBar
from app.tui.hand.desk_opening import DeskOpening
from app.tui.hand.intercept_opening import InterceptOpening
from app.tui.hidden_node import HiddenNode
from app.tui.kept_lines import keep_lines
from app.tui.keys.action import Action, Context
from app.tui.keys.registry import actions_in, bindings_of
from app.tui.ladder_actions import LadderActions
from app.tui.ladder_view import LadderView
from app.tui.line_view import LineView
from app.tui.linked_view import LinkedView
from app.tui.list_actions import CLEARED, ListActions
from app.tui.live_looks import LiveLooks
from app.tui.message_pane import ByteView, FieldTree, MessagePane
from app.tui.message_source import view_of
from app.tui.node_line import NodeLine
from app.tui.notes_actions import NotesActions
from app.tui.pace import LEAST
from app.tui.packet_actions import PacketActions
from app.tui.page_actions import PageActions
from app.tui.replacing_worker import replace_worker
from app.tui.saving_actions import SavingActions
from app.tui.session import Session
from capture.errors import CaptureError
from capture.filter import Filter
from capture.model import Flow


class MainScreen(
    MainFind,
    FilterActions,
    PacketActions,
    PageActions,
    LadderActions,
    SavingActions,
    NotesActions,
    ClockActions,
    ListActions,
    ConfigActions,
    InterceptOpening,
    DeskOpening,
    LiveLooks,
    Screen[None],
    inherit_bindings=False,
):
    """Shows a session; what the keys do is in the classes before `Screen`."""

    BINDINGS = bindings_of(
        Context.MAIN, Context.FIND, Context.LIVE, Context.OWN_NODE, Context.DEMO, Context.INTERCEPTING, Context.BY_HAND
    )

    DEFAULT_CSS = """
    MainScreen { background: $background; }
    MainScreen #lower { height: 1fr; }
    MainScreen #ladder { width: 1fr; }
    MainScreen #message { border-left: solid $border; }
    MainScreen.narrow #message { border-left: none; }
    """

    def __init__(
        self,
        session: Session,
        zone: datetime.tzinfo | None = None,
        tick: float = LEAST,
        node: RunningNode | None = None,
        demo: RunningDemo | None = None,
        config: Config = DEFAULTS,
    ) -> None:
        super().__init__()
        keep_lines(self)
        self.session = session
        self.node = None if node is None else HiddenNode(node, self.masking_now)
        """A node of ours whose packets these are."""
        self.demo = demo
        """The demo whose packets these are."""
        self.zone = zone
        self.detail: bool | None = None
        """Whether the message is shown; None: where there is room beside the ladder."""
        self.begin_with(config)
        self.maximised = False
        self.follow = session.feed is not None
        self.tick = tick
        self._applied: tuple[Arrangement, bool, bool] | None = None
        self._trouble = ""
        self._connections: tuple[ConnectionStatus, ...] = ()
        self._own: tuple[str, str, str, bool] | None = None
        """What the verdict panel says of our own peer: attempt, stage, why it is over, and whether it was open."""

    def compose(self) -> ComposeResult:
        """Bars above and below, panes between."""
        yield StatusLine()
        yield NodeLine(self.node)
        yield DemoLine(self.demo)
        yield Banner()
        yield self.make_list()
        yield FilterBar(self.zone, lambda: self.flow)
        yield FindBar()
        yield EmptyView()
        with keep_lines(Horizontal(id="lower")):
            yield LadderView(ladder_options(self.config, self.zone))
            yield keep_lines(MessagePane(id="message"))
        yield LinkedView("verdict", "verdict")
        yield ActionBar()

    def on_mount(self) -> None:
        """Show what there is, and look for more if it is live."""
        self.begin_notes()
        self.begin_touches()
        self.query_one(Banner).show([*oddities(self.session), *self.session.remarks])
        self.show_flows()
        self.query_one(AttemptList).focus()
        self.begin_list()
        self.begin_desk()
        if self.session.feed is None:
            self.run_worker(self._count(), group="count")
        else:
            self.look_later()

    @property
    def flow(self) -> Flow | None:
        """The selected attempt; where several share a ladder, that of the selected step."""
        return self.ladder.flow if self.together else self.query_one(AttemptList).selected

    @property
    def ladder(self) -> LadderView:
        """The ladder."""
        return self.query_one(LadderView)

    def panes(self) -> list[Widget]:
        """The panes that can be reached now, in order."""
        kinds: tuple[type[Widget], ...] = (AttemptList, LadderView, FieldTree, ByteView)
        found = [self.query_one(kind) for kind in kinds]
        return [pane for pane in (*found, self.query_one("#verdict")) if pane.focusable and _visible(pane)]

    def on_resize(self) -> None:
        """Give each pane its share."""
        self.share_out()

    def on_descendant_focus(self) -> None:
        """The footer speaks for the focused pane, which also gets more room where there is little."""
        self.catch_up()
        self.share_out()

    def on_line_view_moved(self, event: LineView.Moved) -> None:
        """Another attempt or another step."""
        if isinstance(event.view, AttemptList):
            if self.follow and event.view.selected is not self.session.newest_flow:
                self.follow = False
                self.show_status()
            self.show_flow_soon()
        elif isinstance(event.view, LadderView):
            self.ladder_moved()
            self.show_message()

    def on_line_view_chosen(self, event: LineView.Chosen) -> None:
        """Enter goes one level deeper."""
        if isinstance(event.view, AttemptList):
            self.open_ladder()
        elif isinstance(event.view, LadderView):
            if not self.ladder.fold_or_unfold():
                self.open_message()
        elif isinstance(event.view, LinkedView) and event.view.link is not None:
            self.go_to(event.view.link)

    def on_node_line_looked(self, event: NodeLine.Looked) -> None:
        """Countdowns under the ladder, what keeps the node from working, and the node itself where there is room."""
        status = event.status
        flow = self.ladder.flow
        self.ladder.show_timers(() if flow is None else (*self.held_in(flow), *timers_of(flow, status.timers)))
        self._connections = status.connections
        own = None if flow is None else own_connection(flow, status.connections)
        if flow is not None and own is not None and self._own != (flow.id, own.stage, own.closing, own.opened):
            self.show_verdict(keep=True)
        if not self.session.flows:
            self.query_one(EmptyView).describe("this node", lambda width: overview_page(status, width))
        if status.trouble != self._trouble:
            self._trouble = status.trouble
            said = (status.trouble,) if status.trouble else ()
            self.query_one(Banner).show([*said, *oddities(self.session)])
        self.share_out()

    def on_filter_bar_applied(self, event: FilterBar.Applied) -> None:
        """Show what passes the filter; a newer filter ends the work on this one."""
        replace_worker(self, "filter", self._filter, event.wanted)
        if event.done:
            self.query_one(AttemptList).focus()
            self.share_out()

    def show_message(self) -> None:
        """Show the datagram of the selected step, if the pane is open."""
        pane = self.query_one(MessagePane)
        selected, flow = self.ladder.selected, self.ladder.flow
        if not pane.display or selected is None or flow is None:
            return
        step, sighting = selected
        if sighting is None:
            pane.show(None, "never seen: " + step.label)
            return
        try:
            pane.show(view_of(self.session, self.reader, sighting, flow, step))
        except CaptureError as error:
            pane.show(None, str(error))
            self.query_one(Banner).show([str(error)])

    def share_out(self) -> None:
        """Give every pane its place and size."""
        flows = self.session.shown
        bars = self.query_one(NodeLine).display + self.query_one(DemoLine).display + self.query_one(Banner).display
        plan = arrange(
            self.size.width,
            self.size.height - bars - self.query_one(FilterBar).lines - self.query_one(FindBar).lines,
            attempts=len(flows),
            focused=self.searched or (self.focused.id if self.focused is not None else None),
            detail=self.detail,
            maximised=self.maximised,
            share=self.part,
            more=self.more,
        )
        wanted = (plan, bool(flows), bool(self.session.flows))
        if self._applied != wanted:
            self._applied = wanted
            self._apply(plan, nothing=not flows)
        self.query_one(ActionBar).show(self._actions())

    def _apply(self, plan: Arrangement, *, nothing: bool) -> None:
        attempts, verdict = self.query_one(AttemptList), self.query_one("#verdict", LinkedView)
        pane, lower = self.query_one(MessagePane), self.query_one("#lower")
        self.set_class(plan.narrow, "narrow")
        self.set_class(plan.wide, "wide")
        attempts.display = plan.list_height > 0 and bool(self.session.flows)
        attempts.styles.height = plan.list_height
        if self.focused is None and attempts.display:
            attempts.focus()  # it was hidden while there was nothing to list
        verdict.display = plan.verdict_height > 0 and not nothing
        verdict.styles.height = plan.verdict_height
        self.query_one(EmptyView).display = nothing
        lower.display = plan.lower and not nothing
        self.ladder.display = plan.ladder
        if self.ladder.short != plan.short:
            self.ladder.short = plan.short
            self.ladder.rows_changed()
        opened = plan.message and not pane.display
        pane.display = plan.message
        pane.styles.width = "1fr" if not plan.ladder else plan.message_width
        if opened:
            self.show_message()

    def _actions(self) -> Sequence[Action]:
        """What the footer offers."""
        if self.focused is not None and self.focused.id == "expression":
            return actions_in(Context.FILTER)
        if self.focused is not None and self.focused.id == "sought":
            return actions_in(Context.FINDING)
        context = {
            "attempts": Context.ATTEMPTS,
            "ladder": Context.LADDER,
            "fields": Context.FIELDS,
            "bytes": Context.BYTES,
            "verdict": Context.LINKS,
        }.get(self.focused.id or "" if self.focused is not None else "", Context.ATTEMPTS)
        live = actions_in(Context.LIVE) if self.session.feed is not None else ()
        own = actions_in(Context.OWN_NODE) if self.query_one(NodeLine).display else ()
        if self.demo is not None:
            own = actions_in(Context.DEMO)
        if self.interception is not None:
            own += actions_in(Context.INTERCEPTING)
        if self.desk is not None:
            own += actions_in(Context.BY_HAND)
        here = actions_in(context, Context.MAIN, Context.EVERYWHERE)
        if context is Context.ATTEMPTS and not self.maximised:
            # From here one level back is out.
            here = tuple(replace(action, label="quit") if action.id == "main.back" else action for action in here)
        return (*own, *live, *here)

    def show_flows(self) -> None:
        """Show the attempts that pass the filter."""
        self.show_list()
        if not self.session.shown and (self.session.flows or not self.query_one(NodeLine).display):
            nothing = "" if self.session.flows else CLEARED if self.session.cleared else nothing_to_see(self.session)
            self.query_one(EmptyView).explain(nothing, self.session.filter.text, live=self.session.feed is not None)
        self.show_status()
        self.show_flow_soon()
        self.share_out()

    def show_flow(self) -> None:
        """Show the selected attempt everywhere, in the ladder perhaps with others."""
        flows, before = self.ladder_flows(), self.ladder.flows
        if flows and len(flows) == len(before) and all(one is other for one, other in zip(flows, before, strict=True)):
            return
        same = bool(flows) and {one.id for one in flows} == {one.id for one in before}
        self.draw_ladder(flows)
        self.show_verdict(keep=same)
        if not flows:
            return
        self.show_message()
        self.share_out()

    def show_verdict(self, *, keep: bool) -> None:
        """Show the verdict of the selected attempt, with what our own peer says if it is one of ours."""
        flow, files, verdict = self.flow, self.session.files, self.query_one("#verdict", LinkedView)
        own = None if flow is None else own_connection(flow, self._connections)
        self._own = None if flow is None or own is None else (flow.id, own.stage, own.closing, own.opened)
        if flow is None:
            verdict.show(None)
        elif own is None and self.session.latest is not None and terms.goes_on(flow, self.session.latest):
            verdict.show(lambda width: going_panel(flow, width), keep=keep)
        elif own is None:
            verdict.show(lambda width: verdict_panel(flow, files, width), keep=keep)
        else:
            verdict.show(lambda width: own_panel(flow, own, files, width), keep=keep)

    async def _filter(self, wanted: Filter) -> None:
        await self.session.apply(wanted)
        self.show_flows()
        self.query_one(FilterBar).judge(len(self.session.shown), len(self.session.flows))

    async def _count(self) -> None:
        """Count how attempts ended, and say so as it goes on."""
        while not self.session.counted:
            await self.session.count_some()
            self.show_status()


def _visible(widget: Widget) -> bool:
    return all(node.display for node in widget.ancestors_with_self if isinstance(node, Widget))
