"""A sweep: every combination of some settings trained one after another; its table and its curves over one another."""

import time
from pathlib import Path
from typing import Any

import streamlit as st

from pages.server import run_feed
from pages.server.paths import runs_dir
from pages.ui import charts, widgets
from pages.ui.formatting import duration_text, plain, score_text
from unet_core.config.fields import Field
from unet_core.config.presets import FOUR, PRESETS
from unet_core.config.schema import RunConfig
from unet_core.errors import UnetError
from unet_core.runs import leaderboard, time_estimate
from unet_core.runs import run as runs
from unet_core.runs.history import History
from unet_core.training import sweep

FIRST = ("loss", "down", "up")  # lists that are always asked for; any other setting can be added
FOUR_NAMES = "MP_Tr_BCE, MP_Tr_Dice, StrConv_Tr_BCE, StrConv_Ups_Dice"
LOOK_SECONDS = 2.0
QUIET_SECONDS = 10.0  # an events file that did not grow for so long is read once and remembered


def start(wanted: dict[str, RunConfig]) -> None:
    """Called by the buttons, before the page is drawn anew: the new sweep is then the chosen one."""
    try:
        st.session_state["sweep"] = sweep.start(wanted, runs_dir())
    except UnetError as error:
        st.session_state["sweep_error"] = str(error)


def show(config: RunConfig) -> None:
    """The lists, the buttons, and the table and curves of the chosen sweep."""
    st.markdown("Trains **every combination** of the values chosen here; all else is as in the form on the left.")
    lists, seeds = choose_lists(config)
    usable = bool(config.data.root)
    if lists is not None:
        try:
            wanted = sweep.grid(config, lists)
            label = f"Add {_counted(wanted)} to the queue" if lists else "Choose what to vary"
            _button("start_sweep", wanted, label, "grid_view", usable and bool(lists), primary=True)
        except UnetError as error:
            widgets.show_error(error)
    show_presets(config, seeds, usable)
    if message := st.session_state.pop("sweep_error", None):
        widgets.show_error(message)
    names = leaderboard.names(runs_dir())
    if not names:
        st.info("No sweep yet: the buttons put its runs in the queue, and their table and curves appear here.")
        return
    if st.session_state.get("sweep") not in names:
        st.session_state.pop("sweep", None)
    name = st.selectbox("Sweep", names, key="sweep", bind="query-params", help="The newest first.")
    active = any(run.queued or run.alive() for run in leaderboard.members(runs_dir(), name))
    st.fragment(outcome, run_every=LOOK_SECONDS if active else None)(name, active)


def choose_lists(config: RunConfig) -> tuple[dict[str, list[Any]] | None, list[int]]:
    """(the lists, None where one cannot be read; the seeds). A list left empty stays as in the form."""
    known, lists, texts = leaderboard.variable_settings(), {}, {}
    for place, name in zip(st.columns(len(FIRST)), FIRST, strict=True):
        with place:
            lists[name] = _several(known[name], config)
    seeds_place, more_place = st.columns(2)
    with seeds_place:
        texts["seed"] = _text(known["seed"], config, "0, 1, 2 or 0-2. What differs from seed to seed is chance.")
    with more_place:
        others = [name for name in known if name not in (*FIRST, "seed")]
        more = st.multiselect(
            "Vary also", others, key="sweep_more", format_func=widgets.label_of, help="Any other setting of the form."
        )
    for name in more:
        if known[name].choices is not None or known[name].kind is bool:
            lists[name] = _several(known[name], config)
        else:
            texts[name] = _text(known[name], config, known[name].description)
    failed = False
    for name, text in texts.items():
        try:
            lists[name] = sweep.parse_values(name, text)
        except UnetError as error:
            widgets.show_error(error)
            failed = True
    chosen = {name: lists[name] for name in (*FIRST, *more, "seed") if lists.get(name)}
    return (None if failed else chosen), chosen.get("seed", [])


def _several(option: Field, config: RunConfig) -> list[Any]:
    menu = "\n".join(f"- `{name}`: {sentence}" for name, sentence in (option.choices or {}).items())
    return st.multiselect(
        widgets.label_of(option.name),
        list(option.choices or (False, True)),
        key=f"sweep_{option.name}",
        placeholder=_as_set(option, config),
        help=f"{option.description}\n{menu}",
    )


def _text(option: Field, config: RunConfig, sentence: str) -> str:
    return st.text_input(
        "Seeds" if option.name == "seed" else f"{widgets.label_of(option.name)} (values with commas)",
        key=f"sweep_{option.name}",
        placeholder=_as_set(option, config),
        help=sentence,
    )


def _as_set(option: Field, config: RunConfig) -> str:
    value = getattr(getattr(config, option.section), option.name)
    return f"as in the form: {'none' if value is None else value}"


def show_presets(config: RunConfig, seeds: list[int], usable: bool) -> None:
    """Named configurations in one click: the four, or any others."""
    try:
        four = sweep.presets(FOUR, config, seeds)
        _button("start_four", four, f"The four named configurations ({len(four)} runs)", "compare", usable, FOUR_NAMES)
        with st.expander("Other presets side by side"):
            chosen = st.multiselect(
                "Presets",
                list(PRESETS),
                default=list(FOUR),
                key="variants",
                help="\n".join(f"- **{name}**: {preset.sentence}" for name, preset in PRESETS.items()),
            )
            wanted = sweep.presets(chosen, config, seeds)
            _button("start_presets", wanted, f"Add {_counted(wanted)} to the queue", "compare", usable and bool(chosen))
    except UnetError as error:
        widgets.show_error(error)


