"""Which keys do what on which page. Nothing that a key does starts, changes or removes anything."""

import streamlit as st

from pages import PAGES
from pages.components.shortcuts import Sheet, show_shortcuts

# By the keys of the buttons: of Predict, and of the image that Data has opened.
PRESSES = {"ArrowLeft": ("previous", "image_previous"), "ArrowRight": ("next", "image_next")}
FOCUSES = {"/": ("gallery_text", "form_search")}
NEIGHBORS = ("← →", "Previous or next image")
VIEWER: Sheet = (
    (
        "Image, when it is focused",
        (
            ("← → ↑ ↓", "Move; with Shift in large steps"),
            ("+ −", "Zoom in or out"),
            ("0", "Fit into the view"),
            ("1", "Actual size"),
            ("Enter", "Select the object in the middle"),
            ("Esc", "Leave full screen"),
        ),
    ),
    (
        "Image, by mouse and touch",
        (
            ("Drag", "Move"),
            ("Wheel, pinch", "Zoom"),
            ("Double-click", "Fit, or actual size"),
            ("Click", "Select an object"),
        ),
    ),
)
CURVES: Sheet = (
    (
        "Curves, when they are focused",
        (("← →", "Move between epochs"), ("Enter", "Show the predictions of that epoch")),
    ),
    ("Curves, by mouse", (("Drag", "Zoom in"), ("Double-click", "The whole curve"))),
)
OF_PAGE: dict[str, Sheet] = {
    "data": (("Data", (NEIGHBORS, ("/", "Search the gallery"))), *VIEWER),
    "train": CURVES,
    "predict": (("Predict", (NEIGHBORS,)), *VIEWER),
}


def find_letters() -> dict[str, str]:
    """{letter after `g`: address of a page}: the first letter of its title that no page before it has.

    >>> find_letters()["t"]
    'train'
    """
    letters: dict[str, str] = {}
    for page in PAGES.values():
        letter = next(letter for letter in page.title.lower() if letter not in letters)
        letters[letter] = page.url_path
    return letters


def show(url_path: str) -> None:
    """The button in the header, for the page of this address."""
    letters = find_letters()
    titles = {page.url_path: page.title for page in PAGES.values()}
    rows = [(f"g {letter}", f"Open {titles[path]}") for letter, path in letters.items()]
    everywhere = ("Everywhere", (*rows, ("?", "This sheet"), ("Tab", "Next control")))
    with st.container(key="page_keys"):
        show_shortcuts(PRESSES, FOCUSES, letters, (everywhere, *OF_PAGE.get(url_path, ())), key="shortcuts")
