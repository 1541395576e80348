"""How Predict is laid out: a bar, a side column that folds away, and the view. See `.st-key-predict` in style.css."""

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from pages.server import model_registry
from pages.server.background_job import JobProgress
from pages.ui.formatting import plain
from pages.views.predict import inputs, uploads

FOLDED = "<style>[data-testid=stLayoutWrapper]:has(> .st-key-side) { display: none; }</style>"
IMAGES = ".st-key-side :is([class*=st-key-uploads-], [class*=st-key-folder-])"  # not the field for weights
# Without a result the ways in are the main thing: a large place to drop images.
EMPTY = f"""<style>
.st-key-workspace {{ grid-template-columns: minmax(0, 3fr) minmax(0, 2fr); }}
{IMAGES} [data-testid=stFileUploaderDropzone] {{
  flex-direction: column; align-items: center; justify-content: center; gap: 0.75rem;
  border: 2px dashed light-dark(#8a93a4, #7c8798); text-align: center;
}}
{IMAGES} [data-testid=stFileUploaderDropzone]::before {{ content: "Drop images here"; font-weight: 600; }}
{IMAGES} [data-testid=stFileUploaderDropzoneInstructions] {{ flex: none; }}
@media (min-width: 901px) {{ {IMAGES} [data-testid=stFileUploaderDropzone] {{ min-height: 14rem; }} }}
</style>"""
OPEN = "<style>.st-key-workspace { grid-template-columns: 21rem minmax(0, 1fr); }</style>"


def make() -> tuple[DeltaGenerator, DeltaGenerator, DeltaGenerator]:
    """The title, and the places of the bar's buttons, of the side column and of the view."""
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="predict_bar"):
        st.title("Predict", anchor=False, width="content")
        bar = st.container(horizontal=True, vertical_alignment="center", gap="small", key="predict_buttons")
    workspace = st.container(key="workspace")
    return bar, workspace.container(key="side"), workspace.container(key="view")


def show_side(bar: DeltaGenerator, has_result: bool, summary: str = "") -> None:
    """Fold the side column or not, with the button that changes it. Without a result there is nothing else to do.

    Folded widgets stay on the page, so that they keep their values.
    """
    chosen = st.session_state.get("side")
    is_open = not has_result or (False if chosen is None else chosen)
    with bar:
        st.caption(plain(summary), width="stretch")
        if has_result:
            st.button(
                "Hide settings" if is_open else "Images and settings",
                key="toggle_side",
                icon=":material/left_panel_close:" if is_open else ":material/left_panel_open:",
                on_click=st.session_state.update,
                kwargs={"side": not is_open},
            )
        st.html((OPEN if is_open else FOLDED) if has_result else EMPTY)


def summarize(done: int, progress: JobProgress, problems: int) -> str:
    """How many images there are, and how many cannot be read."""
    failed = progress.images - done + problems
    number = progress.of_images - (progress.images - done)
    words = f"{number} image{'s' if number != 1 else ''}"
    return words + (f", {failed} that cannot be predicted" if failed else "")


def ask_for_model(any_model: bool) -> None:
    """What to do without a model."""
    if any_model:
        return  # the address names one that is gone, which the menu says
    st.info("There is no model yet. Train one, usable after its first epoch, or add one from elsewhere.")
    if st.button("Train a model", key="to_train", type="primary", icon=":material/model_training:"):
        st.switch_page("train.py")


def ask_for_images(model: model_registry.Model) -> None:
    """What to do without images."""
    st.info("Upload an image or pick an example to see its mask.", icon=":material/add_photo_alternate:")
    samples = inputs.list_examples(model)
    if samples:
        st.button(
            f"Try {len(samples)} example images" if len(samples) > 1 else "Try an example image",
            key="try_examples",
            type="primary",
            icon=":material/play_arrow:",
            on_click=uploads.keep_examples,
            args=(samples, uploads.ALL),
        )