def _button(
    key: str, wanted: dict[str, RunConfig], label: str, icon: str, usable: bool, more: str = "", primary: bool = False
) -> None:
    """A button that files runs, and in words how many and about how long."""
    with st.container(horizontal=True, vertical_alignment="center", gap="medium"):
        st.button(
            label,
            key=key,
            icon=f":material/{icon}:",
            type="primary" if primary else "secondary",
            disabled=not usable,
            on_click=start,
            args=(wanted,),
            help="\n".join([*([more, ""] if more else []), *(f"- {plain(name)}" for name in wanted)]),
        )
        if not usable:
            return
        known = (
            time_estimate.past_step_times(runs_dir(), next(iter(wanted.values())).data.root, history_of)
            if wanted
            else []
        )
        seconds = time_estimate.estimate_seconds(wanted.values(), known)
        epochs = sum(config.train.epochs for config in wanted.values())
        rough = f"roughly {duration_text(seconds)}" if known else "how long is known after a first run on these data"
        st.caption(f"{epochs} epochs in all · {rough}")


def _counted(wanted: dict[str, RunConfig]) -> str:
    return "1 run" if len(wanted) == 1 else f"{len(wanted)} runs"


def history_of(run: runs.Run) -> History:
    """The history of a run: of one that grows as far as it is known, of any other read once."""
    try:
        stat = run.events.stat()
    except OSError:
        return History()
    if time.time() - stat.st_mtime < QUIET_SECONDS:
        return run_feed.history(run)
    return _whole(str(run.folder), stat.st_size, stat.st_mtime_ns)


@st.cache_resource(max_entries=256, show_spinner=False)
def _whole(folder: str, size: int, changed: int) -> History:
    return leaderboard.read(runs.Run(Path(folder)))


def outcome(name: str, was_active: bool) -> None:
    """The table, the means over seeds and the curves; looks again every two seconds while a run waits or trains."""
    found = leaderboard.members(runs_dir(), name)
    histories = {run.id: history_of(run) for run in found}
    table = leaderboard.rows(found, lambda run: histories[run.id])
    active = [row for row in table if runs.RunState(row.state).active]
    if was_active and not active:
        st.rerun()  # the whole page: nothing is left to wait for
    done = sum(row.state in ("finished", "stopped") for row in table)
    best = max((row for row in table if row.val_dice is not None), key=lambda row: row.val_dice or 0, default=None)
    reached = f" · best so far **{plain(best.name)}** with Dice {best.val_dice:.3f}" if best else ""
    st.markdown(f"**{done} of {len(table)}** runs done{reached}")
    _table(table)
    _means(table)
    measure = st.segmented_control(
        "Curves", list(charts.MEASURES), default="Dice", key="sweep_measure", bind="query-params", required=True
    )
    traces = {row.name: (row, histories[row.run].epochs) for row in table}
    if any(epochs for _, epochs in traces.values()):
        figure = charts.curves(list(traces.values()), measure, name)
        st.plotly_chart(
            figure, key="sweep_curves", config={"displaylogo": False}, alt=f"{measure} of each run by epoch"
        )
    else:
        st.caption("The curves begin with the first epoch of the first run.")


def _table(table: list[leaderboard.Row]) -> None:
    score = st.column_config.ProgressColumn(format="%.3f", min_value=0, max_value=1)
    named = any(row.name != leaderboard.name_of(row.settings) for row in table)
    st.dataframe(
        [
            ({"name": row.name} if named else {})
            | {key: "none" if value is None else str(value) for key, value in row.settings.items()}
            | {"best Dice": row.val_dice, "IoU at best": row.val_iou, "loss at best": row.val_loss}
            | {"best epoch": row.best_epoch, "epochs done": row.epochs, "minutes": row.seconds and row.seconds / 60}
            | {"parameters": row.parameters, "state": row.state, "run": f"/train?view=Live&run={row.run}"}
            for row in table
        ],
        hide_index=True,
        key="sweep_table",
        placeholder="–",
        alt="The runs of the sweep with their settings and scores",
        column_config={
            "best Dice": score,
            "IoU at best": score,
            "loss at best": st.column_config.NumberColumn(format="%.4f"),
            "minutes": st.column_config.NumberColumn(format="%.1f"),
            "parameters": st.column_config.NumberColumn(format="localized"),
            "run": st.column_config.LinkColumn(display_text="open"),
        },
    )


def _means(table: list[leaderboard.Row]) -> None:
    """Over seeds, where they vary: what is under the spread is chance."""
    means = leaderboard.over_seeds(table)
    if not any(mean.runs > 1 for mean in means):
        return
    st.markdown("**Mean ± standard deviation over seeds** of the runs that are done")
    st.dataframe(
        [
            {
                "settings": mean.name,
                "seeds": mean.runs,
                "Dice": _spread(mean.dice, mean.dice_sd),
                "IoU": _spread(mean.iou, mean.iou_sd),
            }
            for mean in means
        ],
        hide_index=True,
        key="sweep_means",
        alt="Mean and standard deviation over seeds",
    )


def _spread(mean: float | None, deviation: float | None) -> str:
    return score_text(mean) + ("" if deviation is None else f" ± {deviation:.3f}")
