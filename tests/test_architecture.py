"""The layer table of unet_core/__init__.py holds, and so do the bans: no circle, no early torch, no pickle."""

import ast
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

import unet_core

ROOT = Path(__file__).parents[1]
CORE = ROOT / "unet_core"
FILES = sorted(CORE.glob("**/*.py"))
PAGES = [*sorted((ROOT / "pages").glob("**/*.py")), ROOT / "app.py"]


def table() -> dict[str, tuple[int, str]]:
    """Module: (layer, "no", "yes" or "late" for torch), as the docstring says."""
    rows = re.findall(r"^\| (\d+) \| ([^|]+) \| [^|]+ \| (no|yes|late) \|$", unet_core.__doc__ or "", re.MULTILINE)
    found = [(name.strip(), (int(layer), torch)) for layer, names, torch in rows for name in names.split(",")]
    assert len(found) == len(dict(found)), "a module stands in the table twice"
    return dict(found)


TABLE = table()


def imports(path: Path, early: bool = False) -> Iterator[str]:
    """The dotted names of all that a file imports, also inside functions unless only `early` ones are asked for."""
    waiting: list[ast.AST] = [ast.parse(path.read_text(encoding="utf-8"))]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: a relative import"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        if not (early and isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)):
            waiting += ast.iter_child_nodes(node)


def core_imports(path: Path, early: bool = False) -> set[str]:
    """The modules of unet_core that a file imports."""
    names = [name.split(".") for name in imports(path, early)]
    return {name[1] for name in names if name[0] == "unet_core" and len(name) > 1}


def test_the_reader_of_this_test_finds_late_imports_too() -> None:
    assert "unet_core.trainer" in set(imports(CORE / "worker.py"))
    assert "unet_core.trainer" not in set(imports(CORE / "worker.py", early=True))
    assert core_imports(CORE / "worker.py") >= {"runs", "samples", "errors", "trainer", "queue"}
    assert set(imports(CORE / "eventlog.py")) >= {"time", "pathlib.Path", "unet_core.events.decode"}


def test_every_file_stands_in_the_table_and_the_other_way_round() -> None:
    modules = {path.relative_to(CORE).with_suffix("").as_posix() for path in FILES} - {"__init__"}
    assert modules == set(TABLE)
    layers = [layer for layer, _ in TABLE.values()]
    assert layers == sorted(layers)
    assert set(layers) == set(range(1, max(layers) + 1))


@pytest.mark.parametrize("module", TABLE)
def test_a_module_imports_from_its_layer_and_those_above(module: str) -> None:
    layer, torch = TABLE[module]
    for other in core_imports(CORE / f"{module}.py") - {"__version__"}:
        assert other in TABLE, f"{module} imports {other}, which is no module"
        assert TABLE[other][0] <= layer, f"{module} (layer {layer}) imports {other} (layer {TABLE[other][0]})"
        assert torch != "no" or TABLE[other][1] == "no", f"{module} does without torch, {other} does not"


def test_there_is_no_circle() -> None:
    graph = {module: core_imports(CORE / f"{module}.py") - {"__version__"} for module in TABLE}
    TopologicalSorter(graph).prepare()  # CycleError names the circle


def test_importing_the_package_imports_nothing() -> None:
    assert list(imports(CORE / "__init__.py")) == []


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_the_core_knows_no_page(path: Path) -> None:
    tops = {name.partition(".")[0] for name in imports(path)}
    assert not tops & {"streamlit", "pages", "app", "tests"}


def test_what_does_without_torch_imports_neither_it_nor_albumentations_nor_streamlit() -> None:
    modules = [f"unet_core.{module}" for module, (_, torch) in TABLE.items() if torch != "yes"]
    wanted = {"runs", "config", "samples", "masks", "images", "worker", "synthetic", "history", "eventlog", "overlay"}
    assert wanted <= {module.removeprefix("unet_core.") for module in modules}
    program = (
        "import importlib, json, sys\n"
        "for name in sys.argv[1:]: importlib.import_module(name)\n"
        "print(json.dumps(sorted({name.partition('.')[0] for name in sys.modules})))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, *modules], cwd=ROOT, capture_output=True, text=True, check=True
    )
    loaded = set(json.loads(done.stdout))
    assert "unet_core" in loaded
    assert not loaded & {"torch", "albumentations", "streamlit", "safetensors", "pandas", "plotly"}


FOREIGN = CORE / "milesial.py"  # the one file that reads others' .pt files, after a look at their zip members
BANNED = {  # a crash on a name that is not UTF-8; code from a file
    "cv2.imread",
    "cv2.imreadmulti",
    "cv2.imwrite",
    "cv2.imwritemulti",
    "torch.load",
    "torch.save",
    "torch.jit.load",
    "torch.hub.load",
    "np.load",
    "numpy.load",
}
BANNED_MODULES = {"pickle", "cPickle", "_pickle", "dill", "cloudpickle", "joblib", "shelve", "marshal"}


def dotted(node: ast.AST) -> str:
    """`a.b.c` of an attribute or a name, else an empty string."""
    if isinstance(node, ast.Attribute):
        return f"{dotted(node.value)}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else ""


def is_safe_load(call: ast.Call) -> bool:
    """`torch.load(..., weights_only=True)`, which unpickles tensors and nothing else."""
    return dotted(call.func) == "torch.load" and any(
        word.arg == "weights_only" and isinstance(word.value, ast.Constant) and word.value.value is True
        for word in call.keywords
    )


def banned_in(path: Path, foreign: Path = FOREIGN) -> set[str]:
    nodes = list(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))
    safe = [node.func for node in nodes if isinstance(node, ast.Call) and is_safe_load(node)]
    used = {dotted(node) for node in nodes if path != foreign or node not in safe}
    named = set(imports(path))
    return (used | named) & BANNED | {name for name in named if name.partition(".")[0] in BANNED_MODULES}


@pytest.mark.parametrize("path", [*FILES, *PAGES], ids=lambda path: f"{path.parent.name}/{path.name}")
def test_nothing_banned_is_used(path: Path) -> None:
    assert banned_in(path) == set()


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("import cv2\ndef f(p):\n    return cv2.imread(p)", {"cv2.imread"}),
        ("from cv2 import imwrite as w", {"cv2.imwrite"}),
        ("def f():\n    import pickle", {"pickle"}),
        ("from torch import load", {"torch.load"}),
        ("import torch\ntorch.load('a.pt', weights_only=True)", {"torch.load"}),
        ('"""cv2.imread and torch.load in a docstring."""', set()),
    ],
)
def test_the_ban_finds_what_it_looks_for(tmp_path: Path, source: str, found: set[str]) -> None:
    (tmp_path / "a.py").write_text(source)
    assert banned_in(tmp_path / "a.py") == found


@pytest.mark.parametrize(
    ("call", "found"),
    [
        ("torch.load(p, weights_only=True)", set()),
        ("torch.load(p)", {"torch.load"}),
        ("torch.load(p, weights_only=False)", {"torch.load"}),
        ("torch.load(p, weights_only=safe)", {"torch.load"}),
        ("torch.load(p, weights_only=True), torch.load(q)", {"torch.load"}),
        ("(lambda f: f(p))(torch.load)", {"torch.load"}),
    ],
)
def test_foreign_weights_are_loaded_in_one_file_and_without_code(tmp_path: Path, call: str, found: set[str]) -> None:
    (tmp_path / "a.py").write_text(f"import torch\n{call}\n")
    assert banned_in(tmp_path / "a.py", foreign=tmp_path / "a.py") == found
