"""The names that settings choose from, each with its description; free of torch, for pages and the command line."""

from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import Any


class Choices(dict[str, str]):
    """Names with their descriptions, and in `labels` the words by which menus show them."""

    def __init__(self, **entries: tuple[str, str]) -> None:
        """Each entry is (words of the menu, description)."""
        super().__init__({name: description for name, (_, description) in entries.items()})
        self.labels = {name: label for name, (label, _) in entries.items()}


class Registry(Mapping[str, str]):
    """The names of a registry with their descriptions, read from it whenever they are asked for.

    A registry is a dictionary of entries that hold an implementation, its `description`, the `label` by which menus
    show it ("": its name as words) and facts about it. It is named here by its path ("module:NAME") and not imported,
    since registries build on the settings and not the other way round. Its module must import without torch and numpy
    (a test holds it to that): a queued run waits with this alone.
    """

    def __init__(self, path: str, **more: tuple[str, str]) -> None:
        """`more` are choices that are no entries, such as "auto", as (label, description); they come first."""
        self._module, _, self._name = path.partition(":")
        self._more = Choices(**more)

    def _descriptions(self) -> dict[str, str]:
        return self._more | {name: entry.description for name, entry in self._entries().items()}

    def _entries(self) -> Mapping[str, Any]:
        entries: Mapping[str, Any] = getattr(import_module(self._module), self._name)
        return entries

    @property
    def labels(self) -> dict[str, str]:
        """The words of the menu by name; "" where an entry has none."""
        return self._more.labels | {name: entry.label for name, entry in self._entries().items()}

    def __getitem__(self, name: str) -> str:
        return self._descriptions()[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._descriptions())

    def __len__(self) -> int:
        return len(self._descriptions())


LOSSES = Registry(
    "unet_core.losses:LOSSES",
    auto=("Auto (cross-entropy + Dice)", "bce_dice for binary, cross_entropy_dice for multiclass segmentation"),
)
AUGMENTATIONS = Registry("unet_core.data.augmentation:AUGMENTATIONS")
NORMS = Registry("unet_core.models.layers:NORMS")
ACTIVATIONS = Registry("unet_core.models.layers:ACTIVATIONS")
DOWNS = Registry("unet_core.models.layers:DOWNS")
UPS = Registry("unet_core.models.layers:UPS")
CLASS_WEIGHTS = Choices(
    none=("None", "all pixels have the same weight"),
    auto=(
        "Auto (rare classes weigh more)",
        "median-frequency balancing: rare classes weigh more (bce, cross_entropy, focal and their sums with Dice)",
    ),
)
OPTIMIZERS = Registry("unet_core.training.optim:OPTIMIZERS")
SCHEDULES = Registry("unet_core.training.optim:SCHEDULES")
NORMALIZATIONS = Choices(
    zscore=(
        "Z-score",
        "zero mean and unit standard deviation per image, over gray or RGB together, else per channel",
    ),
    zscore_per_channel=(
        "Z-score per channel",
        "zero mean and unit standard deviation per image and channel, for stacks of unlike channels",
    ),
    unit=("Scale to 0..1", "0..255 scaled to 0..1"),
    imagenet=(
        "ImageNet",
        "0..255 scaled to 0..1, then by ImageNet's mean and deviation, for RGB and encoders trained on it",
    ),
)
FIXED_NORMALIZATIONS = ("unit", "imagenet")  # the same numbers for every image: brightness and contrast stay
ENCODERS = Choices(
    plain=("Plain", "blocks of convolutions, as in the 2015 paper"),
    resnet18=(
        "ResNet-18",
        "ResNet-18 (He 2016), as in U-Nets of segmentation_models.pytorch; 14 million parameters in all",
    ),
    resnet34=(
        "ResNet-34",
        "ResNet-34 (He 2016), as in U-Nets of segmentation_models.pytorch; 24 million parameters in all",
    ),
    resnet50=(
        "ResNet-50",
        "ResNet-50 (He 2016), as in U-Nets of segmentation_models.pytorch; 33 million parameters in all",
    ),
)
ORDERS = Choices(
    conv_norm_act=("Convolution, normalization, activation", "convolution, normalization, activation"),
    conv_act_norm=("Convolution, activation, normalization", "convolution, activation, normalization"),
)
PADDINGS = Choices(
    same=("Padded", "padded convolutions: the mask has the size of the image"),
    valid=(
        "Unpadded",
        "unpadded convolutions: the mask is smaller than the image, tiles overlap (Ronneberger 2015)",
    ),
)
DEVICES = Choices(
    auto=("Auto", "CUDA if available, else Apple MPS, else CPU"),
    cpu=("CPU", "CPU"),
    cuda=("NVIDIA GPU", "NVIDIA GPU"),
    mps=("Apple GPU", "Apple GPU"),
)
PRECISIONS = Choices(
    auto=("Auto", "bf16 where the device supports it (fp16 on older CUDA GPUs), else fp32"),
    fp32=("32-bit float", "single precision"),
    bf16=("bfloat16, mixed", "bfloat16 mixed precision"),
    fp16=("16-bit float, mixed", "half precision with loss scaling, CUDA only"),
)
SPLITS = {  # which images are evaluated, by the part of the training split they are in; "new" = in none of them
    "held-out": ("val", "test", "new"),
    "all": ("train", "val", "test", "new"),
    "train": ("train",),
    "val": ("val",),
    "test": ("test",),
}
SUBSETS = Choices(
    train=("train (trained on)", "the model, or one that it was fine-tuned from, was trained on it"),
    val=("val (chose the epoch)", "it was used to choose the best epoch, so its score is slightly too good"),
    test=("test (held out)", "part of the split, and never used in the training"),
    new=("new", "not part of the split of the training"),
)
METRIC_SETS = {  # what evaluate computes
    "basic": "Dice, IoU, precision, recall and accuracy",
    "all": "also outlines, objects, regions, classes and the causes of errors",
}
TUNED_METRICS = Choices(  # what a threshold can be chosen by
    dice=("Mean Dice", "mean Dice over images"),
    iou=("Mean IoU", "mean IoU over images"),
    v_rand=("V-Rand", "V-Rand of regions that thin lines divide, as cells between membranes"),
)
LABELS = Choices(
    auto=("Auto", "by the evidence of the masks"),
    classes=("Classes", "each value is a class"),
    instances=("Objects", "each value is one object"),
)
UNLABELED = Choices(
    ask=("Stop with an error", "an error that names them"),
    leave_out=("Leave out", "they are left out"),
    empty=("Use as background", "nothing is to be seen in them: all background"),
)
GROUPINGS = {  # what keeps images together in one part of a split; any other text is a regular expression
    "auto": "patients, slides, stacks and frames as the dataset shows them, and tiles of one image by their borders",
    "none": "every image is drawn alone",
    "folder": "by folder",
}
LAYOUTS = Registry("unet_core.data.layouts:LAYOUTS", auto=("Auto", "detected from the folder"))
