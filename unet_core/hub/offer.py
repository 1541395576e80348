"""What a repository of the Hub would give: files, size, license, kind; some kilobytes of it are read for that.

The tensors' names and shapes are compared with the model that the files describe before any weight is fetched.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from unet_core.errors import HubError, listing
from unet_core.hub.fetch import ask, read_start
from unet_core.hub.repo_id import Reference
from unet_core.hub.watch import Watch
from unet_core.io.filenames import readable
from unet_core.models import foreign, weight_file
from unet_core.models.foreign import Recognized

CONFIG, WEIGHTS, SUMS = "config.json", "model.safetensors", "sha256"
BESIDE = {CONFIG: weight_file.MOST_CONFIG, SUMS: 2**16}  # bytes at most, of files beside the weights
BESIDE |= weight_file.MOST_EXTRAS
COMPUTING_SECONDS = 600.0  # for what this machine does itself, however slow it is
PICKLES = (".bin", ".pt", ".pth", ".ckpt", ".pkl", ".pickle", ".joblib")


@dataclass(frozen=True)
class Offer:
    """What a repository holds: `files` with their sizes are those that would be downloaded."""

    reference: Reference
    commit: str
    files: dict[str, int]
    left_out: tuple[str, ...]
    license: str  # "" = not stated
    is_private: bool
    is_gated: bool
    recognized: Recognized

    @property
    def size(self) -> int:
        """Bytes to download."""
        return sum(self.files.values())


def inspect(
    reference: Reference, info: Any, token: str | bool, endpoint: str, normalization: str, watch: Watch
) -> Offer:
    """From the listing, config.json and the header of the weights; refuses what could not be loaded."""
    silence = watch.silence
    watch.beat(COMPUTING_SECONDS)
    from unet_core.models import convert  # loads torch, which is no silence of the Hub

    def start_of(name: str, is_enough: Callable[[bytes], bool]) -> bytes:
        call = (reference.repo, info.sha, name, token, endpoint, is_enough)
        start: bytes = ask(reference, endpoint, "model", read_start, *call)
        watch.beat()
        return start

    watch.beat(silence)
    label = str(reference)
    items = {item.rfilename: item for item in info.siblings or ()}
    weights = _weights(items, label)
    files = {name: item.size for name, item in items.items() if name == weights or name in BESIDE}
    for name, size in files.items():
        most = BESIDE.get(name, weight_file.MOST_BYTES)
        if not isinstance(size, int) or not 0 <= size <= most:
            told = f"{size:,} bytes" if isinstance(size, int) else "no listed size"
            raise HubError(f"{label}: {readable(name)} has {told}, at most {most:,} are downloaded.")
    config = start_of(CONFIG, lambda start: len(start) > BESIDE[CONFIG]) if CONFIG in files else None
    start = start_of(weights, _has_header)
    header = weight_file.header_of(start, f"{label}, {readable(weights)}", total=files[weights])
    if config is None:
        config = header.metadata.get(weight_file.CONFIG_KEY, "").encode() or None
    recognized = foreign.with_normalization(foreign.recognize(config, header.shapes, label), normalization)
    watch.beat(COMPUTING_SECONDS)
    convert.check(recognized, header, label)
    return Offer(
        reference,
        info.sha,
        files,
        tuple(sorted(items.keys() - files.keys())),
        _license(info),
        bool(info.private),
        bool(info.gated),
        recognized,
    )


def _weights(items: dict[str, Any], label: str) -> str:
    """The name of the one file of weights. Raises HubError where there is none, or code beside it."""
    names = sorted(items)
    content = f"It contains {listing([readable(name) for name in names], 6)}." if names else "It is empty."
    top = [name for name in names if name.endswith(".safetensors") and "/" not in name and name[:5] != "state"]
    if code := [readable(name) for name in names if name.endswith(".py")]:
        raise HubError(
            f"{label}: contains code ({listing(code, 3)}), which its model may need, and code of others is not "
            f"run here. If the weights do without it, download {CONFIG} and {WEIGHTS} and add them as files."
        )
    if WEIGHTS in top or len(top) == 1:
        return WEIGHTS if WEIGHTS in top else top[0]
    if top:
        names_of_weights = listing([readable(name) for name in top], 3)
        raise HubError(f"{label}: several files of weights ({names_of_weights}). Add the one you want as a file.")
    if pickles := [readable(name) for name in names if name.lower().endswith(PICKLES)]:
        raise HubError(
            f"{label}: its weights may run code when they are opened ({listing(pickles, 3)}), so they are not "
            f"downloaded. Ask its owner for {WEIGHTS}, or convert them where you trust them and add that as a file."
        )
    raise HubError(f"{label}: not a model that can be loaded, {WEIGHTS} missing. {content}")


def _has_header(start: bytes) -> bool:
    length = int.from_bytes(start[:8], "little")
    return len(start) > 8 and (length > weight_file.MOST_HEADER or len(start) >= 8 + length)


def _license(info: Any) -> str:
    """What the card states, or ""."""
    tags = [tag.removeprefix("license:") for tag in info.tags or () if tag.startswith("license:")]
    return str(tags[0])[:80] if tags else ""
