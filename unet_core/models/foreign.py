"""Weights of other programs, recognized by their files: what they are, as settings of ours and as names of tensors.

| kind | recognized by |
|---|---|
| segmentation_models.pytorch `Unet` | a config.json with `_model_class` "Unet"; ResNet-18, -34 and -50 as encoder |
| milesial/Pytorch-UNet | tensors `inc.double_conv...`, `down1...`, `up1...`, `outc.conv` |
| mateuszbuda/brain-segmentation-pytorch | tensors `encoder1.enc1conv1...`, `bottleneck...`, `conv` |

Nothing is guessed in silence: what a file does not say (how images were normalized) is a note, and what a model of ours
cannot do is refused. No torch here; `convert` has the tensors.
"""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from unet_core.config.choices import ENCODERS
from unet_core.config.schema import ModelConfig
from unet_core.errors import CheckpointError, ConfigError, listing
from unet_core.io.filenames import readable
from unet_core.models import weight_file

Shapes = Mapping[str, tuple[int, ...]]


@dataclass(frozen=True)
class Kind:
    """A program that writes weights: how it calls a tensor that has `name` in our model."""

    title: str
    name_of: Callable[[str], str]
    may_have: str = r"(?!)"  # pattern of tensors that may be there beside those of the model
    skip_last: bool = False  # what comes from below is joined before the skip connection, ours the other way round


@dataclass(frozen=True)
class Recognized:
    """A kind, the settings of the model, and sentences about what the file does not say."""

    kind: Kind
    config: ModelConfig
    notes: tuple[str, ...] = ()


LAYERS = {"0": "conv1", "1": "norm1", "3": "conv2", "4": "norm2"}  # of a block of ours, as mateuszbuda calls them


def _milesial_name(name: str) -> str:
    """
    >>> [_milesial_name(name) for name in ("encoder.0.3.weight", "encoder.2.0.weight", "up.0.bias", "head.bias")]
    ['inc.double_conv.3.weight', 'down2.maxpool_conv.1.double_conv.0.weight', 'up1.up.bias', 'outc.conv.bias']
    """
    part, _, rest = name.partition(".")
    if part == "head":
        return f"outc.conv.{rest}"
    if part == "bottleneck":
        return f"down4.maxpool_conv.1.double_conv.{rest}"
    number, _, rest = rest.partition(".")
    if part == "encoder":
        return f"down{number}.maxpool_conv.1.double_conv.{rest}" if int(number) else f"inc.double_conv.{rest}"
    return f"up{int(number) + 1}.{'up' if part == 'up' else 'conv.double_conv'}.{rest}"


def _brain_name(name: str) -> str:
    """
    >>> [_brain_name(name) for name in ("encoder.0.0.weight", "bottleneck.1.bias", "up.0.bias", "decoder.3.4.weight")]
    ['encoder1.enc1conv1.weight', 'bottleneck.bottlenecknorm1.bias', 'upconv4.bias', 'decoder1.dec1norm2.weight']
    """
    part, _, rest = name.partition(".")
    if part == "head":
        return f"conv.{rest}"
    if part == "bottleneck":
        index, _, rest = rest.partition(".")
        return f"bottleneck.bottleneck{LAYERS[index]}.{rest}"
    number, _, rest = rest.partition(".")
    level = int(number) + 1 if part == "encoder" else 4 - int(number)
    if part == "up":
        return f"upconv{level}.{rest}"
    index, _, rest = rest.partition(".")
    return f"{part}{level}.{part[:3]}{level}{LAYERS[index]}.{rest}"


OWN = Kind("UNet Studio", str)
SMP = Kind("segmentation_models.pytorch Unet", str)
MILESIAL = Kind("milesial/Pytorch-UNet", _milesial_name, may_have=r".*double_conv\.[03]\.bias")  # of older versions
BRAIN = Kind("mateuszbuda/brain-segmentation-pytorch", _brain_name, skip_last=True)

