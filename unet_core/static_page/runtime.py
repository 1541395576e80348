"""ONNX Runtime Web, which runs the model in the browser: one pinned release of the npm registry, checked and kept.

The files of the npm package that a page needs are taken from its tarball, whose SHA-512 is written down here: what the
registry, a mirror or a proxy sends is this release or is refused. WebAssembly is packed with gzip, which the page
unpacks: a quarter of the size from any web server, also one that compresses nothing.
"""

import base64
import gzip
import hashlib
import io
import os
import tarfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from http.client import HTTPException
from pathlib import Path

from unet_core.errors import Cancelled, ConfigError, HubError
from unet_core.io.files import cache_folder, replacement

VERSION = "1.30.0"
INTEGRITY = "sha512-q0y+JrrtukXSzsBWEMccVfqX25LRmosXHF+CaRJmg8pZClzcV7svNc4rKY3jL02Vb7QmRMDs1SigqR4CXAfKYQ=="
FILE = f"onnxruntime-web-{VERSION}.tgz"
REGISTRY = "https://registry.npmjs.org"
PARTS = {  # name in the page: name in the package
    "ort.wasm.mjs": "ort.wasm.bundle.min.mjs",
    "ort.wasm.wasm.gz": "ort-wasm-simd-threaded.wasm",
    "ort.webgpu.mjs": "ort.webgpu.bundle.min.mjs",
    "ort.webgpu.wasm.gz": "ort-wasm-simd-threaded.asyncify.wasm",
}
TRIES = 3
TIMEOUT = 20.0  # seconds without a byte
CHUNK = 1 << 20
LARGEST = 80_000_000  # bytes of a tarball; more is not it

Progress = Callable[[int, int], None]


def address() -> str:
    """Where the tarball is: at npm's registry, or at the mirror that npm's own variable names.

    >>> address().endswith("/onnxruntime-web/-/onnxruntime-web-1.30.0.tgz")
    True
    """
    names = ("NPM_CONFIG_REGISTRY", "npm_config_registry")
    base = next((os.environ[name] for name in names if os.environ.get(name)), REGISTRY)
    return f"{base.rstrip('/')}/onnxruntime-web/-/{FILE}"


def cached_file() -> Path:
    """Where the tarball is kept once it was downloaded."""
    return cache_folder() / "runtimes" / FILE


def load(
    file: Path | None = None,
    progress: Progress = lambda done, total: None,
    cancelled: Callable[[], bool] = lambda: False,
) -> dict[str, bytes]:
    """The files of the runtime by their names in the page.

    Args:
        file: The tarball `onnxruntime-web-1.30.0.tgz`, for machines without network; None: it is taken from the cache,
            or downloaded.
        progress: Called as `progress(bytes so far, of all)` while it is downloaded.
        cancelled: Asked meanwhile; where it says yes, Cancelled is raised.

    Raises:
        ConfigError: `file` is missing or is not this release.
        HubError: It cannot be downloaded, or what came is not this release.
    """
    if file is not None:
        try:
            data = file.read_bytes()
        except OSError as error:
            raise ConfigError(f"{file}: cannot be read ({error.strerror or error}). Give the file {FILE}.") from error
        if not is_intact(data):
            raise ConfigError(f"{file} is not {FILE} as published (its SHA-512 differs). Download it from {address()}.")
        return _unpack(data)
    return _unpack(_from_cache() or _download(progress, cancelled))


def is_intact(data: bytes) -> bool:
    """Whether this is the tarball that is pinned here."""
    return base64.b64encode(hashlib.sha512(data).digest()).decode() == INTEGRITY.removeprefix("sha512-")


def _from_cache() -> bytes | None:
    try:
        data = cached_file().read_bytes()
    except OSError:
        return None
    return data if is_intact(data) else None  # damaged: downloaded again


def _download(progress: Progress, cancelled: Callable[[], bool]) -> bytes:
    reason: object = ""
    for number in range(TRIES):
        try:
            data = _fetch(progress, cancelled)
        except (OSError, HTTPException) as error:
            reason = getattr(error, "reason", None) or error
            if isinstance(error, urllib.error.HTTPError) and error.code < 500:
                break
            if number + 1 < TRIES:
                time.sleep(0.5 * 2**number)
            continue
        if not is_intact(data):
            raise HubError(
                f"{address()} sent another file than was published as {FILE} (its SHA-512 differs); nothing of it was "
                "kept. Try another network, or give the right file with --runtime FILE."
            )
        path = cached_file()
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with replacement(path) as partial:
                partial.write_bytes(data)
        except OSError:
            pass  # a cache that cannot be written costs the next download, nothing else
        return data
    raise HubError(
        f"ONNX Runtime Web could not be downloaded from {address()} ({reason}). Connect to the internet once, or "
        f"download {FILE} elsewhere and give it with --runtime FILE."
    )


def _fetch(progress: Progress, cancelled: Callable[[], bool]) -> bytes:
    """The bytes at the address. Raises OSError, Cancelled."""
    data = bytearray()
    with urllib.request.urlopen(address(), timeout=TIMEOUT) as answer:
        total = int(answer.headers.get("Content-Length") or 0)
        while chunk := answer.read(CHUNK):
            data += chunk
            progress(len(data), max(total, len(data)))
            if cancelled():
                raise Cancelled("The download was canceled.")
            if len(data) > LARGEST:
                break
    if total and len(data) < total:
        raise OSError("the connection broke off")
    return bytes(data)


def _unpack(data: bytes) -> dict[str, bytes]:
    """The parts, WebAssembly packed again one by one. The tarball was checked: its members are known."""

    files = {}
    with tarfile.open(fileobj=io.BytesIO(data), mode="r:gz") as package:
        for name, member in PARTS.items():
            source = package.extractfile(f"package/dist/{member}")
            assert source is not None
            content = source.read()
            files[name] = gzip.compress(content, 9, mtime=0) if name.endswith(".gz") else content
    return files
