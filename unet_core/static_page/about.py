"""The part of the page that says what the model is: written from evidence as the model card is, as HTML."""

from collections.abc import Sequence
from html import escape

import unet_core
from unet_core.io.filenames import readable
from unet_core.sharing.card_tables import TITLES, number
from unet_core.sharing.evidence import PARTS, Evidence
from unet_core.sharing.licenses import LICENSES, UNKNOWN
from unet_core.sharing.model_card import CardOptions, limits
from unet_core.static_page import runtime

MOST_NAMES = 12


def plain(text: str) -> str:
    """A text of the user as text: no markup, on one line.

    >>> plain("<b> a & b")
    '&lt;b&gt; a &amp; b'
    """
    return escape(" ".join(readable(text).split()))


def summary(evidence: Evidence, options: CardOptions) -> str:
    """What the model segments, in a sentence."""
    model = evidence.model
    names = [plain(model.class_name(index)) for index in range(1, max(2, model.num_classes))]
    more = f" and {len(names) - MOST_NAMES} more" if len(names) > MOST_NAMES else ""
    kind = {1: "grayscale", 3: "RGB"}.get(model.in_channels, "")
    text = f"A U-Net that segments {', '.join(names[:MOST_NAMES])}{more} in {kind} images, in your own browser."
    return f"{text} {plain(options.description)}".strip()


def about(evidence: Evidence, options: CardOptions) -> str:
    """Scores, training data, limits and license, as HTML below a heading of level 2."""
    return "\n".join(
        [
            "<h3>Scores</h3>",
            *_scores(evidence),
            "<h3>Training data</h3>",
            _table(_data(evidence, options), "What the model was trained on"),
            "<h3>Limits</h3>",
            "<ul>",
            *(f"<li>{escape(line)}</li>" for line in limits(evidence)),
            "</ul>",
            "<h3>License</h3>",
            f"<p>{_license(options)}</p>",
        ]
    )


def made_with() -> str:
    """What the page was made with."""
    return (
        f"Made with UNet Studio {unet_core.__version__}. The model runs in ONNX Runtime Web {runtime.VERSION} "
        '(MIT license, <a href="NOTICE.txt">notice</a>).'
    )


def _scores(evidence: Evidence) -> list[str]:
    summaries = evidence.summaries()
    if not summaries:
        best = evidence.history.best
        text = "The images were not scored one by one when this page was made."
        if best is not None and best.val_dice is not None:
            text = f"Validation during training: mean Dice {best.val_dice:.3f}. {text}"
        return [f"<p>{text}</p>"]
    rows = []
    for name, part in summaries.items():
        low, high = part.dice_interval
        interval = f"{low:.3f} to {high:.3f}" if low == low else "–"
        cells = [number(part.mean["dice"]), interval, number(part.mean["iou"])]
        rows.append((f"{TITLES[name]} ({part.images})", *cells))
    return [
        _table(
            rows,
            "Scores of images that the model was not trained on",
            ("Images", "Mean Dice", "95 % interval", "Mean IoU"),
        ),
        "<ul>",
        *(f"<li>{TITLES[name]} images: {PARTS[name]}.</li>" for name in summaries),
        "</ul>",
    ]


def _data(evidence: Evidence, options: CardOptions) -> list[tuple[str, str]]:
    facts, rows = evidence.fingerprint, [("Dataset", plain(options.dataset_name(evidence)))]
    if evidence.split:
        sizes = ", ".join(f"{len(images)} {TITLES[part].lower()}" for part, images in evidence.split.items() if images)
        rows.append(("Split", sizes))
    if facts is not None:
        channels = "1 channel" if facts.channels == 1 else f"{facts.channels} channels"
        rows.append(("Median size", f"{facts.width} × {facts.height} pixels, {channels}, {plain(facts.dtype)}"))
        if facts.object_diameter is not None:
            rows.append(("Object diameter", f"{number(facts.object_diameter)} pixels (median)"))
    return rows


def _license(options: CardOptions) -> str:
    if options.license == UNKNOWN:
        return "The owner has not chosen a license. Without one, ask the owner before you use the model."
    return f"{escape(LICENSES[options.license])} ({options.license})."


def _table(rows: Sequence[Sequence[str]], caption: str, header: Sequence[str] = ()) -> str:
    head = "".join(f'<th scope="col">{cell}</th>' for cell in header)
    lines = [f'<table>\n<caption class="unseen">{caption}</caption>']
    lines += [f"<thead><tr>{head}</tr></thead>"] if header else []
    lines.append("<tbody>")
    lines += [
        f'<tr><th scope="row">{row[0]}</th>{"".join(f"<td>{cell}</td>" for cell in row[1:])}</tr>' for row in rows
    ]
    return "\n".join([*lines, "</tbody>\n</table>"])
