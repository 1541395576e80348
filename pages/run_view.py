"""One run, live: its state, curves and numbers, and what can be done with it."""

import streamlit as st

from pages import charts, live, widgets
from pages.text import duration_text, plain, score_text
from unet_core import film, overlay, runs, worker
from unet_core.errors import UnetError
from unet_core.history import History


def resume(run: runs.Run) -> None:
    """Called by the button of an interrupted run."""
    try:
        worker.start(run)
    except UnetError as error:
        st.session_state["start_error"] = str(error)


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
    pictures(run, history)
    with st.expander("Learning rate and details"):
        st.plotly_chart(charts.learning_rate(history, run.id), key="lr_chart", config={"displaylogo": False})
        begun = history.started
        st.caption(
            f"{begun.train_images} training, {begun.val_images} validation, {begun.test_images} test images · "
            f"{begun.parameters:,} parameters · {begun.in_channels} channels in, {begun.num_classes} out · "
            f"{begun.device}, {begun.precision}, {begun.threads} threads"
        )
        st.json(run.config.to_dict(), expanded=False)


def pictures(run: runs.Run, history: History) -> None:
    """Image, prediction and truth of a few validation images after the newest epoch."""
    shot = film.epochs(run.film)
    if not shot:
        return
    st.markdown(f"**Validation images after epoch {shot[-1]}**: image with prediction, and with truth")
    classes = history.started.num_classes if history.started else 1
    frames = film.frames(run.film, shot[-1])
    for number, (place, frame) in enumerate(zip(st.columns(film.PROBES), frames, strict=False), 1):
        found = overlay.draw(frame.image, frame.pred, classes)
        truth = overlay.draw(frame.image, frame.truth, classes)
        caption = f"Dice {score_text(frame.dice)}"
        place.image(found, caption, width="stretch", alt=f"Prediction on validation image {number}, {caption}")
        place.image(truth, "truth", width="stretch", alt=f"True mask of validation image {number}")


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