NORMALIZED = "The files do not say how images were normalized; {} is assumed. Choose another normalization if not."
SMP_DEFAULTS: dict[str, Any] = {
    "encoder_name": "resnet34",
    "encoder_depth": 5,
    "encoder_weights": "imagenet",
    "decoder_use_norm": "batchnorm",
    "decoder_channels": [256, 128, 64, 32, 16],
    "decoder_attention_type": None,
    "decoder_interpolation": "nearest",
    "in_channels": 3,
    "classes": 1,
    "activation": None,
    "aux_params": None,
}


def recognize(config: bytes | str | None, shapes: Shapes | None, label: str) -> Recognized:
    """What files hold: `config`, the text of a config.json, and the shapes of the tensors, as far as they are known.

    Of a foreign kind without a config of its own the shapes decide. `label` is for messages. Raises CheckpointError.
    """
    values = _read(config)
    if "_model_class" in values:
        return _of_smp(values, label)
    if shapes is not None and "inc.double_conv.0.weight" in shapes:
        return _of_milesial(shapes, label)
    if shapes is not None and "encoder1.enc1conv1.weight" in shapes:
        return _of_brain(shapes, label)
    if config is None:
        raise CheckpointError(
            f"{label}: weights without the config.json that describes them, and not those of milesial/Pytorch-UNet or "
            f"mateuszbuda's brain U-Net (it begins with {_first(shapes)}). Add the config.json to the same folder."
        )
    return Recognized(OWN, weight_file.config_from(config, f"{label}, config.json"))


def with_normalization(recognized: Recognized, normalization: str) -> Recognized:
    """The same with the normalization that a user states in place of the assumed one ("" = keep it).

    Raises ConfigError.
    """
    if not normalization or normalization == recognized.config.normalization:
        return recognized
    if recognized.kind is OWN:
        raise ConfigError(
            f"normalization {normalization!r}: a model of UNet Studio says itself how images are normalized "
            f"({recognized.config.normalization}). Leave it out."
        )
    return replace(recognized, config=replace(recognized.config, normalization=normalization), notes=())


def differences(expected: Shapes, found: Shapes, may_have: str = r"(?!)") -> list[str]:
    """What differs between the tensors of a model and of a file, missing ones first, each in words."""
    missing = [f"{readable(name)} is missing" for name in expected if name not in found]
    wrong = [
        f"{readable(name)} has shape {_shape(found[name])} instead of {_shape(shape)}"
        for name, shape in expected.items()
        if name in found and found[name] != shape
    ]
    extra = [name for name in found if name not in expected and not re.fullmatch(may_have, name)]
    return missing + wrong + [f"{readable(name[:80])} is not of this model" for name in extra]


def _shape(shape: tuple[int, ...]) -> str:
    return "x".join(map(str, shape)) or "()"


def _first(shapes: Shapes | None) -> str:
    return repr(readable(next(iter(shapes))[:80])) if shapes else "nothing"


def _read(config: bytes | str | None) -> dict[str, Any]:
    if config is None or len(config) > weight_file.MOST_CONFIG:
        return {}
    try:
        values = json.loads(config)
    except (ValueError, RecursionError):
        return {}
    return values if isinstance(values, dict) else {}


