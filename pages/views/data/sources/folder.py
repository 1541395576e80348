"""A folder on this machine, chosen in a browser of folders or by its path; its files are read where they are."""

from pathlib import Path

import streamlit as st

from pages.server import paths
from pages.ui import widgets
from pages.ui.formatting import plain
from pages.views.data.sources.added import Added
from unet_core.data.library import folders
from unet_core.errors import UnetError
from unet_core.io.filenames import is_image_name, readable

HERE = "browsed_folder"  # in the session: the folder whose content is shown
PATH = "folder_path"  # of the box
ERROR = "folder_error"  # in the session: why a typed path cannot be opened; stays until another is
ROW_HEIGHT, LIST_HEIGHT = 40, 290  # pixels of the screen
MOST_SHOWN = 200  # folders
MOST_PARTS = 6  # of the way to the folder


def show() -> Added | None:
    """The browser; the dataset once its folder is chosen."""
    data_root = paths.data_root()
    if data_root is None:
        return None
    here = _current(data_root)
    st.text_input(
        "Path",
        key=PATH,
        on_change=_open_typed,
        args=(data_root,),
        placeholder=readable(str(here)),
        help="Type or paste the path of a folder and press Enter, or choose it below.",
    )
    if message := st.session_state.get(ERROR):
        widgets.show_error(message)
    _show_way(here, data_root)
    try:
        inside = folders.list_folders(here, data_root)
        images = sum(is_image_name(path) for path in here.iterdir())
    except (UnetError, OSError) as error:
        widgets.show_error(error)
        return None
    with st.container(height=min(LIST_HEIGHT, 34 + ROW_HEIGHT * max(1, len(inside))), gap=None, key="folders"):
        for number, item in enumerate(inside[:MOST_SHOWN]):
            st.button(
                f"{plain(readable(item.name))} · {_content(item.images, item.folders, item.is_partial)}",
                key=f"folder-{number}",
                icon=":material/folder_off:" if item.problem else ":material/folder:",
                type="tertiary",
                disabled=bool(item.problem),
                help=plain(item.problem) or None,
                on_click=_open,
                args=(item.path,),
            )
        if not inside:
            st.caption("No folders in here.")
        if len(inside) > MOST_SHOWN:
            st.caption(f"{len(inside) - MOST_SHOWN} more. Type the path of a folder that is not listed.")
    st.caption(f"{plain(readable(str(here)))}: {_content(images, len(inside))}. Nothing is copied or changed.")
    if st.button("Use this folder", key="use_folder", type="primary", icon=":material/check:"):
        try:
            return Added(paths.library().link(here).name)
        except UnetError as error:
            widgets.show_error(error)
    return None


def _current(data_root: Path) -> Path:
    """The folder that is shown: the last one of the session, at first the home folder."""
    here = st.session_state.get(HERE) or Path.home()
    inside = here.is_dir() and here.is_relative_to(data_root)
    st.session_state[HERE] = here if inside else data_root
    return here if inside else data_root


def _show_way(here: Path, data_root: Path) -> None:
    """The folders above, each a button."""
    above = [data_root, *(path for path in reversed([here, *here.parents]) if path.is_relative_to(data_root))]
    way = list(dict.fromkeys(above))
    shown = way if len(way) <= MOST_PARTS else [way[0], *way[1 - MOST_PARTS :]]
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="way_to_folder"):
        for number, path in enumerate(shown):
            name = plain(readable(path.name)) or "/"
            if number == 1 and len(shown) < len(way):
                name = f"… / {name}"
            st.button(
                name,
                key=f"way-{number}",
                icon=":material/home_storage:" if number == 0 else ":material/chevron_right:",
                type="tertiary",
                disabled=path == here,
                on_click=_open,
                args=(path,),
            )


def _open(folder: Path) -> None:
    """Called by the buttons."""
    st.session_state[HERE] = folder
    st.session_state[PATH] = ""
    st.session_state.pop(ERROR, None)


def _open_typed(data_root: Path) -> None:
    """Called by the box."""
    st.session_state.pop(ERROR, None)
    text = st.session_state[PATH]
    if not text.strip():
        return
    try:
        st.session_state[HERE] = folders.parse_path(text, data_root)
    except UnetError as error:
        st.session_state[ERROR] = str(error)


def _content(images: int, subfolders: int, is_partial: bool = False) -> str:
    """In words: "25 images, 2 folders"; "at least" where not everything was counted."""
    numbers = ((images, "image"), (subfolders, "folder"))
    parts = [f"{number:,} {noun}{'s' if number > 1 else ''}" for number, noun in numbers if number]
    if is_partial:
        return f"at least {', '.join(parts)}" if parts else "not counted"
    return ", ".join(parts) or "no images"
