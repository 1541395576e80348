"""Rows E03 to E05 of the fault table: hostile archives, hostile weights, hostile names of models of the Hub."""
# ruff: noqa: N802 - the rows of the table have capital letters

import copy
import io
import json
import os
import pickle
import struct
import subprocess
import sys
import time
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from tests.helpers.hub_server import Repo, running_hub
from tests.helpers.processes import ROOT, picture, png
from unet_core.config.schema import ModelConfig
from unet_core.errors import CheckpointError
from unet_core.models.checkpoint import save_checkpoint
from unet_core.models.import_weights import import_model
from unet_core.models.unet import UNet

GOOD = png(picture(0)[0])
SMALL = ModelConfig(in_channels=1, num_classes=1, base_channels=2, depth=1, image_size=16)


# -------------------------------------------------------------------------------------------------------- E03 archives

LOOK_INTO = """
import json, resource, sys, time
from pathlib import Path
from unet_core.inference import inputs
from unet_core.errors import UnetError
inputs.gather([("a.png", sys.stdin.buffer.read())])  # everything is imported, and a picture was read
before, begun = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.monotonic()
found, broken = inputs.gather([("it.zip", Path(sys.argv[1]))]), []
for item in found.items:
    try:
        item.read()
    except UnetError as error:
        broken.append(str(error))
print(json.dumps({
    "seconds": time.monotonic() - begun,
    "mb": (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024,
    "names": [item.name for item in found.items],
    "problems": found.problems + broken,
}))
"""


def escaping() -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as file:
        for name in ("../out.png", "/tmp/out.png", "x/../../out.png", "C:\\out.png", "in.png"):
            file.writestr(zipfile.ZipInfo(name), GOOD)
        link = zipfile.ZipInfo("link.png")
        link.create_system, link.external_attr = 3, 0o120777 << 16
        file.writestr(link, "/etc/passwd")
    return data.getvalue()


