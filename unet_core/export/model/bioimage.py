"""A model as a package of the BioImage Model Zoo (bioimage.io), which deepImageJ and ilastik read.

    rdf.yaml            what the model takes and gives, format 0.5 (github.com/bioimage-io/spec-bioimage-io)
    model.onnx          the weights; images are normalized before, by the program, as rdf.yaml says
    test-input.npy, test-output.npy    what `bioimageio test` compares
    cover.png, README.md

Normalization is not inside the ONNX file here: these programs cut large images into tiles, and must take mean and
deviation of the whole image before. There are no PyTorch weights in the package, since its format for them is a pickle.
"""

import hashlib
import io
import re
import zipfile
from pathlib import PurePosixPath
from typing import Any

import cv2
import numpy as np
import yaml

from unet_core import __version__
from unet_core.config.schema import ModelConfig
from unet_core.data.normalization import IMAGENET_MEAN, IMAGENET_STD
from unet_core.export.model import parity
from unet_core.export.model.bioimage_about import About
from unet_core.export.model.onnx import INPUT, OPSET, OUTPUT, channel_names, describe
from unet_core.export.model.segmenter import Segmenter
from unet_core.io.pixels import Pixels, encode_png, for_display
from unet_core.models import architecture

FORMAT_VERSION = "0.5.4"
FIXED_TIME = (1980, 1, 1, 0, 0, 0)  # of files in the ZIP: the same model gives the same bytes
SPDX = {  # the Hub's identifiers of licenses; others are left out
    "mit": "MIT",
    "apache-2.0": "Apache-2.0",
    "bsd-3-clause": "BSD-3-Clause",
    "cc0-1.0": "CC0-1.0",
    "cc-by-4.0": "CC-BY-4.0",
    "cc-by-sa-4.0": "CC-BY-SA-4.0",
    "cc-by-nc-4.0": "CC-BY-NC-4.0",
    "cc-by-nc-sa-4.0": "CC-BY-NC-SA-4.0",
    "gpl-3.0": "GPL-3.0-or-later",
    "agpl-3.0": "AGPL-3.0-or-later",
}
CITATION = "Ronneberger, Fischer, Brox 2015: U-Net: Convolutional Networks for Biomedical Image Segmentation"
EPSILON = 1e-6  # that the format adds to a deviation; it must be above 0
COVER_SIDE = 256  # pixels


def pack(segmenter: Segmenter, weights: bytes, about: About, example: Pixels | None = None) -> bytes:
    """The ZIP file. `weights` are ONNX without normalization, `example` an image (H, W, C) that may be public.

    Without an example, test and cover images are drawn.
    """
    config = segmenter.config
    image = _cut(config, example) if example is not None else draw_example(config, segmenter.input_range)
    expected = parity.probabilities(segmenter.network, image)
    files = {
        "model.onnx": weights,
        "test-input.npy": _array(image.transpose(2, 0, 1)[None].astype(np.float32)),
        "test-output.npy": _array(expected[None]),
        "cover.png": _cover(image, expected, config),
        "README.md": _readme(segmenter, about).encode(),
    }
    sums = {name: hashlib.sha256(data).hexdigest() for name, data in files.items()}
    text = yaml.safe_dump(describe_package(segmenter, about, sums), sort_keys=False, allow_unicode=True)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as packed:
        for name, data in {"rdf.yaml": text.encode(), **files}.items():
            entry = zipfile.ZipInfo(str(PurePosixPath(name)), FIXED_TIME)
            entry.compress_type, entry.external_attr = zipfile.ZIP_DEFLATED, 0o644 << 16
            packed.writestr(entry, data)
    return buffer.getvalue()


