"""The model card (README.md) of a repository, written from evidence: nothing in it is claimed that was not measured."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePath

from unet_core.config.reproduce import flags
from unet_core.errors import ConfigError
from unet_core.export.model.standalone import standalone_code
from unet_core.sharing import card_data, card_tables
from unet_core.sharing.card_tables import inert, number, table
from unet_core.sharing.evidence import PARTS, Evidence
from unet_core.sharing.licenses import LICENSES, UNKNOWN, check_license

CURVES, SCORES, ONNX = "curves.png", "scores.csv", "model.onnx"
LONGEST = 2000  # characters of a description
MOST_REMARKS = 5
NOT_SHOWN = ("root", "series", "init", "recipe", "color_map", "device", "threads")  # settings of one machine
SMALL_SAMPLE = 20  # images under which an interval says little


@dataclass(frozen=True)
class CardOptions:
    """What the owner of a model decides.

    Args:
        title: the model's name, that of its repository.
        dataset: how the dataset is called in the card; "" = by the name of its folder.
        description: what the model is for, as plain text; "" = nothing beyond what is measured.
        license: one of `licenses.LICENSES`.
        per_image: whether scores of single images are shown.
        named: whether these images are called by their file names, which may tell of persons.

    Raises:
        ConfigError: the license is not known, or the description is too long.
    """

    title: str
    dataset: str = ""
    description: str = ""
    license: str = UNKNOWN
    per_image: bool = True
    named: bool = False

    def __post_init__(self) -> None:
        check_license(self.license)
        if len(self.description) > LONGEST:
            raise ConfigError(f"The description has {len(self.description)} characters, at most {LONGEST} are allowed.")

    def dataset_name(self, evidence: Evidence) -> str:
        """How the dataset is called."""
        return self.dataset.strip() or PurePath(evidence.config.data.root).name or "a dataset"


def write_card(evidence: Evidence, options: CardOptions, repo: str = "", names: Sequence[str] = ()) -> str:
    """The README.md: metadata for the Hub, then the card. `repo` is where it will be, `names` the other files there."""
    sections = [
        f"# {inert(options.title)}",
        _summary(evidence, options),
        _scores(evidence, options, names),
        _curves(evidence, names),
        _data(evidence, options),
        _limits(evidence, options),
        _usage(evidence, repo or options.title, names),
        _training(evidence),
        _closing(options),
    ]
    header = card_data.metadata(evidence, options.title, options.dataset_name(evidence), options.license, names)
    return f"---\n{header}\n---\n\n" + "\n\n".join(filter(None, sections)) + "\n"


def _summary(evidence: Evidence, options: CardOptions) -> str:
    model = evidence.model
    classes = [inert(model.class_name(index)) for index in range(1, max(2, model.num_classes))]
    channels = {1: "grayscale", 3: "RGB"}.get(model.in_channels, f"{model.in_channels}-channel")
    text = (
        f"A U-Net that segments {_join([f'**{name}**' for name in classes[:12]], len(classes) - 12)} in {channels} "
        f"images. It was trained on {inert(options.dataset_name(evidence))} with UNet Studio, which wrote this "
        "card from what it measured."
    )
    paragraphs = [text]
    if options.description.strip():
        paragraphs.append(inert(options.description.strip()))
    return "\n\n".join(paragraphs)


def _join(words: list[str], more: int = 0) -> str:
    if more > 0:
        return f"{', '.join(words)} and {more} more"
    return " and ".join(filter(None, [", ".join(words[:-1]), words[-1]]))


def _scores(evidence: Evidence, options: CardOptions, names: Sequence[str]) -> str:
    summaries = evidence.summaries()
    if not summaries:
        best = evidence.history.best
        lines = ["## Scores", ""]
        if best is not None and best.val_dice is not None:
            iou = "" if best.val_iou is None else f", mean IoU {best.val_iou:.3f}"
            lines.append(
                f"Validation during training, epoch {best.epoch}: mean Dice **{best.val_dice:.3f}**{iou}. "
                f"These images were {PARTS['val']}."
            )
        lines.append(
            "The images were not scored one by one when the model was shared: their dataset was not available."
        )
        return "\n\n".join(lines)
    lines = ["## Scores", "", card_tables.summary_table(summaries), ""]
    lines += [f"- {card_tables.TITLES[name]} images: {PARTS[name]}." for name in summaries]
    lines += [
        "- Means are over images; pooled scores count all pixels together, so large objects count more. The interval "
        "is a 95 % bootstrap interval of the mean Dice over images.",
    ]
    if any(summary.empty for summary in summaries.values()):
        lines.append("- Empty images have no foreground, neither true nor predicted; they are not part of the means.")
    if len(evidence.model.names) > 2 or evidence.model.num_classes > 2:
        lines += ["", "### By class", "", card_tables.class_table(evidence)]
    if options.per_image:
        lines += ["", "### By image", "", card_tables.image_table(evidence, options.named)]
        if SCORES in names:
            lines += ["", f"All images are in [{SCORES}]({SCORES})."]
        lines += ["", *card_tables.worst_cases(evidence, options.named)]
    return "\n".join(lines)


def _curves(evidence: Evidence, names: Sequence[str]) -> str:
    if CURVES not in names:
        return ""
    best = evidence.history.best
    caption = f" The weights are those of epoch {best.epoch} of {evidence.history.epochs[-1].epoch}." if best else ""
    note = ""
    if not any("tfevents" in name for name in names):
        note = "\n\nTensorBoard event files are not included: tensorboardX was not installed."
    return f"## Training curves\n\n![Losses and validation scores over epochs]({CURVES})\n\n{caption.strip()}{note}"


def _data(evidence: Evidence, options: CardOptions) -> str:
    facts = evidence.fingerprint
    rows: list[tuple[str, str]] = [("Dataset", inert(options.dataset_name(evidence)))]
    if evidence.split:
        sizes = ", ".join(
            f"{len(images)} {card_tables.TITLES[part].lower()}" for part, images in evidence.split.items()
        )
        rows.append(("Split", f"{sizes} (seed {evidence.config.data.split_seed})"))
    if evidence.groups:
        rows.append(("Groups", f"{evidence.groups} groups of images that belong together were kept in one part"))
    if facts is not None:
        rows += card_tables.fingerprint_rows(facts, evidence.model)
    return "## Training data\n\n" + table(("", ""), rows)


def limits(evidence: Evidence) -> list[str]:
    """What the scores do not say, in plain sentences."""
    facts, lines = evidence.fingerprint, []
    summaries = evidence.summaries()
    if "test" not in summaries:
        lines.append(
            "No image was held out for testing. The scores are of images that chose the epoch, so expect less."
        )
    images = max((summary.images for summary in summaries.values()), default=0)
    if 0 < images < SMALL_SAMPLE:
        lines.append(f"The largest scored part has {images} images. The interval is wide or says little.")
    lines.append(
        "All scores are of one dataset. Images of another microscope, camera, stain or site were not measured; "
        "evaluate the model on your own labeled images first."
    )
    if facts is not None and facts.object_diameter is not None:
        span = f"{number(facts.object_diameter_low)} to {number(facts.object_diameter_high)}"
        lines.append(
            f"Objects were {span} pixels in diameter in training (10th to 90th percentile). Rescale images whose "
            "objects are much smaller or larger."
        )
    if evidence.config.data.test_fraction == 0 and evidence.config.data.group_by == "none":
        lines.append("Images were split one by one: parts of one specimen may be in training and validation.")
    return lines


def _limits(evidence: Evidence, options: CardOptions) -> str:
    lines = limits(evidence) + [inert(note) for note in _remarks(evidence, options.named)]
    return "## Limits\n\n" + "\n".join(f"- {line}" for line in lines)


def _remarks(evidence: Evidence, named: bool) -> list[str]:
    """The remarks on the data, at most MOST_REMARKS; names of images stay with the owner unless they are shown."""
    if named:
        return list(evidence.notes[:MOST_REMARKS])
    ids = {image.score.id for image in evidence.images} | {name for part in evidence.split.values() for name in part}
    heads = [f"{note.partition(':')[0].rstrip('.')}." for note in evidence.notes]
    return [head for head in heads if not any(name in head for name in ids)][:MOST_REMARKS]


ONNX_USAGE = f"""In programs that read ONNX (`pip install onnxruntime numpy pillow`): `{ONNX}` takes pixel values as
they are stored, (N, C, H, W) float32 of any size, and gives probabilities. Normalization is inside.

