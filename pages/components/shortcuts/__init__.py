"""Keys of a page: they press its buttons, and `?` or the button shows a sheet of them all."""

from collections.abc import Mapping, Sequence

from pages.components import component, program_address, source

_mount = component(
    "shortcuts", "shortcuts/shortcuts.js", "The keyboard shortcuts", css=source("shortcuts/shortcuts.css")
)


def show_shortcuts(
    presses: Mapping[str, str], sheet: Sequence[tuple[str, Sequence[tuple[str, str]]]], key: str
) -> None:
    """A button that opens the sheet; from now on the keys work outside of what takes keys itself.

    `presses`: by the name of a key as browsers have it ("ArrowLeft") the key of the button that it presses, where that
    is on the page. `sheet`: headings, each with (keys, what they do).
    """
    _mount(key=key, data={"presses": dict(presses), "sheet": list(sheet), **program_address()})