def describe_package(segmenter: Segmenter, about: About, sums: dict[str, str]) -> dict[str, Any]:
    """What rdf.yaml has; `sums` are the SHA-256 of the files."""
    config = segmenter.config
    cell, halo = segmenter.cell, halo_of(config)

    def file(name: str) -> dict[str, str]:
        return {"source": name, "sha256": sums[name]}

    taken = [{"type": "space", "id": axis, "size": {"min": 2 * halo + cell, "step": cell}} for axis in "yx"]
    given = [
        {"type": "space", "id": axis, "size": {"tensor_id": INPUT, "axis_id": axis}, "halo": halo} for axis in "yx"
    ]
    inputs = [
        {
            "id": INPUT,
            "description": "Pixel values as the image file has them",
            "axes": [
                {"type": "batch"},
                _channels(channel_names(config)),
                *taken,
            ],
            "data": {"type": "float32"},
            "preprocessing": preprocessing(config, segmenter.input_range),
            "test_tensor": file("test-input.npy"),
        }
    ]
    classes = class_names(config)
    outputs = [
        {
            "id": OUTPUT,
            "description": f"Probability of each class: {', '.join(classes)}",
            "axes": [{"type": "batch"}, _channels(classes), *given],
            "data": {"type": "float32", "range": [0.0, 1.0]},
            "test_tensor": file("test-output.npy"),
        }
    ]
    package: dict[str, Any] = {
        "format_version": FORMAT_VERSION,
        "type": "model",
        "name": " ".join(re.sub(r"[^\w\- ()+]", " ", about.name, flags=re.ASCII).split())[:120] or "U-Net",
        "description": about.description[:1000] or f"U-Net that segments {', '.join(classes)}",
        "authors": [{"name": about.author or "not stated"}],
        "cite": [{"text": CITATION, "doi": "10.1007/978-3-319-24574-4_28"}],
        "documentation": "README.md",
        "covers": ["cover.png"],
        "tags": ["segmentation", "unet", "2d", "unet-studio"],
        "inputs": inputs,
        "outputs": outputs,
        "weights": {"onnx": {**file("model.onnx"), "opset_version": OPSET}},
        "config": {"unet_studio": describe(config, segmenter.input_range, segmenter.is_inside)},
    }
    if about.license in SPDX:
        package["license"] = SPDX[about.license]
    return package


def preprocessing(config: ModelConfig, input_range: float) -> list[dict[str, Any]]:
    """The normalization in the words of the format.

    Mean and deviation of an image are divided by its deviation, which here is a gray level at least; the format has no
    such floor, so images that are flat to less than one level differ.

    >>> preprocessing(ModelConfig(in_channels=1, num_classes=1, normalization="unit"), 255)
    [{'id': 'scale_linear', 'kwargs': {'gain': 0.00392156862745098}}]
    """
    channels = config.in_channels
    if config.normalization == "unit":
        return [{"id": "scale_linear", "kwargs": {"gain": 1 / input_range}}] if input_range != 1 else []
    if config.normalization == "imagenet":
        gain = [1 / (float(deviation) * input_range) for deviation in IMAGENET_STD]
        offset = [-float(mean) / float(deviation) for mean, deviation in zip(IMAGENET_MEAN, IMAGENET_STD, strict=True)]
        return [{"id": "scale_linear", "kwargs": {"axis": "channel", "gain": gain, "offset": offset}}]
    by_channel = channels > 1 and (config.normalization == "zscore_per_channel" or channels != 3)
    axes = ["y", "x"] if by_channel else ["channel", "y", "x"]
    return [{"id": "zero_mean_unit_variance", "kwargs": {"axes": axes, "eps": EPSILON}}]


