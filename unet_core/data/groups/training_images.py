"""Which images a model has seen, as it travels with the weights: digests of pixels and files, no names; no torch.

A checkpoint folder holds it as `images.json`, beside `model.safetensors` and listed in the same `sha256`:

    {"version": 1, "train": ["px:0f.. file:ab.. look:256x320:.."], "val": [...], "test": [...], "unknown": []}

The records are those of `identity`. A digest cannot be turned back into an image. A `look` (or `cells`) shows
where an image is brighter, in 16 x 16 cells: it stays on this machine and is left out of what is shared
(`without_looks`).
"""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from unet_core.data.groups import identity

VERSION = 1
TRAINED_ON = "trained_on"  # in training.json of releases before `images.json`: the training images alone
MOST, MOST_LOOKS = 180_000, 25_000  # images, and with their looks: more than 8 MiB are not read of such a file
PARTS = ("train", "val", "test")
WORD = re.compile(r"(?:px:|file:)?[0-9a-f]{16}|look:\d{1,9}x\d{1,9}:[0-9a-f]{64}|cells:\d{1,9}x\d{1,9}:[0-9a-f]{144}")


@dataclass(frozen=True)
class TrainingImages:
    """Records (`identity`) of the images that a model and those before it were trained on (`train`), that chose the
    epoch (`val`), and that only tested it (`test`).

    `unknown` names parts of which not all are known: "train" where the model, or one that it was fine-tuned from, does
    not say what it was trained on; "val" where it does not say what chose the epoch.
    """

    train: frozenset[str] = frozenset()
    val: frozenset[str] = frozenset()
    test: frozenset[str] = frozenset()
    unknown: frozenset[str] = frozenset()

    @classmethod
    def of_split(cls, parts: Mapping[str, Mapping[str, str]]) -> "TrainingImages":
        """Of the split of a run, {"train": {image id: record}, "val": ..., "test": ...}, without the names.

        >>> sorted(TrainingImages.of_split({"train": {"a": "px:1"}, "val": {"b": "px:2"}}).train)
        ['px:1']
        """
        return cls(*(frozenset(parts.get(part, {}).values()) for part in PARTS))

    def after(self, parent: "TrainingImages") -> "TrainingImages":
        """Those of a model that was fine-tuned from another one, whose images are its own as well.

        What only tested the parent is new to the child, and a test image of the child stays one where it merely chose
        the epoch of the parent.

        >>> child = TrainingImages(train=frozenset({"px:1"}), test=frozenset({"px:2"}))
        >>> parent = TrainingImages(train=frozenset({"px:3"}), val=frozenset({"px:2", "px:4"}))
        >>> both = child.after(parent)
        >>> sorted(both.train), sorted(both.val), sorted(both.test)
        (['px:1', 'px:3'], ['px:4'], ['px:2'])
        """
        train = self.train | parent.train
        used = _keys(train | self.val | self.test)
        val = self.val | {record for record in parent.val if not identity.keys(record) & used}
        return replace(self, train=train, val=val, unknown=self.unknown | parent.unknown)

    def find_overlap(self) -> frozenset[str]:
        """Keys of images that were held back for validation or test and trained on as well.

        >>> TrainingImages(frozenset({"px:1"}), frozenset({"px:1 look:9x9:ff", "px:2"})).find_overlap()
        frozenset({'px:1'})
        """
        return _keys(self.train) & _keys(self.val | self.test)

    def parts(self) -> dict[str, dict[str, str]]:
        """As `Run.split` gives it, with numbers for names."""
        return {part: {str(n): record for n, record in enumerate(sorted(getattr(self, part)))} for part in PARTS}

    @property
    def has_looks(self) -> bool:
        """Whether lossy copies of the training images can be recognized."""
        return any(identity.drop_look(record) != record for record in self.train)

    def without_looks(self) -> "TrainingImages":
        """For sharing: without what shows a little of the images.

        >>> TrainingImages(frozenset({"px:1 look:9x9:ff file:2"})).without_looks().train
        frozenset({'px:1 file:2'})
        """
        return replace(self, **{part: frozenset(map(identity.drop_look, getattr(self, part))) for part in PARTS})

    def to_values(self) -> dict[str, Any]:
        """For JSON; of more than MOST_LOOKS images without looks, and of more than MOST as not known."""
        number = len(self.train) + len(self.val) + len(self.test)
        images = self if number <= MOST_LOOKS else self.without_looks() if number <= MOST else UNKNOWN
        records = {part: sorted(getattr(images, part)) for part in PARTS}
        return {"version": VERSION, **records, "unknown": sorted(images.unknown)}

    @classmethod
    def from_values(cls, values: Any) -> "TrainingImages | None":
        """What `to_values` wrote, which may come from anybody; None for anything else.

        >>> images = TrainingImages(frozenset({"px:00112233445566ff"}), unknown=frozenset({"val"}))
        >>> TrainingImages.from_values(images.to_values()) == images
        True
        """
        if not isinstance(values, dict) or values.get("version") != VERSION:
            return None
        lists = [values.get(name) for name in (*PARTS, "unknown")]
        if not all(isinstance(words, list) and all(isinstance(word, str) for word in words) for words in lists):
            return None
        train, val, test, unknown = (frozenset(words) for words in lists if words is not None)
        good = all(map(_is_record, train | val | test)) and unknown <= set(PARTS)
        return cls(train, val, test, unknown) if good else None


