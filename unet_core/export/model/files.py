"""The formats in which a model leaves UNet Studio, and the one function that writes them.

To add one, add an entry: command line, Python and the Share page follow.
"""

import io
import json
import zipfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from unet_core.errors import ConfigError, PredictionError, RunError
from unet_core.export.model import extras
from unet_core.io.files import replacement
from unet_core.io.pixels import Pixels

if TYPE_CHECKING:
    from unet_core.export.model.bioimage_about import About
    from unet_core.models.unet import UNet


@dataclass(frozen=True)
class Content:
    """A file as bytes. `difference` is the largest one of a probability, None where nothing was computed."""

    data: bytes
    difference: float | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Job:
    """What a format is made of: the model, its folder, the range of its images, what is said of it."""

    model: "UNet"
    folder: Path
    input_range: float
    about: "About"
    images: tuple[Pixels, ...] = ()
    example: Pixels | None = None


@dataclass(frozen=True)
class ModelFormat:
    """A format: `make` gives the file, `suffix` is that of its name, `packages` are needed for it."""

    label: str
    description: str
    suffix: str
    make: Callable[[Job], Content]
    packages: tuple[str, ...] = ()


@dataclass(frozen=True)
class ModelFile:
    """What was written. `difference` is the largest one of a probability from the model; None where none can be."""

    path: Path
    format: str
    bytes: int
    difference: float | None
    input_range: float
    notes: tuple[str, ...] = ()


def _onnx(job: Job) -> Content:
    from unet_core.export.model import onnx

    data, difference, _ = onnx.to_bytes(job.model, job.input_range, True, job.images)
    return Content(data, difference)


def _torch(job: Job) -> Content:
    from unet_core.export.model import parity, torch_program
    from unet_core.export.model.segmenter import Segmenter

    segmenter = Segmenter(job.model, job.input_range)
    data = torch_program.to_bytes(segmenter)
    config = job.model.config
    images = [*parity.test_images(config, job.input_range)]
    images += parity.fitting_images(job.images, config, job.input_range)
    difference = torch_program.difference(segmenter, data, images)
    parity.refuse_difference(difference, "PyTorch program")
    return Content(data, difference)


def _safetensors(job: Job) -> Content:
    from safetensors.torch import save

    from unet_core.export.model.standalone import standalone_code
    from unet_core.models import weight_file

    config = json.dumps(job.model.config.to_dict(), indent=2)
    tensors = {name: value.detach().cpu().contiguous() for name, value in job.model.state_dict().items()}
    files = {
        "model.safetensors": save(tensors, {weight_file.CONFIG_KEY: config}),
        "config.json": f"{config}\n".encode(),
    }
    notes: tuple[str, ...] = ()
    if code := standalone_code(job.model.config):
        files["predict.py"] = code.encode()
    else:
        notes = ("There is no predict.py for this architecture: the weights alone were written.",)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as packed:
        for name, data in files.items():
            entry = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
            entry.compress_type, entry.external_attr = zipfile.ZIP_DEFLATED, 0o644 << 16
            packed.writestr(entry, data)
    return Content(buffer.getvalue(), None, notes)


def _bioimage(job: Job) -> Content:
    from unet_core.export.model import bioimage, onnx
    from unet_core.export.model.segmenter import Segmenter

    weights, difference, _ = onnx.to_bytes(job.model, job.input_range, False, job.images)
    example = job.example
    if example is not None and example.shape[2] != job.model.config.in_channels:
        raise PredictionError(
            f"The example has {example.shape[2]} channels, the model takes {job.model.config.in_channels}. Choose "
            "another image."
        )
    notes = () if job.about.license in bioimage.SPDX else ("No license is stated: nobody but you may use the model.",)
    packed = bioimage.pack(Segmenter(job.model, job.input_range, False), weights, job.about, example)
    return Content(packed, difference, notes)


FORMATS: dict[str, ModelFormat] = {
    "onnx": ModelFormat("ONNX", "one file for ONNX Runtime, OpenCV and others", ".onnx", _onnx, extras.ONNX),
    "torch": ModelFormat("PyTorch program", "torch.export, for PyTorch without UNet Studio", ".pt2", _torch),
    "safetensors": ModelFormat(
        "safetensors", "ZIP with the weights and a predict.py that reads them", ".zip", _safetensors
    ),
    "bioimage": ModelFormat(
        "BioImage Model Zoo", "ZIP for deepImageJ (Fiji) and ilastik", ".zip", _bioimage, extras.ONNX
    ),
}


def get_format(name: str) -> ModelFormat:
    """Raises ConfigError.

    >>> get_format("onnx").suffix
    '.onnx'
    """
    if name not in FORMATS:
        raise ConfigError(f"Format {name!r} is not known. Choose one of {', '.join(FORMATS)}.")
    return FORMATS[name]


def make(
    folder: Path,
    format_name: str,
    about: "About | None" = None,
    images: Iterable[Pixels] = (),
    example: Pixels | None = None,
    input_range: float | None = None,
) -> tuple[Content, float]:
    """(the file of a checkpoint folder in a format, the range of its images).

    Raises ConfigError, CheckpointError, PredictionError.
    """
    chosen = get_format(format_name)
    if chosen.packages:
        extras.require(chosen.packages)
    from unet_core.export.model.bioimage_about import About
    from unet_core.export.model.input_range import range_of
    from unet_core.models.checkpoint import load_model

    model, warning = load_model(folder)
    notes: tuple[str, ...] = (warning,) if warning else ()
    if input_range is None:
        input_range = range_of(folder)
        if input_range is None:
            input_range = 255.0
            notes += ("The checkpoint does not say what type its images had: 8 bit (0 to 255) was taken.",)
    content = chosen.make(Job(model, folder, input_range, about or About(), tuple(images), example))
    return replace(content, notes=notes + content.notes), input_range


def write(
    folder: Path,
    format_name: str,
    path: Path,
    about: "About | None" = None,
    images: Iterable[Pixels] = (),
    example: Pixels | None = None,
    input_range: float | None = None,
) -> ModelFile:
    """Write the file of a checkpoint folder in a format, whole or not at all. Raises as `make`, and RunError."""
    content, used = make(folder, format_name, about, images, example, input_range)
    try:
        with replacement(path) as partial:
            partial.write_bytes(content.data)
    except OSError as error:
        raise RunError(f"{path}: cannot be written ({error.strerror or error}). Choose another file.") from error
    return ModelFile(path, format_name, len(content.data), content.difference, used, content.notes)
