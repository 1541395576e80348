"""Write the parts of docs/datasets.md (layouts) and docs/data.md (checks, repairs) that the code knows.

`python -m docs.make_datasets`, or only `--check` them.
"""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from unet_core.data.annotations import FORMATS
from unet_core.data.checks.registry import CHECKS
from unet_core.data.layouts import LAYOUTS
from unet_core.data.layouts.base import draw
from unet_core.data.recipe.kinds import REPAIRS

DOCS = Path(__file__).parent
BEGIN, END = "<!-- made by python -m docs.make_datasets -->\n", "<!-- end -->\n"


def page(name: str) -> str:
    """The whole page of that name, with what the code knows today."""
    before, _, rest = (DOCS / name).read_text(encoding="utf-8").partition(BEGIN)
    return before + BEGIN + "\n".join(PAGES[name]()) + "\n" + END + rest.partition(END)[2]


def checks_and_repairs() -> Iterator[str]:
    yield from ("", "| check | looks for |", "|---|---|")
    yield from (f"| {check.title} | {check.description} |" for check in CHECKS.values())
    yield from ("", "| repair | what it does |", "|---|---|")
    yield from (f"| `{name}` | {repair.description} |" for name, repair in REPAIRS.items())


def layouts() -> Iterator[str]:
    for name, layout in LAYOUTS.items():
        if name != "annotations":
            yield from (
                "",
                f"### `{name}`",
                "",
                f"{layout.description.replace('<', '&lt;')}.",
                "",
                "```",
                layout.tree,
                "```",
            )
        if layout.variants:
            yield from ("", "Also read as this layout:", "")
            yield from (
                f"- {title}: {', '.join(f'`{path}`' for path in paths)}" for title, paths in layout.variants.items()
            )
    yield from ("", "### `annotations`", "", "Images with annotations in JSON, XML, text or CSV files.")
    for form in FORMATS.values():
        yield from ("", f"{form.description}.", "", "```", draw(form.tree), "```")


PAGES: dict[str, Callable[[], Iterator[str]]] = {"datasets.md": layouts, "data.md": checks_and_repairs}

if __name__ == "__main__":
    for name in PAGES:
        text = page(name)
        if "--check" not in sys.argv:
            (DOCS / name).write_text(text, encoding="utf-8")
        elif (DOCS / name).read_text(encoding="utf-8") != text:
            sys.exit(f"docs/{name} is not of today")
