"""Full names on hover: Streamlit's table draws its cells on a canvas, and what is too long for them is cut."""

from collections.abc import Sequence

from pages.components import component, program_address, source

_mount = component("row_names", "row_names/row_names.js", "The names of rows", css=source("row_names/row_names.css"))


def show_row_names(table: str, names: Sequence[str], head: int, row: int, key: str) -> None:
    """From now on the name of the row under the pointer is the tooltip of the table.

    `table`: how the key of the table begins. `head`, `row`: the heights of its head and of each row in pixels.
    """
    _mount(key=key, data={"table": table, "names": list(names), "head": head, "row": row, **program_address()})