def _of_smp(given: Mapping[str, Any], label: str) -> Recognized:
    """An smp `Unet`; what is left out of its config has that library's default."""

    def refuse(name: str, value: object, remedy: str) -> CheckpointError:
        return CheckpointError(f"{label}: {name} {str(value)[:60]!r} of segmentation_models.pytorch: {remedy}")

    kind = given["_model_class"]
    if kind != "Unet":
        raise refuse("model", kind, "only Unet can be loaded.")
    values = SMP_DEFAULTS | {name: value for name, value in given.items() if name != "_model_class"}
    if "decoder_use_batchnorm" in values:  # its name before version 0.5
        values["decoder_use_norm"] = values.pop("decoder_use_batchnorm")
    if unknown := sorted(values.keys() - SMP_DEFAULTS.keys()):
        raise refuse("setting", listing(unknown, 3), "not known here, so its model is not loaded.")
    encoders = [name for name in ENCODERS if name != "plain"]
    if values["encoder_name"] not in encoders:
        raise refuse("encoder_name", values["encoder_name"], f"only {', '.join(encoders)} can be loaded.")
    if values["encoder_depth"] != 5:
        raise refuse("encoder_depth", values["encoder_depth"], "only 5 can be loaded.")
    norm = {True: "batch", "batchnorm": "batch", False: "none", "identity": "none"}.get(
        _key(values["decoder_use_norm"])
    )
    if norm is None:
        raise refuse("decoder_use_norm", values["decoder_use_norm"], "only batchnorm and none can be loaded.")
    for name in ("decoder_attention_type", "aux_params"):
        if values[name] is not None:
            raise refuse(name, values[name], "not supported; only models without it can be loaded.")
    if values["decoder_interpolation"] not in ("nearest", "bilinear"):
        raise refuse(
            "decoder_interpolation", values["decoder_interpolation"], "only nearest and bilinear can be loaded."
        )
    widths = values["decoder_channels"]
    last = widths[-1] if isinstance(widths, list) and len(widths) == 5 else 0
    if type(last) is not int or widths != [last * 2**level for level in (4, 3, 2, 1, 0)]:
        raise refuse("decoder_channels", widths, "only five that halve at each level, as 256 to 16, can be loaded.")
    classes, activation = values["classes"], values["activation"]
    if activation not in (
        (None, "identity", "sigmoid") if classes == 1 else (None, "identity", "softmax", "softmax2d")
    ):
        raise refuse("activation", activation, "a pixel is of one class here; classes that overlap cannot be loaded.")
    normalization = "imagenet" if values["in_channels"] == 3 else "unit"
    notes = [NORMALIZED.format(f"{normalization!r}")]
    if classes != 1 and activation not in ("softmax", "softmax2d"):
        notes.append(f"Its {classes} classes are taken to exclude each other (softmax), class 0 as background.")
    config = _config(
        label,
        in_channels=values["in_channels"],
        num_classes=classes,
        encoder=values["encoder_name"],
        base_channels=last,
        depth=5,
        up=values["decoder_interpolation"],
        norm=norm,
        head_kernel=3,
        normalization=normalization,
    )
    return Recognized(SMP, config, tuple(notes))


def _key(value: object) -> Any:
    return value if isinstance(value, bool | str) else None


def _of_milesial(shapes: Shapes, label: str) -> Recognized:
    first, head = shapes["inc.double_conv.0.weight"], shapes.get("outc.conv.weight", (0,))
    up = "transposed" if "up1.up.weight" in shapes else "bilinear_aligned"
    config = _config(label, **_sizes(first, head), up=up, normalization="unit", image_size=512)
    return Recognized(MILESIAL, config, (NORMALIZED.format("'unit' (0 to 1), as its own program does,"),))


def _of_brain(shapes: Shapes, label: str) -> Recognized:
    first, head = shapes["encoder1.enc1conv1.weight"], shapes.get("conv.weight", (0,))
    if head[0] != 1:
        raise CheckpointError(
            f"{label}: {head[0]} output channels; mateuszbuda's U-Net ends in a sigmoid, so only one can be loaded."
        )
    config = _config(label, **_sizes(first, head), normalization="zscore_per_channel", image_size=256)
    note = (
        "Trained on MRI slices of 256 x 256 px whose channels are pre-contrast, FLAIR and post-contrast, normalized "
        "over the whole volume; here each slice is normalized by itself."
    )
    return Recognized(BRAIN, config, (note,))


def _sizes(first: tuple[int, ...], head: tuple[int, ...]) -> dict[str, Any]:
    return {
        "in_channels": first[1] if len(first) == 4 else 0,
        "num_classes": head[0] if head else 0,
        "base_channels": first[0] if first else 0,
    }


def _config(label: str, **values: Any) -> ModelConfig:
    try:
        config = ModelConfig(**values)
    except ConfigError as error:
        raise CheckpointError(f"{label}: no model that can be built here. {error}") from error
    if config.in_channels < 1 or config.num_classes < 1:
        raise CheckpointError(f"{label}: its first or last layer is missing, or has no channels.")
    return config
