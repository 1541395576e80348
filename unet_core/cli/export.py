"""The command that writes a model for other programs: export."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from unet_core.cli.common import add_command, add_runs_dir
from unet_core.cli.output import echo, warn
from unet_core.errors import ConfigError
from unet_core.export.model.files import FORMATS
from unet_core.hub import resolve
from unet_core.sharing.licenses import LICENSES, UNKNOWN

if TYPE_CHECKING:
    from unet_core.cli.common import Commands

RANGES = ("255", "65535", "1")


def add_arguments(commands: "Commands") -> None:
    text = "write a model as ONNX, PyTorch program, safetensors or BioImage package"
    parser = add_command(commands, "export", export, text)
    text = "run id, run folder, checkpoint folder or Hub model (owner/name)"
    parser.add_argument("model", metavar="CHECKPOINT_OR_RUN", help=text)
    add_runs_dir(parser)
    text = "; ".join(f"{name}: {entry.description}" for name, entry in FORMATS.items())
    parser.add_argument("--format", choices=FORMATS, default="onnx", help=f"{text} (default: onnx)")
    parser.add_argument("-o", "--output", metavar="FILE", type=Path, required=True, help="file to write")
    text = "largest value of the images' type: 255 (8 bit), 65535 (16 bit), 1 (float) (default: as in the training)"
    parser.add_argument("--input-range", choices=RANGES, help=text)
    group = parser.add_argument_group("BioImage package")
    group.add_argument("--name", metavar="TEXT", help="name of the model (default: that of the file)")
    group.add_argument("--description", metavar="TEXT", default="", help="what the model is for")
    group.add_argument("--author", metavar="TEXT", default="", help="who made it")
    text = f"license of the model: {', '.join(LICENSES)} (default: {UNKNOWN})"
    group.add_argument("--license", metavar="NAME", choices=LICENSES, default=UNKNOWN, help=text)
    text = "image for the test and the cover, which everybody may see (default: drawn)"
    group.add_argument("--example", metavar="IMAGE", type=Path, help=text)


def export(parsed: argparse.Namespace) -> dict[str, Any]:
    """Write the best checkpoint of a run, or another model, as a file that other programs open.

    All but safetensors take the pixel values as they are stored and give probabilities, for images of any size. They
    are compared with the model first; a file that differs by more than 0.0001 in probability is not written.
    """
    from unet_core.export.model.bioimage_about import About
    from unet_core.io import images
    from unet_core.sharing import portable

    suffix = FORMATS[parsed.format].suffix
    if parsed.output.suffix.lower() != suffix:
        raise ConfigError(f"{parsed.output}: a file of format {parsed.format!r} ends in {suffix}. Rename it.")
    folder, run = resolve.find_checkpoint(str(parsed.model), parsed.runs_dir, tell=echo)
    about = About(parsed.name or parsed.output.stem, parsed.description, parsed.author, parsed.license)
    example = images.read(parsed.example) if parsed.example else None
    input_range = float(parsed.input_range) if parsed.input_range else None
    file = portable.write(folder, run, parsed.format, parsed.output, about, example, input_range)
    for note in file.notes:
        warn(note)
    return {
        "output": str(file.path),
        "format": file.format,
        "bytes": file.bytes,
        "largest_difference": file.difference,
        "input_range": file.input_range,
        "notes": list(file.notes),
    }
