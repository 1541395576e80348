"""Upload images, see their masks under sliders, take them home."""

import hashlib
import io
import zipfile
from pathlib import Path

import streamlit as st

from pages import models, widgets
from pages.text import plain
from unet_core import images, overlay, runs, samples
from unet_core.errors import UnetError

LARGEST_SHOWN = 1600  # pixels; a larger picture is shown reduced
EXAMPLES = 6


@st.cache_data(max_entries=64, show_spinner=False)
def decode(data: bytes, name: str, page: int | None) -> images.Pixels:
    return images.decode(data, name, page)


def examples_of(run: runs.Run) -> list[samples.Sample]:
    """Some images of the run's data that it was not trained on."""
    try:
        parts, found = run.split(), samples.find(Path(run.config.data.root), run.config.data.layout)
    except UnetError:
        return []
    held_back = set(parts["val"]) | set(parts["test"])
    return [sample for sample in found if sample.id in held_back][:EXAMPLES]


def inputs(run: runs.Run | None) -> dict[str, tuple[bytes, int | None]]:
    """The files to predict and the page that is meant, by name: uploads (None: every page), or an example."""
    uploads = st.file_uploader(
        "Images",
        type=[ending.removeprefix(".") for ending in images.EXTENSIONS],
        accept_multiple_files=True,
        key="uploads",
    )
    if uploads:
        return {file.name: (file.getvalue(), None) for file in uploads}
    examples = {
        sample.id if sample.page is not None else sample.image.name: sample
        for sample in (examples_of(run) if run else [])
    }
    if examples:
        chosen = st.selectbox(
            "or an image that the run was not trained on",
            list(examples),
            index=None,
            key="example",
            placeholder="choose an example",
        )
        if chosen:
            try:
                return {chosen: (examples[chosen].image.read_bytes(), examples[chosen].page)}
            except OSError as error:
                widgets.show_error(f"{examples[chosen].image}: cannot be read ({error.strerror}).")
    return {}


def predict(
    model: models.Model, files: dict[str, tuple[bytes, int | None]]
) -> dict[str, tuple[images.Pixels, images.Array]]:
    """{name: (image, answer)}, of a stack each page; a file that is no picture is named, the others are done."""
    predictor, warning, version = models.predictor(model)
    if warning:
        widgets.show_warning(warning)
    done = {}
    bar = st.progress(0.0, "Predicting…") if len(files) > 1 else None
    for number, (name, (data, wanted)) in enumerate(files.items(), 1):
        try:
            key, pages = hashlib.sha256(data).hexdigest(), [(name, wanted)]
            if wanted is None and (several := images.count(io.BytesIO(data), name)) > 1:
                pages = [
                    (label + Path(name).suffix, page) for label, page in images.page_names(Path(name).stem, several)
                ]
            for label, page in pages:
                image = decode(data, name, page)
                done[label] = image, models.answer(predictor, version, image, f"{key} {page}")
        except UnetError as error:
            widgets.show_error(error)
        if bar is not None:
            bar.progress(number / len(files), f"{number} of {len(files)} images")
    if bar is not None:
        bar.empty()
    return done


@st.fragment
def view(done: dict[str, tuple[images.Pixels, images.Array]], num_classes: int, threshold: float) -> None:
    """One image under the sliders; only this part runs again when one is moved."""
    controls, picture = st.columns([1, 3], gap="large")
    with controls:
        name = st.selectbox("Image", list(done), key="shown") if len(done) > 1 else next(iter(done))
        opacity = st.slider("Opacity", 0.0, 1.0, 0.5, 0.05, key="opacity", persist_state="session")
        if num_classes == 1:
            threshold = st.slider(
                "Threshold",
                0.0,
                1.0,
                threshold,
                0.01,
                key="threshold",
                persist_state="session",
                help="A pixel is foreground where its probability is above this.",
            )
        outline = st.toggle("Outline only", key="outline", persist_state="session")
        beside = st.toggle("Image beside it", value=True, key="beside", persist_state="session")
    image, answer = done[name]
    mask = models.mask_of(answer, num_classes, threshold)
    drawn = overlay.draw(image, mask, num_classes, opacity, outline)
    with picture:
        places = st.columns(2) if beside else [st.container()]
        if beside:
            places[0].image(
                shown(image), caption=plain(name), width="stretch", output_format="JPEG", alt=f"Image {name}"
            )
        caption = f"{mask.astype(bool).mean():.1%} foreground" if num_classes == 1 else f"{num_classes} classes"
        places[-1].image(
            shown(drawn), caption=caption, width="stretch", output_format="JPEG", alt=f"Mask over {name}, {caption}"
        )
        st.caption(f"{image.shape[1]} x {image.shape[0]} pixels")
    with controls:
        st.download_button(
            "Mask (PNG)",
            mask_png(mask, num_classes),
            f"{Path(name).stem}.png",
            "image/png",
            key="mask_png",
            icon=":material/download:",
            width="stretch",
            on_click="ignore",
        )
        if len(done) > 1:
            st.download_button(
                f"All {len(done)} masks (ZIP)",
                lambda: all_masks(done, num_classes, threshold),
                "masks.zip",
                "application/zip",
                key="masks_zip",
                icon=":material/folder_zip:",
                width="stretch",
                on_click="ignore",
            )


def shown(image: images.Pixels) -> images.Array:
    """The picture in a size and in levels that a page can show."""
    step = -(-max(image.shape) // LARGEST_SHOWN)
    small = images.for_display(image[::step, ::step])
    return small[:, :, 0] if small.shape[2] == 1 else small


def mask_png(mask: images.Array, num_classes: int) -> bytes:
    return images.encode_png(mask * 255 if num_classes == 1 else mask)


def all_masks(done: dict[str, tuple[images.Pixels, images.Array]], num_classes: int, threshold: float) -> bytes:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        for name, (_, answer) in done.items():
            mask = models.mask_of(answer, num_classes, threshold)
            file.writestr(f"{Path(name).stem}.png", mask_png(mask, num_classes))
    return archive.getvalue()


def bring_in() -> None:
    """A file of weights from elsewhere becomes a model of this app."""
    with st.expander("Bring in weights"):
        file = st.file_uploader(
            "A .pth file of milesial/Pytorch-UNet (its Carvana checkpoints and their kin)",
            type=["pth", "pt"],
            key="weights",
        )
        if file is not None and st.button("Add as a model", key="add_model", icon=":material/add:"):
            try:
                models.bring_in(file.getvalue(), file.name)
                st.rerun()
            except UnetError as error:
                widgets.show_error(error)


st.title("Predict")
found = models.find()
left, right = st.columns(2, gap="large")
with left:
    model = models.choose(found) if found else None
    bring_in()
if model is None:
    st.info("There is no trained model yet. [Train](/train) one first; after its first epoch it can be used here.")
    st.stop()
with right:
    files = inputs(model.run)
if not files:
    st.info("Upload one image or many to see their masks.", icon=":material/add_photo_alternate:")
    st.stop()
try:
    done = predict(model, files)
    config = models.predictor(model)[0].model.config
except UnetError as error:
    widgets.show_error(error)
    st.stop()
if done:
    view(done, config.num_classes, config.threshold)
