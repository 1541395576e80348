"""`export_model`: a trained model as a file that other programs open."""

from pathlib import Path
from typing import TYPE_CHECKING

from unet_core.runs.run import Run

if TYPE_CHECKING:
    from unet_core.export.model.files import ModelFile
    from unet_core.io.pixels import Pixels


def export_model(
    model: str | Path | Run,
    path: str | Path,
    *,
    format: str = "onnx",
    input_range: float | None = None,
    name: str = "",
    description: str = "",
    author: str = "",
    license: str = "",
    example: "str | Path | Pixels | None" = None,
    runs_dir: str | Path = "runs",
) -> "ModelFile":
    """Write a model as a file that other programs open, checked against the model itself.

    Args:
        model: A run, its id or folder (its best checkpoint is taken); a checkpoint folder; a model of the Hugging Face
            Hub as `org/name`.
        path: File to write; one that exists is replaced only where all went well.
        format: "onnx", "torch" (a `torch.export` program, .pt2), "safetensors" (a ZIP of the weights and a program that
            reads them without this package) or "bioimage" (a package of the BioImage Model Zoo). The first, second and
            last compute probabilities (N, K, H, W) in 0..1 from stored pixel values (N, C, H, W) float32, for images of
            any size; see docs/export.md.
        input_range: Largest value that the type of the images stands for: 255 (uint8), 65535 (uint16) or 1 (float);
            None for that of the training images.
        name: How a BioImage package calls the model.
        description: What it says of the model.
        author: Who made the model, for the package.
        license: An identifier of the Hub, such as "cc-by-4.0", for the package.
        example: Image for the test and the cover of a BioImage package, a file or an array (H, W) or (H, W, C); drawn
            where none is given.
        runs_dir: Folder of all runs.

    Returns:
        A `ModelFile` with `path`, `bytes`, `notes` and the largest `difference` of a probability from the model.

    Raises:
        ConfigError: The format is unknown, or its packages are not installed: `pip install "unet-studio[onnx]"`.
        CheckpointError: The model is damaged, or the file differs by more than 1e-4 in probability.
        RunError: There is no such model, or the file cannot be written.
        HubError: The model cannot be downloaded.
        PredictionError, ImageError: The example is not an image that the model takes.

    Example:
        >>> from unet_core import export_model
        >>> file = export_model("runs/" + run_id, "model.onnx")
        >>> file.difference < 1e-4, file.input_range
        (True, 255.0)
    """
    from unet_core.export.model.bioimage_about import About
    from unet_core.hub import resolve
    from unet_core.inference.inputs import read_source
    from unet_core.sharing import portable

    folder, run = resolve.find_checkpoint(str(model.folder if isinstance(model, Run) else model), Path(runs_dir))
    about = About(name or Path(path).stem, description, author, license)
    image = read_source(example)[0] if example is not None else None
    return portable.write(folder, run, format, Path(path), about, image, input_range)
