"""A page that runs a model in the visitor's browser, as plain files: any web server serves it, none computes.

    items = make_page(evidence, CardOptions(title="cells"), runtime.load())
    write_page(items, Path("site"))

What runs in the browser lies in `template` (ES modules, HTML, CSS) and is copied; the viewer is that of the app.
"""

import base64
import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import unet_core
from unet_core.errors import RunError
from unet_core.io.files import write_atomically
from unet_core.runs import manage
from unet_core.runs.run import Run
from unet_core.sharing.evidence import Evidence
from unet_core.sharing.licenses import UNKNOWN
from unet_core.sharing.model_card import CardOptions
from unet_core.sharing.privacy import Leak, find_leaks
from unet_core.sharing.repository import Item
from unet_core.static_page import about, rules, runtime

TEMPLATE = Path(__file__).parent / "template"
PAGE, MODEL, WORKER, LIST = "page.json", "model.onnx", "sw.js", "files.json"
LEFT_OUT = ("package.json", "index.html", WORKER)
OF_VIEWER = ("viewer", "shared/dom.js", "shared/session.js")  # of the app's components
NOT_OF_VIEWER = ("viewer/__init__.py",)
MIT = """Permission is hereby granted, free of charge, to any person obtaining a copy of this software and associated
documentation files (the "Software"), to deal in the Software without restriction, including without limitation the
rights to use, copy, modify, merge, publish, distribute, sublicense, and/or sell copies of the Software, and to permit
persons to whom the Software is furnished to do so, subject to the following conditions: The above copyright notice and
this permission notice shall be included in all copies or substantial portions of the Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR IMPLIED, INCLUDING BUT NOT LIMITED TO THE
WARRANTIES OF MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE AUTHORS OR
COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR
OTHERWISE, ARISING FROM, OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE SOFTWARE.
"""


def make_page(
    evidence: Evidence,
    options: CardOptions,
    runtime_files: Mapping[str, bytes],
    progress: Callable[[str], None] = lambda stage: None,
) -> list[Item]:
    """All files of the page, index.html first.

    Args:
        evidence: Of the run whose model it is.
        options: Title, description, dataset and license.
        runtime_files: What `runtime.load` gives.
        progress: Gets what is done next.

    Raises:
        ConfigError: The model takes neither gray nor RGB images.
        CheckpointError: Its weights are damaged, or it cannot be exported.
    """
    from unet_core.models.checkpoint import load_model
    from unet_core.static_page import graph, probe

    config = evidence.model
    worker_rules = rules.rules(config)
    progress("Exporting the model")
    model, _ = load_model(evidence.folder)
    model.eval()
    files = _program()
    files |= {f"runtime/{name}": data for name, data in runtime_files.items()}
    files[MODEL] = graph.to_onnx(model, worker_rules["tiles"]["side"])
    progress("Writing the page")
    page: dict[str, Any] = {"title": options.title, "rules": worker_rules, "probe": probe.measure(model)}
    page |= rules.looks(config) | {"model": MODEL}
    page["files"] = {name: len(data) for name, data in files.items() if name == MODEL or name.startswith("runtime/")}
    files[PAGE] = json.dumps(page, allow_nan=False).encode()
    files["NOTICE.txt"] = _notice().encode()
    files["index.html"] = _index(evidence, options).encode()
    files[WORKER] = _service_worker(files).encode()
    files["README.md"] = _readme(options, evidence).encode("utf-8", "replace")
    files[LIST] = json.dumps(sorted(files), indent=1).encode()
    return [Item("index.html", files.pop("index.html")), *(Item(name, files[name]) for name in sorted(files))]


def title_of(run: Run) -> str:
    """What the page is called where nobody says it: as the run is, else after its dataset."""
    return manage.notes(run).name or f"{Path(run.config.data.root).name} U-Net"


def private_content(items: Sequence[Item], evidence: Evidence, allowed: Sequence[str] = ()) -> list[Leak]:
    """What must not be published: paths, tokens, names of user and host in the texts of the page."""
    texts = {item.name: item.data for item in items if item.name in ("index.html", PAGE, "README.md")}
    return find_leaks(texts, evidence.private, allowed=allowed)


def check_folder(folder: Path) -> None:
    """Raise RunError where `write_page` would refuse a folder, before any work is done."""
    _own_files(folder)


