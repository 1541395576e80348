"""Keys of all pages: they press buttons and open pages, and `?` or the button shows a sheet of them."""

from collections.abc import Mapping, Sequence

from pages.components import component, program_address, source

_mount = component(
    "shortcuts", "shortcuts/shortcuts.js", "The keyboard shortcuts", css=source("shortcuts/shortcuts.css")
)

Sheet = Sequence[tuple[str, Sequence[tuple[str, str]]]]


def show_shortcuts(
    presses: Mapping[str, Sequence[str]],
    focuses: Mapping[str, Sequence[str]],
    pages: Mapping[str, str],
    sheet: Sheet,
    key: str,
) -> None:
    """A button that opens the sheet; from now on the keys work outside of what takes keys itself.

    `presses`: by the name of a key as browsers have it ("ArrowLeft") the keys of the buttons that it presses, of which
    the first on the page counts; `focuses`: the same of fields. `pages`: by the letter that follows `g`, the address of
    a page. `sheet`: headings, each with (keys, what they do).
    """
    data = {"presses": dict(presses), "focuses": dict(focuses), "pages": dict(pages), "sheet": list(sheet)}
    _mount(key=key, data={**data, **program_address()})
