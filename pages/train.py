"""Settings, start, live curves, stop."""

from pathlib import Path

import streamlit as st

from pages import charts, live, widgets
from pages.places import runs_dir, sample_data
from pages.text import duration_text, plain, score_text
from unet_core import images, masks, overlay, runs, samples, worker
from unet_core.config import LAYOUTS, RunConfig, options
from unet_core.errors import UnetError
from unet_core.history import History

SHOWN_FIRST = ("epochs", "image_size", "batch_size", "base_channels", "loss", "lr")
SAMPLE, FOLDER = "Built-in sample", "Folder on this machine"
PREVIEWS = 4


@st.cache_data(max_entries=16, ttl=60, show_spinner="Looking at the folder…")
def look(root: str, layout: str) -> tuple[list[samples.Sample], list[str]]:
    """The samples of a folder and what their headers tell is wrong. Raises DataError."""
    found = samples.find(Path(root), layout)
    return found, samples.check(found)


@st.cache_data(max_entries=64, show_spinner=False)
def preview(sample: samples.Sample) -> images.Array:
    """The middle of the image, a square, with its mask drawn as outlines."""
    image = images.read(sample.image)
    mask = (masks.read(sample, image.shape) > 0).astype("uint8")
    drawn = overlay.draw(image, mask, num_classes=1, opacity=1.0, outline=True)
    side = min(mask.shape)
    top, left = ((length - side) // 2 for length in mask.shape)
    return drawn[top : top + side, left : left + side]


def choose_data() -> tuple[str, bool]:
    """The folder to train on and whether it can be used as it is."""
    source = st.segmented_control(
        "Data", [SAMPLE, FOLDER], default=SAMPLE, key="source", bind="query-params", required=True
    )
    if source == SAMPLE:
        root = str(sample_data())
        st.caption("48 fluorescence-like pictures of nuclei with exact masks, drawn by a program.")
    else:
        root = st.text_input(
            "Folder",
            key="root",
            bind="query-params",
            placeholder="/home/me/cells",
            help="\n".join(["A folder in one of these layouts:", *(f"- **{k}**: `{v}`" for k, v in LAYOUTS.items())]),
        ).strip()
    if not root:
        st.info("Name the folder that holds your images and masks.", icon=":material/folder_open:")
        return "", False
    try:
        found, problems = look(root, st.session_state.get("layout", "auto"))
        st.caption(f"**{len(found)} images** with masks")
        readable = [sample for sample in found if not any(str(sample.image) in text for text in problems)]
        spread = readable[:: max(1, len(readable) // PREVIEWS)]
        for place, sample in zip(st.columns(PREVIEWS), spread, strict=False):
            place.image(preview(sample), width="stretch", alt=f"{sample.id} with its mask outlined")
    except UnetError as error:
        widgets.show_error(error)
        return root, False
    if problems:
        listed = "\n".join(f"- {plain(text)}" for text in problems[:20])
        st.warning(f"Wrong with this folder:\n{listed}", icon=":material/warning:")
    return root, True


def start(config: RunConfig) -> None:
    """Called by the button, before the page is drawn anew: the new run is then the chosen one."""
    try:
        st.session_state["run"] = worker.launch(config, runs_dir()).id
    except UnetError as error:
        st.session_state["start_error"] = str(error)


def resume(run: runs.Run) -> None:
    """Called by the button of an interrupted run."""
    try:
        worker.start(run)
    except UnetError as error:
        st.session_state["start_error"] = str(error)


def settings() -> None:
    """The form on the left; every widget is made from the core's settings."""
    root, usable = choose_data()
    by_name = {option.name: option for option in options() if option.name not in ("root", "threshold")}
    left, right = st.columns(2)
    values = {}
    for index, name in enumerate(SHOWN_FIRST):
        with (left, right)[index % 2]:
            values[name] = widgets.option_widget(by_name[name])
    with st.expander("More settings"):
        for name, option in by_name.items():
            if name not in SHOWN_FIRST:
                values[name] = widgets.option_widget(option)
    try:
        config = RunConfig().replace(root=str(Path(root).resolve()), **values)
    except UnetError as error:
        widgets.show_error(error)
        config, usable = RunConfig(), False
    other = runs.busy(runs_dir())
    st.button(
        "Start training",
        key="start",
        type="primary",
        icon=":material/play_arrow:",
        width="stretch",
        disabled=other is not None or not usable,
        on_click=start,
        args=(config,),
        help=f"Run {other.id} is training; one run trains at a time." if other else None,
    )
    if message := st.session_state.pop("start_error", None):
        widgets.show_error(message)


def watch(run: runs.Run, was_active: bool) -> None:
    """The live part: runs once a second while the run does, reads what is new, stays quick."""
    state, history = run.state(), live.history(run)
    if was_active and not state.active:
        st.rerun()  # the whole page: it may start a run again
    with st.container(horizontal=True, vertical_alignment="center", key="standing"):
        widgets.state_badge(state)
        if state.active:
            st.button(
                "Stop",
                key="stop",
                icon=":material/stop:",
                on_click=run.request_stop,
                disabled=state == runs.State.STOPPING,
                help="Ends after this step, judges what was learnt, keeps the best epoch.",
            )
        if state in (runs.State.INTERRUPTED, runs.State.FAILED) and history.started:
            st.button("Resume", key="resume", icon=":material/play_arrow:", on_click=resume, args=(run,))
        if run.has_best:
            for page in ("predict", "evaluate"):
                st.page_link(f"{page}.py", label=f"{page.capitalize()} with it", query_params={"run": run.id})
    explain(run, state, history)
    if history.started is None:
        return
    if state.active:
        epoch = history.steps[-1].epoch if history.steps else history.started.first_epoch
        text = f"Epoch {epoch} of {history.started.epochs} · {duration_text(history.seconds_left)} left"
        st.progress(history.progress, text)
    numbers(history)
    left, right = st.columns(2)
    left.plotly_chart(charts.losses(history, run.id), key="losses", config={"displaylogo": False})
    right.plotly_chart(charts.scores(history, run.id), key="scores", config={"displaylogo": False})
    with st.expander("Learning rate and details"):
        st.plotly_chart(charts.learning_rate(history, run.id), key="lr_chart", config={"displaylogo": False})
        begun = history.started
        st.caption(
            f"{begun.train_images} training, {begun.val_images} validation, {begun.test_images} test images · "
            f"{begun.parameters:,} parameters · {begun.in_channels} channels in, {begun.num_classes} out · "
            f"{begun.device}, {begun.precision}, {begun.threads} threads"
        )
        st.json(run.config.to_dict(), expanded=False)


def explain(run: runs.Run, state: runs.State, history: History) -> None:
    """In words, where something is not as it should be."""
    for message in history.warnings[-5:]:
        widgets.show_warning(message)
    if history.failed is not None and not state.active:
        widgets.show_error(history.failed.message)
    if state == runs.State.INTERRUPTED:
        st.warning(
            "The trainer ended without a word: the machine was restarted, or its memory ran out. Nothing saved is "
            f"lost; Resume goes on after the last finished epoch. Its output is in {plain(str(run.log))}."
        )
    if state.active and history.started is None:
        st.info("The trainer reads the images; the first step follows in seconds.", icon=":material/hourglass_top:")
    if state == runs.State.RUNNING and run.silent_for() > runs.SILENT_SECONDS:
        st.warning(f"No sign of life for {duration_text(run.silent_for())}; the machine may be overloaded.")


def numbers(history: History) -> None:
    """The standing in numbers."""
    best, last = history.best, history.epochs[-1] if history.epochs else None
    widgets.tiles(
        {
            "Best Dice": (score_text(best.val_dice if best else None), "Mean over the validation images."),
            "IoU at best": (score_text(best.val_iou if best else None), ""),
            "Best epoch": (str(best.epoch) if best else "–", "Its weights are the ones that are kept."),
            "Epochs done": (f"{len(history.epochs)} of {history.started.epochs}", ""),
            "Images/s": (f"{last.images_per_second:.1f}" if last else "–", "Training crops a second."),
            "Duration": (duration_text(history.last_at - history.started_at), ""),
        }
    )


st.title("Train")
form, panel = st.columns([1, 2], gap="large")
with form:
    settings()
with panel:
    found = runs.find(runs_dir())
    if found:
        run = widgets.choose_run("Run", found)
        active = run.state().active
        st.fragment(watch, run_every=1.0 if active else None)(run, active)
    else:
        st.info(
            "No run yet. The settings on the left are good ones to begin with: press **Start training**, and the "
            "curves appear here.",
            icon=":material/show_chart:",
        )
