"""Write the layouts into docs/datasets.md from the code: `python -m docs.make_datasets`, or only `--check` them."""

import sys
from collections.abc import Iterator
from pathlib import Path

from unet_core.data.annotations import FORMATS
from unet_core.data.layouts import LAYOUTS
from unet_core.data.layouts.base import draw

PAGE = Path(__file__).parent / "datasets.md"
BEGIN, END = "<!-- made by python -m docs.make_datasets -->\n", "<!-- end -->\n"


def page() -> str:
    """The whole page, with the smallest example of every layout and annotation format of today."""
    before, _, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)
    return before + BEGIN + "\n".join(lines()) + "\n" + END + rest.partition(END)[2]


def lines() -> Iterator[str]:
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


if __name__ == "__main__":
    text = page()
    if "--check" in sys.argv:
        sys.exit(0 if PAGE.read_text(encoding="utf-8") == text else "docs/datasets.md is not of today")
    PAGE.write_text(text, encoding="utf-8")
