"""The buttons of one run, which depend on its state. The trainer obeys a command after the current step."""

from collections.abc import Callable

import streamlit as st

from pages.server.paths import runs_dir
from pages.server.visitors import quotas
from pages.ui import addresses, visitor
from pages.views.train import queue as queue_view
from pages.views.train.live import next_steps
from unet_core.errors import UnetError
from unet_core.runs import queue
from unet_core.runs import run as runs
from unet_core.runs.history import History
from unet_core.runs.run import RunState
from unet_core.training import launch

MORE_EPOCHS = 20  # suggested for a run that is over
LOWEST_LR, HIGHEST_LR = 1e-8, 10.0
OPENED = "change_opened"  # how often the popover of changes was opened or closed in this session
RUN_MESSAGE = "run_message"  # of the latest command, shown once
RUN_ERROR = "run_error"  # (run id, message) of the latest command where it failed; stays until the next one


def command(run: runs.Run, action: Callable[[], object]) -> None:
    """Called by a button, before anything is drawn again: run the action, then show the message that it gives, if any,
    or its error."""
    st.session_state.pop(RUN_ERROR, None)
    try:
        message = action()
    except UnetError as error:
        st.session_state[RUN_ERROR] = (run.id, str(error))
    else:
        st.session_state[RUN_MESSAGE] = message if isinstance(message, str) else ""


def _button(run: runs.Run, name: str, icon: str, action: Callable[[], object], **options: object) -> None:
    st.button(
        name,
        key=name.lower().replace(" ", "_"),
        icon=f":material/{icon}:",
        on_click=command,
        args=(run, action),
        **options,  # type: ignore[arg-type]
    )


def show(run: runs.Run, state: RunState, history: History) -> None:
    """The buttons, side by side in the container that is open."""
    if message := st.session_state.pop(RUN_MESSAGE, ""):
        st.toast(message, icon=":material/check:")
    if not visitor.is_own(run):
        return
    match state:
        case RunState.QUEUED:
            _show_position(run)
        case RunState.RUNNING:
            _button(run, "Pause", "pause", run.request_pause, help="Pauses after the current step.")
            _show_stop(run)
            _show_changes(run, history)
        case RunState.PAUSED:
            _button(
                run, "Resume", "play_arrow", run.request_unpause, type="primary", help="Continues with the next step."
            )
            _show_stop(run)
            _show_changes(run, history)
        case RunState.STARTING | RunState.STOPPING:
            _show_stop(run, disabled=state == RunState.STOPPING)
        case RunState.INTERRUPTED | RunState.FAILED:
            sentence = "Continues after the last saved epoch."
            if history.started:
                _button(run, "Resume", "play_arrow", lambda: launch.start(run), help=sentence, type="primary")
        case RunState.FINISHED | RunState.STOPPED:
            _show_continue(run)


def show_with_model(run: runs.Run, state: RunState) -> None:
    """Buttons that need a checkpoint; of a run that is over, predicting and evaluating stand elsewhere."""
    if run.has_best:
        st.button(
            "Fine-tune",
            key="fine_tune",
            icon=":material/tune:",
            on_click=_fine_tune,
            args=(run,),
            help="Sets the form to start the next run from the best weights and with the architecture of this run.",
        )
        for page, label, icon in next_steps.LINKS if state.active else ():
            st.page_link(f"{page}.py", label=label, icon=icon, query_params={addresses.MODEL: run.id})


def failed() -> tuple[str, str] | None:
    """(run id, message) of the latest command where it failed."""
    error: tuple[str, str] | None = st.session_state.get(RUN_ERROR)
    return error


def _show_position(run: runs.Run) -> None:
    ids = [other.id for other in queue.waiting(runs_dir())]
    position = ids.index(run.id) + 1 if run.id in ids else 1
    st.markdown(f"position **{position}** of {max(position, len(ids))} in the queue")
    if position > 1:
        _button(run, "Move up", "arrow_upward", lambda: queue.move(run, -1), help="Moves the run up by one position.")
    _button(
        run,
        "Remove from queue",
        "playlist_remove",
        lambda: queue_view.remove([run]),
        help="A run that never started is deleted; others are kept.",
    )


