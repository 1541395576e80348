"""The images of a report: the worst ones with pictures and what went wrong, and the scores of all."""

import math
from collections.abc import Mapping, Sequence

from unet_core.config.choices import SUBSETS
from unet_core.evaluation.record import Record
from unet_core.evaluation.report.numbers import UNDEFINED, label_of, metric_names, number
from unet_core.evaluation.report.thumbnails import Masks, make_thumbnails
from unet_core.evaluation.summary import ImageScore, list_rows
from unet_core.io.colors import FALSE_NEGATIVE, FALSE_POSITIVE, TRUE_POSITIVE, to_hex
from unet_core.io.html.document import text

WORST, TYPICAL = 50, 3  # images with pictures: of the lowest Dice, and of the median and the highest
TITLES = {"image": "image", "truth": "ground truth", "prediction": "prediction", "errors": "errors"}
BINARY_KEY = {"true positive": TRUE_POSITIVE, "false positive": FALSE_POSITIVE, "false negative": FALSE_NEGATIVE}
CLASSES_KEY = {"wrong class": FALSE_POSITIVE}
FIRST = ("image", *metric_names(), "object_f1", "subset")  # columns that fit on paper
COUNTS = ("objects_matched", "objects_missed", "objects_wrong", "empty")

Shown = dict[str, list[ImageScore]]


def sort_images(record: Record) -> list[ImageScore]:
    """The images from the lowest Dice to the highest, those without one last."""
    return sorted(record.scores, key=lambda item: (math.isnan(item.scores["dice"]), item.scores["dice"], item.id))


def choose_shown(record: Record) -> Shown:
    """The images that get pictures: {"Lowest Dice": ..., "Median Dice": ..., "Highest Dice": ...}, each image once."""
    defined = [item for item in sort_images(record) if not math.isnan(item.scores["dice"])]
    worst, others = defined[:WORST], defined[WORST:]
    middle = max(0, len(defined) // 2 - TYPICAL // 2 - len(worst))
    median = others[middle : middle + TYPICAL]
    best = [item for item in others[-TYPICAL:] if item not in median]
    return {"Lowest Dice": worst, "Median Dice": median, "Highest Dice": best}


def show_gallery(record: Record, shown: Shown, masks: Masks) -> str:
    """The chosen images with their pictures, their scores, and a sentence about their errors."""
    samples = {sample.id: sample for group in record.selection.chosen.values() for sample in group}
    classes, parts, anchor = record.model.num_classes, [], 0
    for heading, items in shown.items():
        parts += [f"<h3>{heading}</h3>"] if items else []
        for item in items:
            thumbnails = make_thumbnails(samples[item.id], masks, classes) if item.id in samples else None
            pictures = "" if thumbnails is None else _show_pictures(vars(thumbnails), item.id)
            parts.append(_show_card(item, anchor := anchor + 1, pictures))
    if not parts:
        return "<p>No image has a Dice.</p>"
    key = "".join(
        f"<svg class='key' viewBox='0 0 1 1'><rect width='1' height='1' fill='{to_hex(color)}'/></svg>{name}"
        for name, color in (BINARY_KEY if classes == 1 else CLASSES_KEY).items()
    )
    number_shown = sum(map(len, shown.values()))
    words = f"<p>Thumbnails of {number_shown} of {len(record.scores)} images. Errors:{key}</p>"
    return words + "".join(parts)


def _show_pictures(sources: Mapping[str, str], name: str) -> str:
    pictures = "".join(
        f"<div><img src='{source}' alt='{text(name)}: {TITLES[kind]}'><small>{TITLES[kind]}</small></div>"
        for kind, source in sources.items()
    )
    return f"<div class='row'>{pictures}</div>"


def _show_card(item: ImageScore, anchor: int, pictures: str) -> str:
    sentence = "" if item.errors is None else item.errors.errors.sentence
    scores = ", ".join(f"{label_of(name)} {number(value)}" for name, value in item.scores.items())
    return (
        f"<article id='image-{anchor}'><h3>{text(item.id)} <small>{text(SUBSETS.labels[item.subset])}</small></h3>"
        f"<p>{text(sentence)}</p>{pictures or '<p>The image cannot be read any more.</p>'}"
        f"<small>{scores}</small></article>"
    )


def show_table(record: Record, shown: Shown) -> str:
    """The scores of all images, the lowest Dice first; a click on a heading sorts."""
    rows = {str(row["image"]): row for row in list_rows(record.scores)}
    names = list(next(iter(rows.values())))
    first = [name for name in FIRST if name in names]
    columns = [*first, *(name for name in names if name not in (*first, "errors", *COUNTS))]
    columns += [name for name in COUNTS if name in names]
    anchors = {item.id: anchor for anchor, item in enumerate((item for group in shown.values() for item in group), 1)}
    extra = len(columns) - len(first)
    head = "".join(f"<th{_mark(column, first)}><button>{text(label_of(column))}</button></th>" for column in columns)
    lines = "".join(
        f"<tr>{''.join(_show_cell(rows[item.id], column, first, anchors) for column in columns)}</tr>\n"
        for item in sort_images(record)
    )
    note = f"<p class='on-paper'>{extra} more columns are shown on a screen.</p>" if extra else ""
    return (
        f"<p>{len(rows)} images, the lowest Dice first. Click a heading to sort.</p>{note}<div class='wide'>"
        f"<table class='sortable'><thead><tr>{head}</tr></thead><tbody>{lines}</tbody></table></div>"
    )


def _mark(column: str, first: Sequence[str]) -> str:
    return "" if column in first else " class='more'"


def _show_cell(
    row: Mapping[str, str | int | float], column: str, first: Sequence[str], anchors: Mapping[str, int]
) -> str:
    value = row[column]
    if column == "image":
        name = text(value)
        content = f"<a href='#image-{anchors[str(value)]}'>{name}</a>" if value in anchors else name
    elif isinstance(value, float):
        content = number(value)
    else:
        content = text(value) or UNDEFINED
    return f"<td{_mark(column, first)}>{content}</td>"
