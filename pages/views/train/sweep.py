"""The form of a sweep: lists of values of some settings, or presets; every combination becomes a run in the queue."""

from typing import Any

import streamlit as st

from pages.server import paths
from pages.server.paths import runs_dir
from pages.ui import widgets
from pages.ui.formatting import duration_text, plain
from pages.ui.settings import values_of
from pages.views.train import sweep_results
from unet_core.config.fields import Field
from unet_core.config.presets import FOUR, PRESETS
from unet_core.config.schema import RunConfig
from unet_core.errors import UnetError
from unet_core.runs import leaderboard, time_estimate
from unet_core.training import sweep

FIRST = ("loss", "down", "up")  # lists that are always shown; any other setting can be added
FOUR_HELP = (
    "Max-pooling or strided convolution down, transposed convolution or bilinear upsampling, BCE or Dice loss: "
    "MP_Tr_BCE, MP_Tr_Dice, StrConv_Tr_BCE, StrConv_Ups_Dice."
)


ASKED = "sweep_asked"  # in the session: the key of the button that was clicked


def start(configs: dict[str, RunConfig]) -> None:
    """Start what the lists and the form show now; the new sweep is then the chosen one."""
    try:
        st.session_state["sweep"] = sweep.start(configs, runs_dir())
    except UnetError as error:
        st.session_state["sweep_error"] = str(error)
    else:
        st.rerun()


def _ask(key: str) -> None:
    """Called by the buttons: a list or the form may have just been changed, so the sweep starts once they are drawn."""
    st.session_state[ASKED] = key


def show(config: RunConfig) -> None:
    """The lists, the buttons, and the results of the chosen sweep."""
    st.markdown("Trains **every combination** of the values selected here. All other settings are those of the form.")
    lists, seeds = choose_lists(config)
    usable = bool(config.data.root)
    if lists is not None:
        try:
            configs = sweep.grid(config, lists)
            label = f"Add {_count(configs)} to the queue" if lists else "Select values to vary"
            _show_button("start_sweep", configs, label, "grid_view", usable and bool(lists), primary=True)
        except UnetError as error:
            widgets.show_error(error)
    show_presets(config, seeds, usable)
    st.session_state.pop(ASKED, None)
    if message := st.session_state.pop("sweep_error", None):
        widgets.show_error(message)
    sweep_results.show()


def choose_lists(config: RunConfig) -> tuple[dict[str, list[Any]] | None, list[int]]:
    """(the lists, None where one cannot be read; the seeds). A list that is left empty stays as in the form."""
    options, current = leaderboard.variable_settings(), values_of(config)
    lists: dict[str, list[Any]] = {}
    texts: dict[str, str] = {}
    for column, name in zip(st.columns(len(FIRST)), FIRST, strict=True):
        with column:
            lists[name] = _choose_values(options[name], current[name])
    left, right = st.columns(2)
    with left:
        sentence = "Such as 0, 1, 2 or 0-2. Differences between seeds are due to chance."
        texts["seed"] = _enter_values(options["seed"], current["seed"], "Random seeds", sentence)
    with right:
        others = [name for name in options if name not in (*FIRST, "seed")]
        added = st.multiselect(
            "Also vary", others, key="sweep_more", format_func=widgets.label_of, help="Any other setting of the form."
        )
    for name in added:
        option = options[name]
        if option.choices is not None or option.kind is bool:
            lists[name] = _choose_values(option, current[name])
        else:
            label = f"{widgets.label_of(name)} (comma-separated)"
            texts[name] = _enter_values(option, current[name], label, option.description)
    failed = False
    for name, text in texts.items():
        try:
            lists[name] = [value for value in sweep.parse_values(name, text) if _may_set(name, value)]
        except UnetError as error:
            widgets.show_error(error)
            failed = True
    chosen = {name: lists[name] for name in (*FIRST, *added, "seed") if lists.get(name)}
    return (None if failed else chosen), chosen.get("seed", [])


def _may_set(name: str, value: Any) -> bool:
    """Whether a visitor may; else it is said."""
    if not (allowed := paths.may_set(name, value)):
        widgets.show_error(widgets.explain_refusal(name, value))
    return allowed


def _choose_values(option: Field, current: Any) -> list[Any]:
    menu = "\n".join(f"- `{name}`: {sentence}" for name, sentence in (option.choices or {}).items())
    return st.multiselect(
        widgets.label_of(option.name),
        list(option.choices or (False, True)),
        key=f"sweep_{option.name}",
        placeholder=_placeholder(option, current),
        help=f"{option.description}\n{menu}",
    )


def _enter_values(option: Field, current: Any, label: str, sentence: str) -> str:
    return st.text_input(label, key=f"sweep_{option.name}", placeholder=_placeholder(option, current), help=sentence)


def _placeholder(option: Field, current: Any) -> str:
    return f"Form: {option.words(current) or 'none'}"


def show_presets(config: RunConfig, seeds: list[int], usable: bool) -> None:
    """Presets compared with one click: the usual four, or any others."""
    try:
        four = sweep.presets(FOUR, config, seeds)
        label = f"Compare four U-Net variants ({_count(four)})"
        _show_button("start_four", four, label, "compare", usable, FOUR_HELP)
        with st.expander("Compare other presets"):
            chosen = st.multiselect(
                "Presets",
                list(PRESETS),
                default=list(FOUR),
                key="variants",
                help="\n".join(f"- **{name}**: {preset.description}" for name, preset in PRESETS.items()),
            )
            configs = sweep.presets(chosen, config, seeds)
            label = f"Add {_count(configs)} to the queue"
            _show_button("start_presets", configs, label, "compare", usable and bool(chosen))
    except UnetError as error:
        widgets.show_error(error)


def _show_button(
    key: str,
    configs: dict[str, RunConfig],
    label: str,
    icon: str,
    usable: bool,
    sentence: str = "",
    primary: bool = False,
) -> None:
    """A button that adds runs to the queue; beside it the number of epochs and a rough time."""
    if st.session_state.get(ASKED) == key:
        del st.session_state[ASKED]
        if usable:
            start(configs)
    with st.container(horizontal=True, vertical_alignment="center", gap="medium"):
        st.button(
            label,
            key=key,
            icon=f":material/{icon}:",
            type="primary" if primary else "secondary",
            disabled=not usable,
            on_click=_ask,
            args=(key,),
            help="\n".join([*([sentence, ""] if sentence else []), *(f"- {plain(name)}" for name in configs)]),
        )
        if usable and configs:
            epochs = sum(config.train.epochs for config in configs.values())
            st.caption(f"{epochs} epochs in total · {estimate_time(configs)}")


def estimate_time(configs: dict[str, RunConfig]) -> str:
    """From earlier runs on the same dataset."""
    root = next(iter(configs.values())).data.root
    earlier = time_estimate.past_step_times(runs_dir(), root, sweep_results.read_history)
    if not earlier:
        return "time estimate after the first run on this dataset"
    return f"about {duration_text(time_estimate.estimate_seconds(configs.values(), earlier))}"


def _count(configs: dict[str, RunConfig]) -> str:
    return "1 run" if len(configs) == 1 else f"{len(configs)} runs"
