"""What the address says beside the values of widgets: what a link names, and addresses of older releases.

Users may have saved old addresses as links; they are read as what they mean now.
"""

import contextlib
from urllib.parse import quote

import streamlit as st
from streamlit.errors import StreamlitAPIException

from pages.server import paths
from pages.ui import dataset_picker
from unet_core.config.fields import RENAMED
from unet_core.config.schema import all_fields
from unet_core.errors import ConfigError

SPLITS = {  # how the address names the images of Evaluate, and the value of the menu
    "Held-out (not trained on)": "held-out",
    "All": "all",
    "Training": "train",
    "Validation": "val",
    "Test": "test",
    "Another dataset (not trained on)": "other",
    "Another dataset (all images)": "other-all",
}
VALUES = {  # by parameter: a value of an older release and its name now
    "split": {value: label for label, value in SPLITS.items()}
    | {
        "held back from training": "Held-out (not trained on)",
        "trained on": "Training",
        "validation": "Validation",
    },
    "view": {
        "Before start": "Check",
        "Pre-flight check": "Check",
        "The net": "Model",
        "Architecture": "Model",
        "Augmented crops": "Augmentation",
        "All runs": "Runs",
    },
    "sort": {f"Lowest {name} first": f"Sort by {name}" for name in ("Dice", "IoU")}
    | {f"Lowest {name} first": f"Sort by {name.capitalize()}" for name in ("precision", "recall")}
    | {"By image name": "Sort by name"},
    "recipe": {"Apply those of the Data page": "auto", "Apply none": "none"},
}
FOLDERS = ("Local folder", "Folder on this machine")  # as `source`: the dataset is the folder named by `root`


EXAMPLE, OF_DATASET = "example", "of"  # of Predict: an image of the run's dataset, or of the dataset of that name
MODEL = "model"  # by which a link names a run or model; the address of the open page then has it as `run`


def link(page: str, **params: str) -> str:
    """The address of a page with these parameters, for a link that the browser opens itself.

    >>> link("predict", model="20261101-cells", example="a b/c&d")
    '/predict?model=20261101-cells&example=a%20b%2Fc%26d'
    """
    base = (st.get_option("server.baseUrlPath") or "").strip("/")
    query = "&".join(f"{name}={quote(value, safe='', errors='surrogateescape')}" for name, value in params.items())
    return f"{'/' * bool(base)}{base}/{page}" + (f"?{query}" if query else "")


def update() -> None:
    """Rewrite the address before any widget reads it; an up-to-date one is left unchanged."""
    # At a change of page Streamlit drops parameters of the other page's widgets: `run` itself would be lost in a link.
    if MODEL in st.query_params:
        _set("run", st.query_params[MODEL])
        del st.query_params[MODEL]
    options = {option.name: option for option in all_fields()}
    for old, new in RENAMED.items():
        if old in st.query_params:
            value = st.query_params[old]
            del st.query_params[old]
            if new not in st.query_params:
                try:
                    _set(new, options[new].checked(value))
                except ConfigError:  # an invalid value is ignored, as Streamlit does for a widget's current name
                    continue
    _choose_dataset()
    for name, renamed in VALUES.items():
        if st.query_params.get(name) in renamed:
            _set(name, renamed[st.query_params[name]])


def _choose_dataset() -> None:
    """The dataset that an address of release 0.3 or older names by `source` and `root`; now it has a name."""
    source, root = (st.query_params.pop(name, "") for name in ("source", "root"))
    if source in FOLDERS and root.strip():
        if paths.data_root() is None:
            dataset_picker.refuse_path()
        else:
            dataset_picker.select_path(root)
    elif source == dataset_picker.SAMPLE:
        dataset_picker.select(dataset_picker.SAMPLE)


def _set(name: str, value: str) -> None:
    """In the address and for its widget, which would read only the address that the browser has opened."""
    with contextlib.suppress(StreamlitAPIException):  # its widget exists already and puts the value there itself
        st.query_params[name] = value
    st.session_state[name] = SPLITS[value] if name == "split" else value
