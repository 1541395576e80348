"""The buttons of one run: what can be asked of it in its state. A command is obeyed after the current step."""

from collections.abc import Callable

import streamlit as st

from pages.server.paths import runs_dir
from unet_core.errors import UnetError
from unet_core.runs import queue
from unet_core.runs import run as runs
from unet_core.runs.history import History
from unet_core.runs.run import RunState
from unet_core.training import launch

MORE_EPOCHS = 20  # what is offered to a run that is over
LOWEST_LR, HIGHEST_LR = 1e-8, 10.0
OPENED = "change_opened"  # how often the popover of changes was opened or closed in this session
RUN_TOLD = "run_told"  # what the latest command has done, to be shown once
RUN_ERROR = "run_error"  # (run id, message) of the latest command that failed; stays until the next one


def command(run: runs.Run, action: Callable[[], object], told: str = "") -> None:
    """Called by a button, before anything is drawn anew: do it, and say so; an error stays to be read."""
    st.session_state.pop(RUN_ERROR, None)
    try:
        action()
    except UnetError as error:
        st.session_state[RUN_ERROR] = (run.id, str(error))
    else:
        st.session_state[RUN_TOLD] = told


def _button(run: runs.Run, name: str, icon: str, action: Callable[[], object], told: str = "", **more: object) -> None:
    st.button(
        name,
        key=name.lower().replace(" ", "_"),
        icon=f":material/{icon}:",
        on_click=command,
        args=(run, action, told),
        **more,  # type: ignore[arg-type]
    )


def show(run: runs.Run, state: RunState, history: History) -> None:
    """The buttons, side by side in the container that is open."""
    if told := st.session_state.pop(RUN_TOLD, ""):
        st.toast(told, icon=":material/check:")
    match state:
        case RunState.QUEUED:
            _line(run)
        case RunState.RUNNING:
            _button(run, "Pause", "pause", run.request_pause, help="Holds after this step; it uses no processor then.")
            _stop(run)
            _change(run, history)
        case RunState.PAUSED:
            _button(run, "Go on", "play_arrow", run.request_unpause, type="primary")
            _stop(run)
            _change(run, history)
        case RunState.STARTING | RunState.STOPPING:
            _stop(run, disabled=state == RunState.STOPPING)
        case RunState.INTERRUPTED | RunState.FAILED:
            resume = "Goes on after the last epoch that was saved."
            if history.started:
                _button(run, "Resume", "play_arrow", lambda: launch.start(run), help=resume, type="primary")
        case RunState.FINISHED | RunState.STOPPED:
            _train_on(run)
    if run.has_best:
        st.button(
            "Fine-tune from it",
            key="fine_tune",
            icon=":material/tune:",
            on_click=_fine_tune,
            args=(run,),
            help="The form's next run begins with this run's best weights; the net is then its own.",
        )
        for page in ("predict", "evaluate"):
            st.page_link(f"{page}.py", label=f"{page.capitalize()} with it", query_params={"run": run.id})


def failed() -> tuple[str, str] | None:
    """(run id, message) of the latest command that failed."""
    found: tuple[str, str] | None = st.session_state.get(RUN_ERROR)
    return found


def _line(run: runs.Run) -> None:
    line = [other.id for other in queue.waiting(runs_dir())]
    place = line.index(run.id) + 1 if run.id in line else 1
    st.markdown(f"number **{place}** of {max(place, len(line))} in the line")
    if place > 1:
        _button(run, "Move up", "arrow_upward", lambda: queue.move(run, -1), help="One place nearer to the device.")
    _button(
        run,
        "Remove from the line",
        "playlist_remove",
        lambda: queue.remove(run),
        "Taken out of the line.",
        help="A run that never began is deleted; one that is to go on stays as it is.",
    )


def _stop(run: runs.Run, disabled: bool = False) -> None:
    sentence = "Ends after this step, judges what was learned, keeps the best epoch."
    _button(run, "Stop", "stop", run.request_stop, disabled=disabled, help=sentence)


def _change(run: runs.Run, history: History) -> None:
    """Learning rate and number of epochs of a run that trains."""
    if history.started is None:
        return
    opened = st.session_state.setdefault(OPENED, 0)
    sentence = "Learning rate and number of epochs."
    with st.popover("Change…", icon=":material/edit:", key="change", help=sentence, on_change=_count_opening):
        # Each opening has fields of its own, which begin with what holds at that moment and then stay as they are.
        now = (max(LOWEST_LR, float(f"{history.lr or run.config.train.lr:.3g}")), history.total_epochs)
        lr_now, epochs_now = st.session_state.setdefault(f"change_from:{run.id}:{opened}", now)
        lr = st.number_input(
            "Learning rate", LOWEST_LR, HIGHEST_LR, lr_now, 0.0001, "%g", key=f"change_lr:{run.id}:{opened}",
            help="From the next step on; it falls from there as the schedule would.",
        )  # fmt: skip
        told = f"Learning rate {lr:g} from the next step on."
        _button(run, "Set learning rate", "check", lambda: run.request_lr(lr), told)
        epochs = st.number_input(
            "Epochs in all", 1, 100_000, epochs_now, key=f"change_epochs:{run.id}:{opened}",
            help="The run ends after so many; never before the end of the epoch that has begun.",
        )  # fmt: skip
        _button(run, "Set epochs", "check", lambda: run.request_epochs(epochs), f"The run ends after {epochs} epochs.")


def _count_opening() -> None:
    st.session_state[OPENED] += 1


def _train_on(run: runs.Run) -> None:
    """More epochs for a run that is over."""
    if not run.has_last:
        return
    with st.popover("Train on…", icon=":material/play_arrow:", key="train_on", help="More epochs from where it ended."):
        more = st.number_input("More epochs", 1, 10_000, MORE_EPOCHS, key=f"more_epochs:{run.id}")
        lr = st.number_input(
            "Learning rate", LOWEST_LR, HIGHEST_LR, run.config.train.lr, 0.0001, "%g", key=f"more_lr:{run.id}",
            help="The schedule begins anew and rises to it. Lower than the first one keeps what was learned.",
        )  # fmt: skip
        name = f"Train {more} more epochs" if more != 1 else "Train one more epoch"
        st.button(
            name,
            key="proceed",
            type="primary",
            icon=":material/play_arrow:",
            on_click=command,
            args=(run, lambda: launch.continue_run(run, int(more), lr)),
        )


def _fine_tune(run: runs.Run) -> None:
    st.session_state["init"] = run.id
    st.toast("The form's next run begins with this run's best weights.", icon=":material/tune:")
