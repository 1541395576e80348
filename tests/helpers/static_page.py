"""Static pages of crafted models, and a plain file server on 127.0.0.1 that notes every request."""

import functools
import http.server
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import torch

from unet_core.config.schema import ModelConfig, RunConfig
from unet_core.errors import HubError
from unet_core.models.checkpoint import save_checkpoint
from unet_core.models.encoders import build_model
from unet_core.models.unet import UNet
from unet_core.runs.run import Run, create
from unet_core.sharing.evidence import gather
from unet_core.sharing.model_card import CardOptions
from unet_core.static_page import build, runtime


def load_runtime() -> dict[str, bytes]:
    """By the product's own code; kept beside the packages of this environment, so that it is downloaded once.

    Where npm's registry cannot be reached the test is skipped: nothing else has this file.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(Path(sys.prefix) / "cache"))
        try:
            return runtime.load()
        except HubError as error:
            if "could not be downloaded" not in str(error):
                raise
            pytest.skip(str(error))


def craft(folder: Path, config: ModelConfig, seed: int = 0) -> Run:
    """A run whose model was never trained, but gives blobs that cover about half of an image."""
    torch.manual_seed(seed)
    model = build_model(config).eval()
    rng = np.random.default_rng(seed)
    x = torch.from_numpy(rng.normal(size=(1, config.in_channels, 64, 64)).astype(np.float32))
    x = torch.nn.functional.interpolate(x[:, :, ::8, ::8], (64, 64), mode="bicubic")
    with torch.no_grad():
        for layer in model.modules():  # as after training: no two channels alike
            if isinstance(layer, torch.nn.BatchNorm2d):
                layer.running_mean.normal_(0, 0.1)
                layer.running_var.uniform_(0.8, 1.2)
                layer.bias.normal_(0, 0.1)
        logits = model(x)
        model.head.bias -= logits.flatten(2).median(2).values[0]
        model.head.weight *= 3 / logits.std()
        model.head.bias *= 3 / logits.std()
    run = create(folder, RunConfig().replace(root=str(folder / "cells")))
    save_checkpoint(run.best, model)
    return run


def publish(run: Run, folder: Path, files: dict[str, bytes], title: str = "Cells & <more>") -> UNet:
    """Write the page of a run; its model."""
    from unet_core.models.checkpoint import load_model

    build.write_page(build.make_page(gather(run), CardOptions(title), files), folder)
    return load_model(run.best)[0].eval()


@contextmanager
def serve(folder: Path) -> Iterator[tuple[str, list[str]]]:
    """The address of a server of plain files, as `python -m http.server` is one, and the paths it was asked for."""
    asked: list[str] = []

    class Handler(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            asked.append(self.path)

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Handler, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", asked
    finally:
        server.shutdown()
        server.server_close()