```python
import numpy as np
import onnxruntime
from PIL import Image

image = np.atleast_3d(np.array(Image.open("image.png")))
session = onnxruntime.InferenceSession("{ONNX}")
print(session.get_modelmeta().custom_metadata_map)  # classes, channels, range of the values, threshold
probabilities = session.run(None, {{"image": image.transpose(2, 0, 1)[None].astype(np.float32)}})[0]
```"""


def _usage(evidence: Evidence, repo: str, names: Sequence[str]) -> str:
    model = evidence.model
    code = standalone_code(model)
    program = (
        "Without UNet Studio, with torch, safetensors, numpy and Pillow, in the folder of the downloaded files. Large "
        f"images need as much memory as they have pixels; UNet Studio predicts them in tiles.\n\n```python\n{code}```"
        if code
        else "There is no short program without UNet Studio for this architecture; `config.json` describes it."
    )
    if ONNX in names:
        program = f"{ONNX_USAGE}\n\n{program}"
    return f"""## How to use

With UNet Studio, choose `{repo}` as the model on the Predict page, or:

```sh
unet-studio predict {repo} image.png --output masks
```

```python
from unet_core import load

prediction = load("{repo}").predict("image.png")
prediction.save("image.zip", formats=["mask", "csv"])
```

{program}"""


def _training(evidence: Evidence) -> str:
    config, history = evidence.config, evidence.history
    rows: list[tuple[str, str]] = []
    if history.started is not None:
        started = history.started
        rows.append(("Parameters", f"{started.parameters:,}"))
        rows.append(("Device", f"{started.device}, {started.precision}"))
    if history.epochs:
        last = history.epochs[-1]
        rows.append(("Epochs", f"{last.epoch}, {last.step} steps"))
    # Paths are left out as a whole: they say where things lie on one machine and help nobody else.
    words = flags(config, NOT_SHOWN)
    rows.append(("Settings", f"`unet-studio train DATA {' '.join(words)}`".replace("|", "\\|").replace(" `", "`")))
    if config.train.init:
        rows.append(("Fine-tuned from", "another model"))
    rows += card_tables.version_rows()
    return "## Training\n\n" + table(("", ""), rows)


def _closing(options: CardOptions) -> str:
    if options.license == UNKNOWN:
        text = "The owner has not chosen a license. Without one, ask the owner before you use the model."
    else:
        text = f"{LICENSES[options.license]} (`{options.license}`)."
    return f"## License\n\n{text}"


def strip_metadata(card: str) -> str:
    """The card without the metadata before it.

    >>> strip_metadata("---\\na: 1\\n---\\n\\n# Title\\n")
    '# Title\\n'
    """
    return re.sub(r"\A---\n.*?\n---\n+", "", card, flags=re.DOTALL)
