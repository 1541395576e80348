"""The input images of Predict: files, a folder, a ZIP, the camera, or examples; they stay while the page is left."""

from collections.abc import Sequence
from pathlib import Path

import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

from pages.server import model_registry
from pages.server.paths import sample_data
from pages.ui.formatting import plain
from pages.ui.messages import show_messages
from unet_core.data import discovery, reading
from unet_core.data.layouts import Sample
from unet_core.errors import UnetError
from unet_core.inference import channel_files, inputs
from unet_core.io.filenames import EXTENSIONS
from unet_core.io.pixels import Array, for_display
from unet_core.models.weight_file import config_from
from unet_core.runs import run as runs

FILES, FOLDER, CAMERA, EXAMPLES = "Files or ZIP", "Folder", "Camera", "Examples"
MOST_EXAMPLES = 6
THUMBNAIL = 160  # pixels
EXAMPLE_WIDTH = 84  # of the screen, so that six fit beside each other


@st.cache_data(max_entries=16, ttl=60, show_spinner=False)
def find_examples(run_id: str, folder: str) -> list[Sample]:
    """Some images that the run was not trained on; without a run, or where its data are gone, of the built-in set."""
    if run_id:
        try:
            run = runs.Run(Path(folder))
            parts, data = run.split(), run.data
            samples = discovery.search_data(data).samples
            held_out = set(parts["val"]) | set(parts["test"])
            if unseen := [sample for sample in samples if sample.id in held_out]:
                return unseen[:: max(1, len(unseen) // MOST_EXAMPLES)][:MOST_EXAMPLES]
        except UnetError:
            pass
    return discovery.find(sample_data(), "auto")[:MOST_EXAMPLES]


@st.cache_data(max_entries=64, show_spinner=False)
def make_thumbnail(sample: Sample) -> Array:
    """The middle square of an image, small."""
    image = reading.read_image(sample)
    side = min(image.shape[:2])
    top, left = ((length - side) // 2 for length in image.shape[:2])
    small = for_display(image[top : top + side, left : left + side])[:: max(1, side // THUMBNAIL)]
    return small[:, :: max(1, side // THUMBNAIL)].squeeze()


def show(model: model_registry.Model) -> inputs.Inputs:
    """The ways to add images, what is wrong with those that were added, and all that can be predicted."""
    way = st.segmented_control(
        "Images", [FILES, FOLDER, CAMERA, EXAMPLES], default=FILES, key="way", required=True, bind="query-params"
    )
    generation = st.session_state.setdefault("intake_number", 0)  # a new key empties an uploader
    if way == FILES:
        endings = [ending.removeprefix(".") for ending in (*EXTENSIONS, ".zip")]
        files = st.file_uploader(
            "Images, multi-page TIFFs, or a ZIP of them",
            type=endings,
            accept_multiple_files=True,
            key=f"uploads-{generation}",
        )
        take(files, "files")
    elif way == FOLDER:
        files = st.file_uploader(
            "A folder, subfolders included", accept_multiple_files="directory", key=f"folder-{generation}"
        )
        take(files, "folder")
    elif way == CAMERA:
        photo = st.camera_input("Take a photo", key=f"camera-{generation}")
        take([photo] if photo else [], "camera")
    else:
        show_examples(model)
    uploaded = join_channels(model, st.session_state.get("brought") or inputs.Inputs())
    if uploaded.items or uploaded.problems:
        with st.container(horizontal=True, vertical_alignment="center"):
            number = len(uploaded.items)
            st.caption(f"**{number} image{'s' if number != 1 else ''}**")
            st.button("Clear", key="clear", icon=":material/close:", type="tertiary", on_click=clear)
    for note in uploaded.notes:
        st.caption(plain(note))
    show_messages(uploaded.problems, "problems")
    return uploaded


def join_channels(model: model_registry.Model, uploaded: inputs.Inputs) -> inputs.Inputs:
    """The uploads, with files that hold a channel each put together where the model takes so many."""
    if not channel_files.are_possible(uploaded.items):
        return uploaded
    request = (st.session_state.get("brought_ids"), model.name, model_registry.read_digest(model))
    if st.session_state.get("joined_for") != request:
        path = model.folder / "config.json"
        try:
            config = config_from(path.read_bytes(), str(path))
        except (OSError, UnetError):  # said where the model is loaded
            return uploaded
        st.session_state.update(joined=channel_files.join(uploaded, config), joined_for=request)
    joined: inputs.Inputs = st.session_state["joined"]
    return joined


def take(files: Sequence[UploadedFile] | None, way: str) -> None:
    """Keep uploads in the session, read again only when they change: the uploader forgets them on another page."""
    if not files:
        return
    ids = (way, *(file.file_id for file in files))
    if st.session_state.get("brought_ids") != ids:
        keep(inputs.gather([(file.name, file.getvalue()) for file in files]), ids)


def keep(uploaded: inputs.Inputs, ids: tuple[str, ...]) -> None:
    """New images: what was tried on others is forgotten."""
    st.session_state.update(brought=uploaded, brought_ids=ids)
    st.session_state.pop("adjust", None)


def clear() -> None:
    """Called by the button."""
    st.session_state["intake_number"] = st.session_state.get("intake_number", 0) + 1
    for name in ("brought", "brought_ids", "adjust"):
        st.session_state.pop(name, None)


def use_examples(samples: list[Sample]) -> None:
    """Called by the buttons under the examples."""
    keep(inputs.from_samples(samples), ("example", *(sample.id for sample in samples)))


def show_examples(model: model_registry.Model) -> None:
    """Thumbnails, each with its button."""
    samples = find_examples(model.run.id if model.run else "", str(model.run.folder) if model.run else "")
    source = "Images that this model was not trained on" if model.run else "Images of the built-in dataset"
    st.caption(f"{source}. Choose one to predict it.")
    row = st.container(horizontal=True, gap="small")  # it wraps on a narrow screen
    for number, sample in enumerate(samples, 1):
        with row.container(width=EXAMPLE_WIDTH, gap="small"):
            try:
                st.image(make_thumbnail(sample), width="stretch", alt=f"Example {number}")
            except UnetError as error:
                st.caption(plain(str(error)))
                continue
            st.button(
                f"{number}",
                key=f"example-{number}",
                help=f"Predict {plain(sample.id)}",
                width="stretch",
                on_click=use_examples,
                args=([sample],),
            )
    st.button(
        f"Use all {len(samples)}",
        key="examples-all",
        icon=":material/select_all:",
        on_click=use_examples,
        args=(samples,),
    )