def _show_stop(run: runs.Run, disabled: bool = False) -> None:
    sentence = "Stops after the current step and runs a final validation. The best checkpoint is kept."
    _button(run, "Stop", "stop", run.request_stop, disabled=disabled, help=sentence)


def _show_changes(run: runs.Run, history: History) -> None:
    """Fields for the learning rate and the number of epochs of an active run."""
    if history.started is None:
        return
    opened = st.session_state.setdefault(OPENED, 0)
    sentence = "Change the learning rate or the number of epochs."
    with st.popover("Change…", icon=":material/edit:", key="change", help=sentence, on_change=_count_opening):
        # Each opening has new fields, which start with the current values. Those change while the run trains, but a
        # field whose default changed would lose what the user has typed: so they are remembered for each opening.
        current = (max(LOWEST_LR, float(f"{history.lr or run.config.train.lr:.3g}")), history.total_epochs)
        lr_now, epochs_now = st.session_state.setdefault(f"change_from:{run.id}:{opened}", current)
        st.number_input(
            "Learning rate", LOWEST_LR, HIGHEST_LR, lr_now, 0.0001, "%g", key=f"change_lr:{run.id}:{opened}",
            help="Takes effect at the next step. The schedule continues from this value.",
        )  # fmt: skip
        _button(run, "Set learning rate", "check", lambda: _set_lr(run, opened))
        st.number_input(
            "Total epochs", 1, 100_000, epochs_now, key=f"change_epochs:{run.id}:{opened}",
            help="Training ends after this many epochs. The current epoch is always completed.",
        )  # fmt: skip
        _button(run, "Set epochs", "check", lambda: _set_epochs(run, opened))


def _set_lr(run: runs.Run, opened: int) -> str:
    """For a callback, which may come before the field is drawn again: take what the field holds."""
    lr = st.session_state[f"change_lr:{run.id}:{opened}"]
    run.request_lr(lr)
    return f"Learning rate set to {lr:g} from the next step."


def _set_epochs(run: runs.Run, opened: int) -> str:
    """The same for the number of epochs."""
    epochs = st.session_state[f"change_epochs:{run.id}:{opened}"]
    quotas.check_epochs(int(epochs))
    run.request_epochs(epochs)
    return f"Training ends after {epochs} epochs."


def _continue(run: runs.Run) -> None:
    """The same for a run that is over."""
    more, lr = st.session_state[f"more_epochs:{run.id}"], st.session_state[f"more_lr:{run.id}"]
    launch.continue_run(run, int(more), lr)


def _count_opening() -> None:
    st.session_state[OPENED] += 1


def _show_continue(run: runs.Run) -> None:
    """More epochs for a run that is over."""
    if not run.has_last:
        return
    sentence = "Train more epochs from the last checkpoint."
    with st.popover("Continue training…", icon=":material/play_arrow:", key="train_on", help=sentence):
        more = st.number_input("Additional epochs", 1, 10_000, MORE_EPOCHS, key=f"more_epochs:{run.id}")
        st.number_input(
            "Learning rate", LOWEST_LR, HIGHEST_LR, run.config.train.lr, 0.0001, "%g", key=f"more_lr:{run.id}",
            help="Peak of a new schedule. A lower value than before helps to keep what the model has learned.",
        )  # fmt: skip
        st.button(
            f"Train {more} more epochs" if more != 1 else "Train 1 more epoch",
            key="proceed",
            type="primary",
            icon=":material/play_arrow:",
            on_click=command,
            args=(run, lambda: _continue(run)),
        )


def _fine_tune(run: runs.Run) -> None:
    st.session_state["init"] = run.id
    st.toast("The form is set to fine-tune this run.", icon=":material/tune:")