def zeros(gibibytes: int) -> tuple[bytes, int, int]:
    """(raw deflate data, its checksum, bytes) of so many GiB of zeros, without making them."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    block = packer.compress(bytes(2**20)) + packer.flush(zlib.Z_FULL_FLUSH)
    return block * (1024 * gibibytes) + packer.flush(), 0, 2**30 * gibibytes


def entry(name: bytes, data: bytes, told: int) -> tuple[bytes, bytes]:
    """(the file with its own header, its line in the directory) of a deflated file that tells a size."""
    fields = struct.pack("<HHHHHIIIHH", 20, 0, 8, 0, 0, 0, len(data), told, len(name), 0)
    return b"PK\3\4" + fields + name + data, b"PK\1\2\x14\0" + fields + bytes(14) + name


def assembled(files: bytes, directory: bytes, entries: int) -> bytes:
    number = min(entries, 0xFFFF)
    return files + directory + struct.pack("<4sHHHHIIH", b"PK\5\6", 0, 0, number, number, len(directory), len(files), 0)


def bomb() -> bytes:
    data, _, size = zeros(1)
    return assembled(*entry(b"bomb.png", data, size), 1)


def overlapping_bomb() -> bytes:
    """Ten thousand names for the same 10 MB: 100 GB from 20 kB."""
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("0.png", bytes(10**7))
        for number in range(1, 10_000):
            again = copy.copy(file.filelist[0])
            again.filename = f"{number}.png"
            file.filelist.append(again)
    return data.getvalue()


def many_entries() -> bytes:
    files, line = entry(b"%07d.png" % 0, zlib.compress(b"", 9)[2:-4], 0)
    lines = (line.replace(b"0000000", b"%07d" % number) for number in range(200_000))
    return assembled(files, b"".join(lines), 200_000)


def lying(name: bytes) -> Callable[[], bytes]:
    """A GiB that calls itself a hundred bytes, before and behind."""
    return lambda: assembled(*entry(name, zeros(1)[0], 100), 1)


@pytest.mark.parametrize(
    ("make", "names", "says"),
    [
        (escaping, ["in.png"], ["leads out"] * 4 + ["a link"]),
        (bomb, [], ["would unpack to 1,073,741,824"]),
        (overlapping_bomb, [], ["would unpack to 100,000,000,000"]),
        (many_entries, [], ["list of entries takes"]),
        (lying(b"a.png"), ["a.png"], ["a.png is damaged"]),
        (lying(b"a.tif"), [], ["a.tif is damaged"]),
    ],
    ids=["path-escape", "bomb", "overlapping-bomb", "200000-entries", "lying-sizes", "lying-sizes-tiff"],
)
def test_E03_hostile_zip(make: Callable[[], bytes], names: list[str], says: list[str], tmp_path: Path) -> None:
    (tmp_path / "work").mkdir()
    (tmp_path / "work" / "it.zip").write_bytes(make())
    before = sorted(tmp_path.rglob("*"))
    done = subprocess.run(
        [sys.executable, "-c", LOOK_INTO, str(tmp_path / "work" / "it.zip")],
        input=GOOD, cwd=tmp_path / "work", env=os.environ | {"PYTHONPATH": str(ROOT)}, capture_output=True, timeout=60,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr.decode()
    found = json.loads(done.stdout)
    assert found["names"] == names
    assert len(found["problems"]) == len(says)
    assert all(word in problem for word, problem in zip(says, found["problems"], strict=True)), found["problems"]
    assert found["seconds"] < 3, "the table's number"
    assert found["mb"] < 64
    assert sorted(tmp_path.rglob("*")) == before, "something was unpacked"
    assert not Path("/tmp/out.png").exists()


# --------------------------------------------------------------------------------------------------------- E04 weights


class Evil:
    """Writes a file when it is unpickled."""

    def __init__(self, canary: str) -> None:
        self.canary = canary

    def __reduce__(self) -> tuple[object, ...]:
        return Path.write_text, (Path(self.canary), "touched")


def torch_zip(members: dict[str, bytes], method: int = zipfile.ZIP_STORED) -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", method) as file:
        for name, content in members.items():
            file.writestr(name, content)
    return data.getvalue()


def saved(content: object) -> bytes:
    data = io.BytesIO()
    torch.save(content, data)
    return data.getvalue()


def test_E04_the_canary_would_sing(tmp_path: Path) -> None:
    pickle.loads(pickle.dumps(Evil(str(tmp_path / "canary"))))
    assert (tmp_path / "canary").exists()


@pytest.mark.parametrize(
    ("name", "make", "says"),
    [
        ("a.pth", lambda canary: pickle.dumps(Evil(canary)), "not a file of PyTorch weights"),
        ("a.pth", lambda canary: saved({"inc.double_conv.0.weight": Evil(canary)}), "can be read safely"),
        ("a.pt", lambda canary: torch_zip({"a/data.pkl": b"\x80\2}.", "a/constants.pkl": b"."}), "TorchScript"),
        ("a.pt", lambda canary: torch_zip({"a/data/0": bytes(2**28)}, zipfile.ZIP_DEFLATED), "is compressed"),
        ("a.safetensors", lambda canary: giant_header(), "its header of"),
        ("a.zip", lambda canary: torch_zip({"model.safetensors": b"\xff" * 10, "config.json": b"{}"}), "ends before"),
    ],
    ids=["pickle", "pickle-in-zip", "torchscript", "compressed-members", "giant-header", "header-past-the-end"],
)
def test_E04_hostile_weights(name: str, make: Callable[[str], bytes], says: str, tmp_path: Path) -> None:
    data = make(str(tmp_path / "canary"))
    begun = time.process_time()
    with pytest.raises(CheckpointError, match=says):
        import_model({name: data}, tmp_path / "models")
    assert time.process_time() - begun < 0.1, "the table's number"
    assert list(tmp_path.iterdir()) == []


def giant_header() -> bytes:
    """Ten million entries of JSON, well-formed."""
    header = b'{"b":0' + b',"a":0' * 10**7 + b"}"
    return len(header).to_bytes(8, "little") + header


# ------------------------------------------------------------------------------------------------------------- E05 Hub

CANARY = "hf_canaryCANARYcanary"
PULL = """
import json, sys
from pathlib import Path
from unet_core.hub import resolve
from unet_core.errors import UnetError
control, *names = json.loads(sys.argv[1])
results = {}
for name in names:
    try:
        results[name] = sorted(path.name for path in resolve.download(name, Path(sys.argv[2])).iterdir())
    except UnetError as error:
        results[name] = f"{type(error).__name__}: {error}"
