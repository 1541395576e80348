"""What a visitor brings to Predict: files, a folder, a ZIP, the camera, or an example; kept while the page is left."""

from pathlib import Path

import streamlit as st

from pages.server import model_registry
from pages.server.paths import sample_data
from pages.ui import widgets
from pages.ui.formatting import plain
from unet_core.data import discovery
from unet_core.data.layouts import Sample
from unet_core.errors import UnetError
from unet_core.inference import inputs
from unet_core.io import images
from unet_core.io.pixels import Array, for_display
from unet_core.runs import run as runs

FILES, FOLDER, CAMERA, EXAMPLES = "Files or ZIP", "Folder", "Camera", "Examples"
MOST_EXAMPLES = 6
THUMBNAIL = 160  # pixels
EXAMPLE_WIDTH = 84  # of the screen, so that six fit beside each other
MOST_TOLD = 5  # problems that are listed one by one


@st.cache_data(max_entries=16, ttl=60, show_spinner=False)
def examples(run_id: str, folder: str) -> list[Sample]:
    """Some images that the run was not trained on; without a run, or where its data are gone, of the built-in set."""
    if run_id:
        try:
            run = runs.Run(Path(folder))
            parts, found = run.split(), discovery.find(Path(run.config.data.root), run.config.data.layout)
            held_back = set(parts["val"]) | set(parts["test"])
            if mine := [sample for sample in found if sample.id in held_back]:
                return mine[:: max(1, len(mine) // MOST_EXAMPLES)][:MOST_EXAMPLES]
        except UnetError:
            pass
    return discovery.find(sample_data(), "auto")[:MOST_EXAMPLES]


@st.cache_data(max_entries=64, show_spinner=False)
def thumbnail(path: str, page: int | None) -> Array:
    """The middle square of a picture, small."""
    image = images.read(Path(path), page)
    side = min(image.shape[:2])
    top, left = ((length - side) // 2 for length in image.shape[:2])
    small = for_display(image[top : top + side, left : left + side])[:: max(1, side // THUMBNAIL)]
    return small[:, :: max(1, side // THUMBNAIL)].squeeze()


def show(model: model_registry.Model) -> inputs.Inputs:
    """The ways in, what is wrong with what was brought, and all that is there to predict."""
    way = st.segmented_control(
        "Images", [FILES, FOLDER, CAMERA, EXAMPLES], default=FILES, key="way", required=True, bind="query-params"
    )
    generation = st.session_state.setdefault("intake_number", 0)  # a new key empties an uploader
    if way == FILES:
        endings = [ending.removeprefix(".") for ending in (*images.EXTENSIONS, ".zip")]
        files = st.file_uploader(
            "One image or many, stacks, or a ZIP of them",
            type=endings,
            accept_multiple_files=True,
            key=f"uploads-{generation}",
        )
        take(files, "files")
    elif way == FOLDER:
        files = st.file_uploader(
            "A folder with all that is in it", accept_multiple_files="directory", key=f"folder-{generation}"
        )
        take(files, "folder")
    elif way == CAMERA:
        photo = st.camera_input("A photo", key=f"camera-{generation}")
        take([photo] if photo else [], "camera")
    else:
        strip(model)
    brought: inputs.Inputs = st.session_state.get("brought") or inputs.Inputs()
    if brought.items or brought.problems:
        with st.container(horizontal=True, vertical_alignment="center"):
            number = len(brought.items)
            st.caption(f"**{number} image{'s' if number != 1 else ''}** to predict")
            st.button("Clear", key="clear", icon=":material/close:", type="tertiary", on_click=clear)
    for note in brought.notes:
        st.caption(plain(note))
    for problem in brought.problems[:MOST_TOLD]:
        widgets.show_error(problem)
    if len(brought.problems) > MOST_TOLD:
        with st.expander(f"{len(brought.problems) - MOST_TOLD} more problems"):
            st.markdown("\n".join(f"- {plain(problem)}" for problem in brought.problems[MOST_TOLD:]))
    return brought


def take(files: list | None, way: str) -> None:
    """Keep uploads in the session, read anew only when they change: the uploader forgets them when the page is left."""
    if not files:
        return
    ids = (way, *(file.file_id for file in files))
    if st.session_state.get("brought_ids") != ids:
        keep(inputs.gather([(file.name, file.getvalue()) for file in files]), ids)


def keep(found: inputs.Inputs, ids: tuple[str, ...]) -> None:
    """New pictures: what was tried on others is forgotten."""
    st.session_state.update(brought=found, brought_ids=ids)
    st.session_state.pop("adjust", None)


def clear() -> None:
    """Called by the button."""
    st.session_state["intake_number"] = st.session_state.get("intake_number", 0) + 1
    for name in ("brought", "brought_ids", "adjust"):
        st.session_state.pop(name, None)


def use_example(chosen: list[Sample]) -> None:
    """Called by the buttons under the examples."""
    keep(inputs.from_samples(chosen), ("example", *(sample.id for sample in chosen)))


def strip(model: model_registry.Model) -> None:
    """Small pictures, each with its button."""
    found = examples(model.run.id if model.run else "", str(model.run.folder) if model.run else "")
    whose = "Images that this model was not trained on" if model.run else "Images of the built-in set"
    st.caption(f"{whose}; a click predicts one.")
    row = st.container(horizontal=True, gap="small")  # it wraps on a narrow screen
    for number, sample in enumerate(found, 1):
        with row.container(width=EXAMPLE_WIDTH, gap="small"):
            try:
                st.image(thumbnail(str(sample.image), sample.page), width="stretch", alt=f"Example {number}")
            except UnetError as error:
                st.caption(plain(str(error)))
                continue
            st.button(
                f"{number}",
                key=f"example-{number}",
                help=f"Predict {plain(sample.id)}",
                width="stretch",
                on_click=use_example,
                args=([sample],),
            )
    st.button(
        f"All {len(found)}", key="examples-all", icon=":material/select_all:", on_click=use_example, args=(found,)
    )
