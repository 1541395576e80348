"""Modules of the static page, run by Node.js on values of a test."""

import base64
import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

TEMPLATE = Path(__file__).parents[2] / "unet_core" / "static_page" / "template"
NODE = shutil.which("node")
needs_node = pytest.mark.skipif(NODE is None, reason="Node.js is not installed; the browser tests cover the rest.")

# Arrays go in and out as {"type", "base64"}.
FRAME = """
const TYPES = {
  uint8: Uint8Array, uint16: Uint16Array, int32: Int32Array, float32: Float32Array, float64: Float64Array,
};
const revive = (key, value) => value && value.base64 !== undefined
  ? new TYPES[value.type](Uint8Array.from(Buffer.from(value.base64, "base64")).buffer) : value;
const pack = (key, value) => {
  const type = Object.keys(TYPES).find((name) => value instanceof TYPES[name]);
  if (!type) return value;
  return { type, base64: Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString("base64") };
};
let text = "";
for await (const part of process.stdin) text += part;
const input = JSON.parse(text, revive);
"""


def run(imports: str, code: str, value: Any) -> Any:
    """What `code`, an expression of `input`, gives. `imports`: "{ gridOf } from inference/tiling.js", one a line."""
    lines = []
    for line in imports.strip().splitlines():
        names, _, module = line.strip().partition(" from ")
        lines.append(f"import {names} from {json.dumps((TEMPLATE / module).as_uri())};")
    program = "\n".join([*lines, FRAME, f"process.stdout.write(JSON.stringify(await ({code}), pack));"])
    done = subprocess.run(
        [str(NODE), "--input-type=module", "-e", program], input=json.dumps(value, default=_pack), capture_output=True,
        text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout, object_hook=_unpack)


def image(pixels: NDArray[Any]) -> dict[str, Any]:
    """(H, W, C) as the page has an image."""
    height, width, channels = pixels.shape
    return {"width": width, "height": height, "channels": channels, "data": pixels}


def _pack(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return {"type": value.dtype.name, "base64": base64.b64encode(np.ascontiguousarray(value).tobytes()).decode()}
    if isinstance(value, bytes):
        return {"type": "uint8", "base64": base64.b64encode(value).decode()}
    return value.item()


def _unpack(value: dict[str, Any]) -> Any:
    if set(value) == {"type", "base64"}:
        return np.frombuffer(base64.b64decode(value["base64"]), value["type"])
    return value
