"""The names that settings choose from, each with its description; free of torch, for pages and the command line."""

from collections.abc import Iterator, Mapping
from importlib import import_module


class Registry(Mapping[str, str]):
    """The names of a registry with their descriptions, read from it whenever they are asked for.

    A registry is a dictionary of entries that hold an implementation, its `description` and facts about it. It is named
    here by its path ("module:NAME") and not imported, since registries build on the settings and not the other way
    round. Its module must import without torch and numpy (a test holds it to that): a queued run waits with this alone.
    """

    def __init__(self, path: str, **more: str) -> None:
        """`more` are choices that are no entries, such as "auto"; they come first."""
        self._module, _, self._name = path.partition(":")
        self._more = more

    def _descriptions(self) -> dict[str, str]:
        entries = getattr(import_module(self._module), self._name)
        return self._more | {name: entry.description for name, entry in entries.items()}

    def __getitem__(self, name: str) -> str:
        return self._descriptions()[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._descriptions())

    def __len__(self) -> int:
        return len(self._descriptions())


LOSSES = Registry("unet_core.losses:LOSSES", auto="bce_dice for binary, cross_entropy_dice for multiclass segmentation")
AUGMENTATIONS = Registry("unet_core.data.augmentation:AUGMENTATIONS")
NORMS = Registry("unet_core.models.layers:NORMS")
ACTIVATIONS = Registry("unet_core.models.layers:ACTIVATIONS")
DOWNS = Registry("unet_core.models.layers:DOWNS")
UPS = Registry("unet_core.models.layers:UPS")
CLASS_WEIGHTS = {
    "none": "all pixels have the same weight",
    "auto": "median-frequency balancing: rare classes weigh more (bce, cross_entropy, focal and their sums with Dice)",
}
OPTIMIZERS = Registry("unet_core.training.optim:OPTIMIZERS")
SCHEDULES = Registry("unet_core.training.optim:SCHEDULES")
NORMALIZATIONS = {
    "zscore": "zero mean and unit standard deviation per image, over gray or RGB together, else per channel",
    "zscore_per_channel": "zero mean and unit standard deviation per image and channel, for stacks of unlike channels",
    "unit": "0..255 scaled to 0..1",
    "imagenet": "0..255 scaled to 0..1, then by ImageNet's mean and deviation, for RGB and encoders trained on it",
}
FIXED_NORMALIZATIONS = ("unit", "imagenet")  # the same numbers for every image: brightness and contrast stay
ENCODERS = {
    "plain": "blocks of convolutions, as in the 2015 paper",
    "resnet18": "ResNet-18 (He 2016), as in U-Nets of segmentation_models.pytorch; 14 million parameters in all",
    "resnet34": "ResNet-34 (He 2016), as in U-Nets of segmentation_models.pytorch; 24 million parameters in all",
    "resnet50": "ResNet-50 (He 2016), as in U-Nets of segmentation_models.pytorch; 33 million parameters in all",
}
ORDERS = {
    "conv_norm_act": "convolution, normalization, activation",
    "conv_act_norm": "convolution, activation, normalization",
}
PADDINGS = {
    "same": "padded convolutions: the mask has the size of the image",
    "valid": "unpadded convolutions: the mask is smaller than the image, tiles overlap (Ronneberger 2015)",
}
DEVICES = {
    "auto": "CUDA if available, else Apple MPS, else CPU",
    "cpu": "CPU",
    "cuda": "NVIDIA GPU",
    "mps": "Apple GPU",
}
PRECISIONS = {
    "auto": "bf16 where the device supports it (fp16 on older CUDA GPUs), else fp32",
    "fp32": "single precision",
    "bf16": "bfloat16 mixed precision",
    "fp16": "half precision with loss scaling, CUDA only",
}
SPLITS = {  # which images are evaluated, by the part of the training split they are in; "new" = in none of them
    "held-out": ("val", "test", "new"),
    "all": ("train", "val", "test", "new"),
    "train": ("train",),
    "val": ("val",),
    "test": ("test",),
}
LABELS = {
    "auto": "by the evidence of the masks",
    "classes": "each value is a class",
    "instances": "each value is one object",
}
UNLABELED = {
    "ask": "an error that names them",
    "leave_out": "they are left out",
    "empty": "nothing is to be seen in them: all background",
}
GROUPINGS = {  # what keeps images together in one part of a split; any other text is a regular expression
    "auto": "patients, slides, stacks and frames as the dataset shows them, and tiles of one image by their borders",
    "none": "every image is drawn alone",
    "folder": "by folder",
}
LAYOUTS = Registry("unet_core.data.layouts:LAYOUTS", auto="detected from the folder")
