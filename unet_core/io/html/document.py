"""Reports as one HTML file: whole, light and dark, for paper too; all text is inert, and nothing comes from elsewhere.

The browser is told so (Content-Security-Policy): it loads pictures that are in the file, and runs no script but the one
that `make_document` was given.
"""

import base64
import hashlib
from collections.abc import Iterable, Sequence
from html import escape
from importlib.resources import files as resources

from unet_core.io.filenames import readable


def make_document(title: str, sections: Iterable[tuple[str, str]], script: str = "", more_style: str = "") -> str:
    """The text of an HTML file: the title, and for each section that has content its heading and that.

    Args:
        title: plain text.
        sections: (heading, HTML) each.
        script: JavaScript of ours, "" for none.
        more_style: CSS of ours, after that of all reports.

    >>> document = make_document("Report <1>", [("Scores", "<p>0.9</p>"), ("Empty", "")])
    >>> "<h1>Report &lt;1&gt;</h1>" in document, "Empty" in document
    (True, False)
    """
    style = (resources("unet_core.io.html") / "page.css").read_text(encoding="utf-8") + more_style
    body = "".join(f"<section><h2>{text(name)}</h2>{content}</section>" for name, content in sections if content)
    rules = f"default-src 'none'; img-src data:; style-src {_digest(style)}; base-uri 'none'; form-action 'none'"
    if script:
        rules += f"; script-src {_digest(script)}"
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{rules}"><title>{text(title)}</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<style>{style}</style></head><body><main><h1>{text(title)}</h1>{body}</main>"
        f"{f'<script>{script}</script>' if script else ''}</body></html>\n"
    )


def _digest(content: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()}'"


def text(value: object) -> str:
    """A text or a name of a file as HTML, its markup inert, in content and in quoted attributes.

    >>> text("<b>")
    '&lt;b&gt;'
    """
    return escape(readable(str(value)))


def table(rows: Sequence[Sequence[str]], head: Sequence[str] = ()) -> str:
    """A table; all cells are HTML."""
    top = "<tr>" + "".join(f"<th>{cell}</th>" for cell in head) + "</tr>" if head else ""
    lines = "".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in rows)
    return f"<table>{top}{lines}</table>"


def bullets(items: Iterable[object]) -> str:
    """A list of texts; "" of none."""
    lines = "".join(f"<li>{text(item)}</li>" for item in items)
    return f"<ul>{lines}</ul>" if lines else ""


def figure(picture: str, caption: str) -> str:
    """HTML of a picture with a caption, a plain text; "" without a picture."""
    return f"<figure>{picture}<figcaption>{text(caption)}</figcaption></figure>" if picture else ""
