"""Upload images, see their masks, measure the objects, take everything home."""

import streamlit as st

from pages.server import model_registry
from pages.server.prediction_job import InputImage, PredictionJob
from pages.ui import model_picker, widgets
from pages.ui.formatting import plain
from pages.views.predict import import_model, result, troubleshooting
from pages.views.predict import inputs as input_view
from unet_core.errors import UnetError
from unet_core.inference import inputs, tta
from unet_core.inference.adjustments import Adjust

SOON = 0.4  # seconds in which what is small or known is there without a progress bar
TILES = {0: "automatic", 256: "256 px", 512: "512 px", 1024: "1024 px", 2048: "2048 px"}


def options() -> tuple[str, int | None]:
    """What the forward pass itself depends on: views and tiles."""
    with st.expander("Prediction", icon=":material/tune:"):
        left, right = st.columns(2)
        views = left.selectbox(
            "Test-time augmentation",
            list(tta.TTA),
            key="tta",
            bind="query-params",
            help="Predict several mirrored or turned views and average: slower, often a little better, and it shows "
            "where the model is unsure.\n" + "\n".join(f"- `{name}`: {sentence}" for name, sentence in tta.TTA.items()),
        )
        tile = right.selectbox(
            "Tiles",
            list(TILES),
            key="tile",
            persist_state="session",
            format_func=TILES.__getitem__,
            help="Larger images are predicted in overlapping tiles of this side, so that memory stays bounded.",
        )
    return views, tile or None


def job_for(
    model: model_registry.Model, items: dict[str, inputs.Item], views: str, tile: int | None, adjust: Adjust
) -> PredictionJob:
    """The running or finished job of just these pictures and settings; a new one where anything differs."""
    wanted = (model.name, model_registry.digest(model.folder), tuple(items), tuple(map(key_of, items.values())))
    wanted += (views, tile, adjust)
    job: PredictionJob | None = st.session_state.get("job")
    if job is None or job.given_up or st.session_state.get("job_for") != wanted:
        if job is not None:
            job.cancel()
        pictures = [InputImage(name, key_of(item), item.read, adjust) for name, item in items.items()]
        job = model_registry.submit(model, pictures, views, tile)
        st.session_state.update(job=job, job_for=wanted)
        job.wait(SOON)
    return job


def key_of(item: inputs.Item) -> str:
    try:
        return item.key
    except UnetError as error:  # it is told when the picture is read
        return str(error)


def again() -> None:
    """Called by the button after a cancelled job."""
    st.session_state.pop("job", None)


def follow(job: PredictionJob, any_done: bool) -> None:
    """The bar and Cancel, until the job is over; the whole page is drawn anew when there is something to show."""
    now = job.poll()
    if now.over or (now.pictures and not any_done and job.names_done):
        st.rerun()
    with st.container(horizontal=True, vertical_alignment="center"):
        st.progress(now.fraction, plain(now.sentence), width="stretch")
        st.button("Cancel", key="cancel", icon=":material/close:", on_click=job.cancel)


st.title("Predict")
if wanted := st.session_state.pop("wanted_model", None):
    st.session_state["run"] = wanted
found = model_registry.find()
left, right = st.columns(2, gap="large")
with left:
    model = model_picker.choose(found) if found else None
    import_model.show()
if model is None:
    st.info(
        "There is no model yet. [Train](/train) one: after its first epoch it can be used here. Or bring one in, above."
    )
    st.stop()
with left:
    views, tile = options()
with right:
    brought = input_view.show(model)
items = {item.name: item for item in brought.items}
if not items:
    st.info("Bring an image, or take an example, to see its mask.", icon=":material/add_photo_alternate:")
    st.stop()
adjust = st.session_state.get("adjust", Adjust())
if adjust:
    with st.container(horizontal=True, vertical_alignment="center"):
        st.badge(f"predicted with the picture {adjust.words}", icon=":material/auto_fix_high:", color="orange")
        st.button("Undo", key="undo_adjust", type="tertiary", on_click=troubleshooting.undo)
job = job_for(model, items, views, tile, adjust)
now = job.poll()
if not now.over:
    st.fragment(follow, run_every=0.5)(job, bool(job.names_done))
for message in filter(None, (job.error,)):
    widgets.show_error(message)
if job.warning:
    widgets.show_warning(job.warning)
for message in list(job.errors.values())[: input_view.MOST_TOLD]:
    widgets.show_error(message)
if len(job.errors) > input_view.MOST_TOLD:
    widgets.show_error(f"{len(job.errors)} of {len(items)} images could not be predicted; the others are below.")
if now.state == "cancelled":
    st.warning(f"Cancelled; {len(job.names_done)} of {len(items)} images are done.", icon=":material/cancel:")
    st.button("Predict the rest", key="again", icon=":material/refresh:", on_click=again)
if job.names_done:
    try:
        config = model_registry.predictor(model)[0].model.config
    except UnetError as error:
        widgets.show_error(error)
        st.stop()
    result.show(result.Work(items, job, model, config, adjust))
