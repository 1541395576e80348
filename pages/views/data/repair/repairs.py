"""The repairs and settings that are recorded for a dataset: each with its undo; export, import, and the report."""

from dataclasses import replace
from pathlib import Path

import streamlit as st

from pages.ui import widgets
from pages.ui.formatting import plain
from pages.views.data import state
from pages.views.data.state import Dataset
from unet_core.config.schema import DataConfig, RunConfig
from unet_core.data.recipe import kinds, recipes
from unet_core.data.recipe.recipe import FILE, Recipe, Value
from unet_core.data.report.page import make_report
from unet_core.errors import DataError, UnetError
from unet_core.io.filenames import readable, safe_stem

MOST_BYTES = 20_000_000  # of a recipe to import
UPLOAD = "import_recipe"


def show(dataset: Dataset) -> None:
    """What is applied now, and the files."""
    with st.container(border=True):
        show_applied(dataset.root, dataset.recipe)
    with st.container(border=True):
        show_files(dataset)


def show_applied(root: Path, recipe: Recipe) -> None:
    """Each repair and setting in words, with its undo."""
    count = len(recipe.repairs) + len(recipe.settings)
    st.markdown(f"**Applied repairs and settings ({count})**")
    if not count:
        st.caption("None. The files are read as they are.")
    for number, repair in enumerate(recipe.repairs):
        _line(
            kinds.describe(repair) if repair.kind in kinds.REPAIRS else repair.kind,
            f"undo repair {number}",
            root,
            lambda current, repair=repair: current.without(repair),
        )
    for name, value in recipe.settings:
        _line(
            describe_setting((name, value)),
            f"undo setting {name}",
            root,
            lambda current, name=name: current.without_setting(name),
        )
    with st.container(horizontal=True):
        st.button(
            "Undo last change",
            key="undo_last",
            icon=":material/undo:",
            disabled=not state.can_undo(root),
            on_click=state.undo,
            args=(root,),
        )
        if count:
            st.button(
                "Undo all",
                key="undo_all",
                icon=":material/restart_alt:",
                on_click=state.change,
                args=(root, lambda current: replace(current, repairs=(), settings=())),
                help="Removes all repairs and settings, also the names of classes. The files stay as they are.",
            )


def _line(text: str, key: str, root: Path, edit) -> None:  # type: ignore[no-untyped-def]
    words, button = st.columns([5, 1], vertical_alignment="center", wrap=False)
    words.markdown(f"- {plain(readable(text))}")
    button.button(
        "Undo", key=key, type="tertiary", on_click=state.change, args=(root, edit), help=f"Undo: {plain(text)}"
    )


def describe_setting(setting: tuple[str, Value]) -> str:
    """A setting in words.

    >>> describe_setting(("val_fraction", 0.3))
    'Validation fraction: 0.3'
    """
    name, value = setting
    label = widgets.label_of(name) if name in widgets.LABELS else name
    return f"{label}: {', '.join(value) if isinstance(value, tuple) else value}"


def show_files(dataset: Dataset) -> None:
    """Download and upload of the recipe, download of the report."""
    st.markdown("**Recipe and report**")
    with st.container(horizontal=True):
        st.download_button(
            f"Export {FILE}",
            dataset.recipe.to_json(),
            FILE,
            "application/json",
            key="export_recipe",
            icon=":material/download:",
            on_click="ignore",
        )
        if dataset.is_measured:
            st.download_button(
                "Data report (HTML)",
                lambda: make_report(DataConfig(root=str(dataset.root)), dataset.scan),
                f"{safe_stem(dataset.root.name)}-report.html",
                "text/html",
                key="data_report",
                icon=":material/description:",
                on_click="ignore",
                help="One file with all numbers, findings and examples, to keep or to send.",
            )
    with st.expander("Import a recipe", icon=":material/upload:"):
        file = st.file_uploader("Recipe", type="json", key=UPLOAD, label_visibility="collapsed")
        if file is not None:
            show_import(dataset.root, file.getvalue())


def show_import(root: Path, content: bytes) -> None:
    """What an uploaded recipe would do, and the button that takes it."""
    try:
        recipe = read(content)
    except UnetError as error:
        widgets.show_error(error)
        return
    st.caption(f"{len(recipe.repairs)} repairs and {len(recipe.settings)} settings. They replace those above.")
    st.button(
        "Use this recipe",
        key="use_recipe",
        type="primary",
        icon=":material/input:",
        on_click=state.change,
        args=(root, lambda current: replace(recipe, name=current.name)),
    )


def read(content: bytes) -> Recipe:
    """A recipe from a file. Raises DataError where it is damaged, or holds what does not exist."""
    if len(content) > MOST_BYTES:
        raise DataError(f"The recipe is {len(content) / 1e6:.0f} MB; at most {MOST_BYTES / 1e6:.0f} MB are read.")
    try:
        recipe = Recipe.from_json(content.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise DataError(f"The recipe is not a UTF-8 text file. Choose a {FILE}.") from error
    kinds.check(recipe)
    recipes.configure(RunConfig(), recipe)
    return recipe
