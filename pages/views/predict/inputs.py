"""The ways to add images to Predict: files, a folder, a ZIP, the camera, or examples."""

from pathlib import Path

import streamlit as st

from pages.server import model_registry, scoring_job
from pages.server.paths import is_public, library, sample_data
from pages.server.security.limits import read_limits
from pages.ui import addresses, undo
from pages.ui.dataset_picker import SAMPLE
from pages.ui.formatting import plain
from pages.views.predict import address, uploads
from pages.views.predict.thumbnails import make_thumbnail
from unet_core.data import discovery
from unet_core.data.layouts import Sample
from unet_core.errors import UnetError
from unet_core.inference import channel_files, inputs
from unet_core.io.filenames import EXTENSIONS, readable
from unet_core.models.weight_file import config_from
from unet_core.runs import run as runs

FILES, FOLDER, CAMERA, EXAMPLES = "Files or ZIP", "Folder", "Camera", "Examples"
MOST_EXAMPLES = 6
EXAMPLE_WIDTH = 84  # screen pixels, so that three fit beside each other


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


def show(model: model_registry.Model) -> inputs.Inputs:
    """The ways to add images; gives all that can be predicted, and what is wrong with the others."""
    way = st.segmented_control(
        "Images", [FILES, FOLDER, CAMERA, EXAMPLES], default=FILES, key="way", required=True, bind="query-params"
    )
    generation = st.session_state.setdefault("intake_number", 0)  # a new key empties an uploader
    most = read_limits().max_file_mb if is_public() else None
    if way == FILES:
        endings = [ending.removeprefix(".") for ending in (*EXTENSIONS, ".zip")]
        files = st.file_uploader(
            "Images, multi-page TIFFs, or a ZIP of them",
            type=endings,
            accept_multiple_files=True,
            key=f"uploads-{generation}",
            max_upload_size=most,
        )
    elif way == FOLDER:
        files = st.file_uploader(
            "A folder, subfolders included",
            accept_multiple_files="directory",
            key=f"folder-{generation}",
            max_upload_size=most,
        )
    elif way == CAMERA:
        photo = st.camera_input("Take a photo", key=f"camera-{generation}")
        files = [photo] if photo else []
    else:
        files = []
        show_examples(model)
    if files:
        uploads.add(files)
    restore_examples(model)
    with st.container():  # it has its place also where it is empty
        undo.show(uploads.CLEARED, "Uploads stay on the server for 24 hours at most.", most=1)
    found = join_channels(model, st.session_state.get("brought") or inputs.Inputs())
    wanted = uploads.without_removed(found)
    if found.items or found.problems:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.button("Clear", key="clear", icon=":material/close:", type="tertiary", on_click=uploads.clear)
            if number := len(found.items) - len(wanted.items):
                st.caption(f"{number} removed")
                st.button("Undo", key="undo_remove", type="tertiary", on_click=uploads.set_removed, args=([],))
    return wanted


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


def list_examples(model: model_registry.Model) -> list[Sample]:
    """Some images for this model."""
    return find_examples(model.run.id if model.run else "", str(model.run.folder) if model.run else "")


@st.cache_data(max_entries=8, ttl=60, show_spinner="Looking for the image…")
def find_samples(run_id: str, folder: str, root: str) -> dict[str, Sample]:
    """The images of a run's dataset by their ids, or of the dataset in `root`, as Evaluate scores them."""
    run = runs.Run(Path(folder)) if run_id else None
    return scoring_job.find_samples(run, Path(root) if root else None)


def restore_examples(model: model_registry.Model) -> None:
    """Those that the address names, after a reload or by a link: some of `list_examples`, or one of Evaluate's images.

    An image is looked up by its id among those of the dataset; no part of the address becomes a path.
    """
    asked = (st.query_params.get(addresses.EXAMPLE, ""), st.query_params.get(addresses.OF_DATASET, ""))
    if not asked[0] or ("brought" in st.session_state and st.session_state.get("example_shown") == asked):
        return
    named, dataset = asked
    samples = [] if dataset else list_examples(model)
    chosen = samples if named == uploads.ALL else [sample for sample in samples if sample.id == named]
    problem = ""
    if not chosen:
        try:
            sample = find_sample(model, named, dataset)
            chosen = [sample] if sample else []
        except UnetError as error:
            problem = f" {error}"
    if not chosen:
        where = f"the dataset {readable(dataset)}" if dataset else f"the dataset of {model.name}"
        problem = f"The image {readable(named)} of this address is not in {where}.{problem} Choose another image."
        st.session_state["upload_problem"] = problem
        address.write({addresses.EXAMPLE: None, addresses.OF_DATASET: None})
        return
    adjust = st.session_state.get("adjust")
    uploads.keep_examples(chosen, named, dataset)
    if adjust:
        st.session_state["adjust"] = adjust


def find_sample(model: model_registry.Model, name: str, dataset: str) -> Sample | None:
    """An image of the run's dataset by its id, or of the dataset of that name. Raises DataError, RunError."""
    root = ""
    if dataset:
        root = str(sample_data() if dataset == SAMPLE else library().find(dataset).root)
    if model.run is None:
        return find_samples("", "", root).get(name) if root else None
    return find_samples(model.run.id, str(model.run.folder), root).get(name)


def show_examples(model: model_registry.Model) -> None:
    """Thumbnails, each with its button."""
    samples = list_examples(model)
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
                on_click=uploads.keep_examples,
                args=([sample], sample.id),
            )
    st.button(
        f"Use all {len(samples)}",
        key="examples-all",
        icon=":material/select_all:",
        on_click=uploads.keep_examples,
        args=(samples, uploads.ALL),
    )