def halo_of(config: ModelConfig) -> int:
    """Pixels at the edge of a tile that a program takes from the next one: whole cells, a quarter of a crop at most."""
    cell = 1 << config.depth
    reach = (architecture.receptive_field(config) + cell) // 2
    return max(cell, min(reach, config.image_size // 4) // cell * cell)


def class_names(config: ModelConfig) -> list[str]:
    """Of the output's channels: one for the foreground, else one for each class."""
    if config.num_classes == 1:
        return [config.names[1] if len(config.names) > 1 else "foreground"]
    return [config.class_name(index) for index in range(config.num_classes)]


def draw_example(config: ModelConfig, input_range: float) -> Pixels:
    """(S, S, C) disks on a slope with noise, in the type of the range, for where no image may be shown."""
    side, random = _side(config, config.image_size), np.random.default_rng(0)
    y, x = np.mgrid[:side, :side] / side
    values = 0.15 + 0.1 * x[:, :, None] + 0.05 * random.random((side, side, config.in_channels))
    for top, left, radius in random.random((12, 3)):
        disk = (y - top) ** 2 + (x - left) ** 2 < (0.03 + 0.07 * radius) ** 2
        values[disk] += 0.3 + 0.2 * radius
    dtype = {255.0: np.uint8, 65535.0: np.uint16}.get(input_range, np.float32)
    return np.asarray(np.clip(values, 0, 1) * input_range, dtype)


def _side(config: ModelConfig, least: int) -> int:
    """A side that rdf.yaml allows, as test images must have."""
    cell = 1 << config.depth
    smallest = 2 * halo_of(config) + cell
    return smallest + max(0, -(-(least - smallest) // cell)) * cell


def _cut(config: ModelConfig, image: Pixels) -> Pixels:
    """The middle of an image, in sides that rdf.yaml allows and of no more than two crops; mirrored if it is small."""
    for axis in (0, 1):
        length = image.shape[axis]
        side = _side(config, min(length, 2 * config.image_size) // (1 << config.depth) * (1 << config.depth))
        if length >= side:
            first = (length - side) // 2
            image = image.take(range(first, first + side), axis)
        else:
            border = [(0, 0)] * 3
            border[axis] = (0, side - length)
            image = np.pad(image, border, mode="reflect")
    return np.ascontiguousarray(image)


def _channels(names: list[str]) -> dict[str, Any]:
    """The axis of channels, whose names the format wants to be unique."""
    unique: list[str] = []
    for name in names:
        unique.append(name if name not in unique else f"{name} {len(unique)}")
    return {"type": "channel", "channel_names": unique}


def _array(values: np.ndarray[Any, Any]) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, np.ascontiguousarray(values), allow_pickle=False)
    return buffer.getvalue()


def _cover(image: Pixels, probabilities: np.ndarray[Any, Any], config: ModelConfig) -> bytes:
    """Image and mask side by side, 2:1."""
    shown = for_display(image)
    shown = np.repeat(shown, 3, axis=2) if shown.shape[2] == 1 else shown
    if config.num_classes == 1:
        mask = (probabilities[0] > config.threshold) * np.uint8(255)
    else:
        mask = (probabilities.argmax(0) * (255 // (config.num_classes - 1))).astype(np.uint8)
    both = [shown, np.repeat(mask[:, :, None], 3, axis=2)]
    sized = [
        cv2.resize(np.ascontiguousarray(part), (COVER_SIDE, COVER_SIDE), interpolation=cv2.INTER_AREA) for part in both
    ]
    return encode_png(np.hstack(sized).astype(np.uint8))


def _readme(segmenter: Segmenter, about: About) -> str:
    config, classes = segmenter.config, class_names(segmenter.config)
    rule = (
        f"A pixel is {classes[0]} where the probability is above {config.threshold:g}."
        if config.num_classes == 1
        else "A pixel is of the class with the largest probability."
    )
    channels = ", ".join(channel_names(config))
    return (
        "\n\n".join(
            [
                f"# {about.name}",
                about.description or "A U-Net for semantic segmentation.",
                f"Input: {channels}; values from 0 to {segmenter.input_range:g}. Output: {', '.join(classes)}. {rule}",
                "# Validation",
                "Compare masks with some that people drew, as `unet-studio evaluate` does: those of another microscope "
                "may be segmented worse. The weights give the same as the model in UNet Studio to 0.0001.",
                f"Trained on crops of {config.image_size} x {config.image_size} pixels with UNet Studio {__version__}.",
            ]
        )
        + "\n"
    )
