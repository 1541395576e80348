"""A report on an evaluation as one HTML file that opens anywhere: nothing from elsewhere, light and dark, for paper.

The same function writes it for the page, the command line and Python; it needs no torch and no Streamlit.
"""

from importlib.resources import files as resources
from pathlib import Path

from unet_core.evaluation.record import Record
from unet_core.evaluation.report import data, images, model, scores
from unet_core.evaluation.report.thumbnails import Masks
from unet_core.io.files import write_atomically
from unet_core.io.html.document import make_document, table, text


def write_report(record: Record, masks: Masks, path: Path) -> Path:
    """Write the report on an evaluation; gives its path. `masks` as for `make_report`. Raises OSError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, make_report(record, masks))
    return path


def make_report(record: Record, masks: Masks) -> str:
    """The report as the text of an HTML file.

    `masks` gives the predicted and the true mask (H, W) of an image by its id. Images are read again for the pictures
    of the worst ones; of one that is gone there are none.
    """
    summary, shown = record.summary, images.choose_shown(record)
    sections = [
        ("Scores", scores.show_headline(record, summary)),
        ("Limits of these scores", data.show_remarks(record)),
        ("Where the missing Dice went", scores.show_causes(record)),
        ("Distribution", scores.show_histogram(record)),
        ("Classes", scores.show_classes(record)),
        ("Confusion matrix", scores.show_confusion(record)),
        ("Images", images.show_gallery(record, shown, masks)),
        ("All images", images.show_table(record, shown)),
        ("Model", model.show_model(record)),
        ("Training curves", model.show_curves(record)),
        ("Data", data.show_data(record)),
    ]
    sections.append(("How to compute this again", _show_origin(record, sum(len(content) for _, content in sections))))
    style, script = (
        (resources("unet_core.evaluation.report") / name).read_text(encoding="utf-8")
        for name in ("report.css", "sort.js")
    )
    title = f"Evaluation of {record.model_name} on {record.dataset_name}"
    return make_document(title, sections, script, style)


def _show_origin(record: Record, size: int) -> str:
    device, precision = record.computed_on
    rows = [
        ("Date", text(record.date.strftime("%Y-%m-%d %H:%M UTC"))),
        ("Command", f"<code>{text(record.command())}</code>"),
        ("Device", text(", ".join(filter(None, (device, precision))))),
        ("Versions", text(", ".join(f"{name} {version}" for name, version in record.versions().items()))),
        ("Seed", "Scores need none; the intervals draw with seed 0."),
        ("This file", f"{size / 1e6:.1f} MB, most of it images; it needs no other file and no network"),
    ]
    return table(rows) + "<p>Model and dataset are called by name: put in where they lie on your computer.</p>"