if control:
    from huggingface_hub import HfApi
    HfApi(endpoint=__import__("os").environ["HF_ENDPOINT"]).model_info("org/net")
print(json.dumps(results))
"""


def test_E05_hostile_repositories_and_no_token(tmp_path: Path) -> None:
    save_checkpoint(tmp_path / "made", UNet(SMALL))
    files = {path.name: path.read_bytes() for path in (tmp_path / "made").iterdir()}
    home = tmp_path / "home"
    for place in (home / "token", home / "hf" / "token"):
        place.parent.mkdir(exist_ok=True)
        place.write_text(CANARY)
    (home / "hf" / "stored_tokens").write_text(f"[mine]\nhf_token = {CANARY}\n")
    (home / ".netrc").write_text(f"machine 127.0.0.1 login me password {CANARY}\n")
    (home / ".netrc").chmod(0o600)
    huge = {f"part-{number}.bin": 200 * 10**6 for number in range(50_000)}  # 10 TB in all
    with running_hub() as server:
        server.repos |= {
            "org/net": Repo(files | {"pytorch_model.bin": pickle.dumps(1)}),
            "org/evil": Repo(files | {"evil.py": b"raise SystemExit"}),
            "org/pickle": Repo({"pytorch_model.bin": pickle.dumps(1), "config.json": files["config.json"]}),
            "org/huge": Repo(files, sizes={"model.safetensors": 10**13}),
            "org/many": Repo(files, sizes=huge, listed=list(huge)),
            "org/code": Repo({"config.json": b"{}", "modeling.py": b"raise SystemExit", "net.pkl": b"\x80"}),
            "org/private": Repo(files, refusal=(401, "RepoNotFound")),
            "org/gated": Repo(files, refusal=(403, "GatedRepo")),
        }
        odd = [
            "../x",
            "..",
            "org/../../etc",
            "/etc/passwd",
            "org/net/../../x",
            "http://evil.example/a/b",
            "org net",
            "",
            "a%2fb/c",
        ]
        names = [*odd, *server.repos]
        environment = {key: value for key, value in os.environ.items() if not key.startswith(("HF_", "HUGGING"))} | {
            "HOME": str(home), "HF_HOME": str(home / "hf"), "HF_ENDPOINT": server.endpoint, "HF_TOKEN": CANARY,
            "HUGGING_FACE_HUB_TOKEN": CANARY, "NETRC": str(home / ".netrc"), "PYTHONPATH": str(ROOT),
        }  # fmt: skip

        def pull(control: bool, *wanted: str) -> dict[str, object]:
            words = [sys.executable, "-c", PULL, json.dumps([control, *wanted]), str(tmp_path / "models")]
            done = subprocess.run(words, env=environment, capture_output=True, text=True, timeout=60)
            assert done.returncode == 0, done.stderr
            assert CANARY not in done.stdout + done.stderr
            results: dict[str, object] = json.loads(done.stdout)
            return results

        results = pull(False, *names)
        kept = ["config.json", "model.safetensors", "sha256", "source.json"]
        assert results["org/net"] == results["org/many"] == kept
        refusals = {name: str(results[name]) for name in names if results[name] != kept}
        assert set(refusals) == set(names) - {"org/net", "org/many"}
        assert all(text.startswith("HubError: ") for text in refusals.values())
        assert "10,000,000,000,000 bytes" in refusals["org/huge"]
        assert "contains code (modeling.py)" in refusals["org/code"]
        assert "contains code (evil.py)" in refusals["org/evil"]
        assert "may run code when they are opened (pytorch_model.bin)" in refusals["org/pickle"]
        assert "private" in refusals["org/private"]
        assert sorted(path.name for path in (tmp_path / "models").glob("[!.]*")) == ["org--many", "org--net"]
        fetched = {path.rsplit("/", 1)[1] for _, path, _ in server.requests if not path.startswith("/api/")}
        assert fetched == {"config.json", "model.safetensors", "sha256"}
        unwanted = tuple(f"{start}/org/{name}" for start in ("", "/cdn") for name in ("huge", "code", "evil", "pickle"))
        assert not any(path.startswith(unwanted) for _, path, _ in server.requests)
        assert CANARY not in server.headers()
        pull(True)
        assert CANARY in server.headers(), "the library sends it unasked, and this test would see it"
