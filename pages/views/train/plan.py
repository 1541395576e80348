"""The plan: settings suggested for a dataset, each with a reason; of a dataset of one's own the form's defaults."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import streamlit as st

from pages.server.datasets.fingerprints import FingerprintJob, find_fingerprint
from pages.ui import form_state, widgets
from pages.ui.formatting import plain
from pages.ui.settings import applies, values_of
from pages.views.train import dataset
from unet_core.config.labels import fields_by_name, in_words
from unet_core.config.schema import RunConfig
from unet_core.data.fingerprint import Fingerprint
from unet_core.data.recipe import recipes
from unet_core.errors import ConfigError, UnetError
from unet_core.hardware import Machine
from unet_core.planning import planner
from unet_core.planning.planner import Advice

WIDTHS = [4, 3, 4]
TOLD = ("epochs", "image_size")  # settings in the line above Start


@dataclass(frozen=True)
class Plan:
    """What is known of the plan in a run of the page: the suggestions that apply, and whether they are the defaults.

    `pending`: the dataset is still being measured, and the plan will be in use. `data` is None where there is none yet,
    `problem` says why it cannot be; `subsets` are those that folders name, image by image.
    """

    advice: tuple[Advice, ...] = ()
    in_use: bool = False
    pending: bool = False
    data: Fingerprint | None = None
    problem: str = ""
    subsets: tuple[str | None, ...] = ()

    @property
    def values(self) -> dict[str, Any]:
        """The suggestions by setting."""
        return {item.setting: item.value for item in self.advice}


@st.cache_data(max_entries=4, ttl=60, show_spinner=False)
def machine(device: str) -> Machine:
    """This machine; cached, because asking a GPU takes a moment."""
    return Machine.here(device)


def make(chosen: dataset.Dataset) -> Plan:
    """The plan for the dataset in the form, which becomes the form's default where it is in use.

    The defaults for the built-in sample are measured ones, so there it is in use only if somebody asks for it.
    """
    mode = form_state.get().mode
    in_use = mode == form_state.ON or (mode == "" and chosen.own)
    if not chosen.usable:
        form_state.set_plan({})
        return Plan()
    data, model, _ = dataset.read_settings(chosen.root, chosen.source)
    job = find_fingerprint(data, model.num_classes, chosen.recipe)
    job.wait(dataset.QUICK_SECONDS)
    if not job.poll().over:
        follow(job)
        form_state.set_plan({})
        return Plan(in_use=in_use, pending=in_use)
    if job.result is None:
        form_state.set_plan({})
        return Plan(problem=job.error)
    advice = propose(job.result, chosen)
    if in_use:
        fixed = chosen.fixed
        form_state.set_plan({item.setting: item.value for item in advice if item.setting not in fixed})
    else:
        form_state.set_plan({})
    return Plan(tuple(advice), in_use and bool(advice), data=job.result, subsets=job.subsets)


def propose(data: Fingerprint, chosen: dataset.Dataset) -> list[Advice]:
    """The suggestions that apply, around what somebody has set."""
    changes = {name: value for name, value in form_state.get().changes.items() if name != "recipe"}
    around = frozenset(changes)
    try:
        config = recipes.configure(RunConfig().replace(root=chosen.root, **changes), chosen.recipe)
    except ConfigError:  # what was set contradicts the defaults, which the form says
        config, around = recipes.configure(RunConfig(), chosen.recipe), frozenset()
    here = machine(config.train.device)
    try:
        advice = planner.propose(data, here, config, around)
    except ConfigError:
        advice = planner.propose(data, here, RunConfig())
    settings = values_of(config) | {item.setting: item.value for item in advice}
    return [item for item in advice if applies(item.setting, settings)]


@st.fragment(run_every=0.5)
def follow(job: FingerprintJob) -> None:
    """The progress of the measuring; the whole page runs again when it is over."""
    progress = job.poll()
    if progress.over:
        st.rerun()
    number = f": image {progress.images + 1} of {progress.of_images}" if progress.of_images else "…"
    st.progress(progress.fraction, f"Making the plan for this dataset{number}")


def describe(plan: Plan, config: RunConfig) -> str:
    """The settings that matter most in one line; where a plan is in use and they differ from it, its values too.

    "Suggested" is said only where all of the plan is in the form.
    """
    current, suggested = values_of(config), plan.values if plan.in_use else {}
    parts = []
    for name, unit in zip(TOLD, (" epochs", " px crops"), strict=True):
        text = f"{current[name]}{unit if current[name] != 1 else unit.rstrip('s')}"
        differs = name in suggested and suggested[name] != current[name]
        parts.append(f"{text} (plan: {suggested[name]})" if differs else text)
    others = sum(suggested[name] != current[name] for name in suggested if name not in TOLD)
    if others:
        parts.append(f"{others} more differ{'s' if others == 1 else ''} from the plan")
    as_planned = bool(suggested) and all(suggested[name] == current[name] for name in suggested)
    return ("Suggested: " if as_planned else "") + ", ".join(parts)


def explain(plan: Plan) -> None:
    """The table of suggestions behind "Why?", and the switch between them and the general defaults."""
    with st.popover("Why?", type="tertiary", key="why", on_change="rerun"):
        if plan.problem:
            widgets.show_error(plan.problem)
        elif plan.data is None:
            st.caption("Suggestions for this dataset appear here once it is read.")
        else:
            if plan.in_use:
                st.markdown("These settings are **suggested for this dataset**. What you change stays as you set it.")
                _show_switch("Use the general defaults instead", form_state.OFF, plan)
            else:
                st.markdown("These are the **general defaults** with your changes. Suggested for this dataset:")
                _show_switch("Use the suggestions", form_state.ON, plan)
            show_table(plan, "why")


def _show_switch(label: str, mode: str, plan: Plan) -> None:
    icon, names = ":material/swap_horiz:", tuple(plan.values)
    st.button(label, key=f"plan_{mode}", icon=icon, on_click=form_state.use_plan, args=(mode, names))


def show(config: RunConfig) -> None:
    """The section of the view: tiles of the fingerprint and the table of suggestions."""
    st.header("Suggested settings for this dataset", anchor=False)
    try:
        chosen = dataset.of_config(config)
        data, model, _ = dataset.read_settings(chosen.root, chosen.source)
    except UnetError as error:
        widgets.show_error(error)
        return
    job = find_fingerprint(data, model.num_classes, chosen.recipe)
    job.wait(dataset.QUICK_SECONDS)
    if not job.poll().over:
        follow(job)
    elif job.result is None:
        widgets.show_error(job.error)
    else:
        widgets.tiles(tiles(job.result))
        show_table(Plan(tuple(propose(job.result, chosen)), data=job.result), "take")
        if config.train.init:
            st.caption("The architecture is not listed: it is taken from the model that is fine-tuned.")


def show_table(plan: Plan, key: str) -> None:
    """Each suggestion beside the value in the form, with its reason and a button where they differ."""
    current = {item.setting: form_state.value_of(item.setting) for item in plan.advice}
    changes = [item for item in plan.advice if item.value != current[item.setting]]
    if changes:
        st.button(
            "Apply the suggestion" if len(changes) == 1 else f"Apply all {len(changes)} suggestions",
            key=f"{key}_plan",
            type="primary",
            icon=":material/done_all:",
            on_click=use,
            args=(changes,),
            help="Sets them in the form, where you can still change them.",
        )
    else:
        st.success("Your settings already match the suggestions.", icon=":material/check:")
    with st.container(border=True, key=f"{key}_table"):
        for column, title in zip(st.columns(WIDTHS, wrap=False), ("Setting", "Current", "Suggested"), strict=True):
            column.markdown(f"**{title}**")
        for item in [*changes, *(item for item in plan.advice if item not in changes)]:
            show_row(item, current[item.setting], key)


def show_row(item: Advice, current: Any, key: str) -> None:
    """One suggestion, with a button where it differs from the current value; the reason fits below on any screen."""
    option = fields_by_name()[item.setting]
    name, before, suggested = st.columns(WIDTHS, vertical_alignment="center", wrap=False)
    label, value = plain(option.noun), plain(option.words(item.value))
    name.markdown(label)
    before.markdown(plain(option.words(current)))
    if item.value != current:
        suggested.button(
            f"Use {value}",
            key=f"{key}_{item.setting}",
            on_click=use,
            args=([item],),
            help=f"Sets {label} to {value} in the form.",
        )
    else:
        suggested.markdown(f":green[:material/check:] {value}")
    st.caption(plain(in_words(f"{item.reason[0].upper()}{item.reason[1:]}.")))


def use(advice: Sequence[Advice]) -> None:
    """Called by the buttons, before the form is drawn again: sets its widgets."""
    for item in advice:
        widgets.set_option(item.setting, item.value)


def tiles(data: Fingerprint) -> dict[str, tuple[str, str]]:
    """The fingerprint, {label: (value, help)}."""
    channels = {1: "grayscale", 3: "RGB"}.get(data.channels, f"{data.channels} channels")
    numbers = {
        "Images": (f"{data.images}", "Images with a mask in the folder."),
        "Image size": (f"{data.width} x {data.height} px", "Median width and height."),
        "Type": (f"{channels}, {data.dtype}", "Channels and data type of most images."),
    }
    if data.object_diameter is not None:
        low, high = data.object_diameter_low or 0, data.object_diameter_high or 0
        numbers["Object diameter"] = (
            f"{data.object_diameter:.0f} px",
            f"Median diameter of a disk of the same area; 80% are between {low:.0f} and {high:.0f} px. An object is a "
            "connected region of one class other than 0; touching objects count as one.",
        )
        numbers["Objects per image"] = (f"{data.objects_per_image:.0f}", "Median number of objects in an image.")
    if data.object_gap is not None:
        numbers["Spacing"] = (f"{data.object_gap:.0f} px", "Median distance to the nearest object of the same class.")
    if len(data.class_shares) == 2:
        numbers["Foreground"] = (f"{100 * data.class_shares[1]:.2g}%", "Share of the pixels.")
    elif data.class_shares:
        shares = ", ".join(f"{label}: {100 * share:.2g}%" for label, share in enumerate(data.class_shares))
        numbers["Classes"] = (f"{len(data.class_shares)}", f"Share of the pixels by class: {shares}.")
    return numbers