def write_page(items: Sequence[Item], folder: Path) -> None:
    """Write the files into a folder that is new, empty, or holds an older page, whose own files are replaced.

    Files of others in it (.git, CNAME) stay. Raises RunError where it holds something else, or cannot be written.
    """
    try:
        old = _own_files(folder)
        for item in items:
            path = folder / item.name
            path.parent.mkdir(parents=True, exist_ok=True)
            write_atomically(path, item.data)
        for name in set(old) - {item.name for item in items}:
            (folder / name).unlink(missing_ok=True)
    except OSError as error:
        raise RunError(f"{folder}: cannot be written ({error.strerror or error}). Free some space.") from error


def _own_files(folder: Path) -> list[str]:
    """The files of a page that is there already. Raises RunError where the folder is used for something else."""
    if folder.exists() and not folder.is_dir():
        raise RunError(f"{folder} is a file. Name a folder for the page.")
    try:
        names = json.loads((folder / LIST).read_bytes())
        return [name for name in names if isinstance(name, str) and ".." not in name and not name.startswith("/")]
    except FileNotFoundError:
        others = sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []
        visible = [name for name in others if not name.startswith(".")]
        if visible:
            raise RunError(
                f"{folder} is not empty (it holds {visible[0]}) and is not a page of UNet Studio. Name a new folder."
            ) from None
        return []
    except (ValueError, TypeError):
        raise RunError(f"{folder / LIST} is damaged. Name a new folder for the page.") from None


def components() -> Path:
    """The folder of the app's browser modules: in the installed package, else in the checkout. Raises RunError."""
    package = Path(unet_core.__file__).parent
    for base in (package / "_app", package.parent):
        if (base / "pages" / "components" / "viewer" / "viewer.js").is_file():
            return base / "pages" / "components"
    raise RunError(f"The app is not beside the package {package}. Install it with: pip install unet-studio.")


def _program() -> dict[str, bytes]:
    """What runs in the browser: the app's viewer, then the page's own modules, which replace two of it."""
    files: dict[str, bytes] = {}
    for base, tops in ((components(), OF_VIEWER), (TEMPLATE, ("",))):
        for path in sorted(base.rglob("*")):
            name = path.relative_to(base).as_posix()
            is_wanted = any(name == top or name.startswith(f"{top}/") or not top for top in tops)
            if is_wanted and path.suffix in (".js", ".css", ".svg") and name not in LEFT_OUT:
                files[name] = path.read_bytes()
    return files


def _index(evidence: Evidence, options: CardOptions) -> str:
    binary = evidence.model.num_classes == 1
    values = {
        "title": about.plain(options.title),
        "summary": about.summary(evidence, options),
        "least_label": "Remove objects below (px)" if binary else "Do not count objects below (px)",
        "mask_note": "In the mask file 255 is an object and 0 is background."
        if binary
        else "The mask file holds the number of each pixel's class.",
        "about": about.about(evidence, options),
        "made_with": about.made_with(),
    }
    text = (TEMPLATE / "index.html").read_text(encoding="utf-8")
    parts = text.split("{{")  # one pass: what a value holds is never replaced again
    return parts[0] + "".join(values[part.partition("}}")[0]] + part.partition("}}")[2] for part in parts[1:])


def _service_worker(files: Mapping[str, bytes]) -> str:
    """The page itself is kept under the address of its folder, unchecked: some hosts add a line to it."""
    kept = {name: data for name, data in files.items() if name != "index.html"} | {"./": files["index.html"]}
    digests = {
        name: "sha256-" + base64.b64encode(hashlib.sha256(data).digest()).decode() for name, data in kept.items()
    }
    version = hashlib.sha256(json.dumps(digests, sort_keys=True).encode()).hexdigest()[:16]
    digests["./"] = ""
    text = (TEMPLATE / WORKER).read_text(encoding="utf-8")
    return text.replace("{version}", version).replace("{files}", json.dumps(digests, indent=1, sort_keys=True))


def _readme(options: CardOptions, evidence: Evidence) -> str:
    """The front matter makes the folder a static Space of the Hugging Face Hub."""
    license_line = "" if options.license == UNKNOWN else f"license: {options.license}\n"
    return (
        f"---\ntitle: {json.dumps(options.title)}\nemoji: 🔬\ncolorFrom: blue\ncolorTo: yellow\nsdk: static\n"
        f"app_file: index.html\npinned: false\n{license_line}---\n\n"
        f"{about.summary(evidence, options)}\n\nThese are plain files: any web server serves them, from any folder.\n"
    )


def _notice() -> str:
    return (
        f"UNet Studio {unet_core.__version__}\nCopyright (c) 2026 The UNet Studio authors\n\n{MIT}\n\n"
        f"ONNX Runtime Web {runtime.VERSION}, in the folder runtime\nCopyright (c) Microsoft Corporation\n\n{MIT}"
    )