UNKNOWN = TrainingImages(unknown=frozenset({"train", "val"}))


def join(first: TrainingImages, second: TrainingImages) -> TrainingImages:
    """What two sources say of one model: unknown is what both do not know.

    >>> join(UNKNOWN, TrainingImages(frozenset({"px:1"}))).unknown
    frozenset()
    """
    parts = {part: getattr(first, part) | getattr(second, part) for part in PARTS}
    return TrainingImages(**parts, unknown=first.unknown & second.unknown)


def unite(models: Sequence[TrainingImages]) -> TrainingImages:
    """Those of models that predict together: what one of them was trained on is no new image for all of them.

    Of k folds every image trains some member, so that none is left for validation.

    >>> first = TrainingImages(train=frozenset({"px:1"}), val=frozenset({"px:2"}), test=frozenset({"px:3"}))
    >>> second = TrainingImages(train=frozenset({"px:2"}), val=frozenset({"px:1"}), test=frozenset({"px:3"}))
    >>> both = unite([first, second])
    >>> sorted(both.train), sorted(both.val), sorted(both.test)
    (['px:1', 'px:2'], [], ['px:3'])
    """
    parts = {part: frozenset[str]().union(*(getattr(images, part) for images in models)) for part in PARTS}
    used = _keys(parts["train"])
    val = frozenset(record for record in parts["val"] if not identity.keys(record) & used)
    used |= _keys(val)
    test = frozenset(record for record in parts["test"] if not identity.keys(record) & used)
    return TrainingImages(parts["train"], val, test, frozenset[str]().union(*(images.unknown for images in models)))


def of_older_release(about: Mapping[str, Any]) -> TrainingImages | None:
    """Of a checkpoint that has its training images among other facts (`training.json`); None where it has not.

    >>> of_older_release({"trained_on": ["px:00112233445566ff"]}).unknown
    frozenset({'val'})
    """
    records = about.get(TRAINED_ON)
    if not isinstance(records, list) or not all(isinstance(record, str) and _is_record(record) for record in records):
        return None
    return TrainingImages(frozenset(records), unknown=frozenset({"val"}))


def load(folder: Path) -> TrainingImages | None:
    """What a checkpoint folder says of its images; None where it says nothing that can be read."""
    from unet_core.models import checkpoint

    stored = TrainingImages.from_values(checkpoint.load_facts(folder, checkpoint.IMAGES_FILE))
    return of_older_release(checkpoint.load_about(folder)) if stored is None else stored


def read(data: bytes) -> TrainingImages | None:
    """Those of the content of an `images.json`; None of anything else."""
    try:
        return TrainingImages.from_values(json.loads(data))
    except (ValueError, RecursionError):
        return None


def _is_record(record: str) -> bool:
    words = record.split(" ")
    return len(words) <= 4 and all(map(WORD.fullmatch, words))


def _keys(records: Iterable[str]) -> frozenset[str]:
    return frozenset[str]().union(*map(identity.keys, records))
