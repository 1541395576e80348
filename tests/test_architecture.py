"""Packages import one way, stay small, and load no torch where none is needed; and the bans hold."""

import ast
import json
import subprocess
import sys
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
CORE, PAGES = ROOT / "unet_core", ROOT / "pages"
FILES = sorted(path for path in CORE.rglob("*.py") if path.name != "__init__.py")
PAGE_FILES = [*sorted(PAGES.rglob("*.py")), ROOT / "app.py"]

# A package imports from its own tier and those above it, and within a tier never in a circle.
CORE_TIERS = (
    ("errors", "hardware"),
    ("config", "io", "device"),
    ("models",),
    ("data",),
    ("losses", "metrics", "postprocessing"),
    ("overlay",),
    ("export",),
    ("inference",),
    ("evaluation", "runs"),
    ("hub",),
    ("training",),
    ("experiments", "planning", "sharing", "static_page"),
    ("api", "cli"),
    ("__main__",),
)
PAGE_TIERS = (
    ("server",),
    ("components", "ui"),
    ("views",),
    ("main", "home", "data", "train", "predict", "evaluate", "compare", "share"),
)
NEEDS_TORCH = {  # everything else is imported by pages, or by a process that only waits, and must not
    "device",
    *(
        f"models.{name}"
        for name in ("unet", "encoders", "ensemble", "checkpoint", "convert", "milesial", "import_weights")
    ),
    *(f"data.{name}" for name in ("dataset", "normalization", "sampling")),
    *(f"export.model.{name}" for name in ("bioimage", "input_range", "onnx", "parity", "segmenter", "torch_program")),
    "inference.forward",
    "inference.predictor",
    "evaluation.scores",
    *(
        f"training.{name}"
        for name in ("class_weights", "divergence", "loop", "runner", "state", "system", "tensorboard")
    ),
    *(f"planning.{name}" for name in ("benchmark", "lr_finder", "preflight", "trial")),
    *(f"sharing.{name}" for name in ("proof", "scoring", "verify")),
    *(f"static_page.{name}" for name in ("graph", "probe")),
}
MOST_MODULES, MOST_LINES = 15, 300


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


def package_of(path: Path, top: Path) -> str:
    """The first part below the top folder: a package, or a module that stands alone."""
    return path.relative_to(top).with_suffix("").parts[0]


def packages_imported(path: Path, top: str) -> set[str]:
    names = [name.split(".") for name in imports(path)]
    return {name[1] for name in names if name[0] == top and len(name) > 1}


def edges(files: list[Path], top: Path) -> set[tuple[str, str]]:
    """(package, a package that it imports from)"""
    found = {(package_of(path, top), other) for path in files for other in packages_imported(path, top.name)}
    return {(package, other) for package, other in found if package != other}


CORE_EDGES = edges(FILES, CORE)
PAGE_EDGES = edges([path for path in PAGE_FILES if path.parent != ROOT and path.parent != PAGES / "assets"], PAGES)


def test_the_reader_of_this_test_finds_late_imports_too() -> None:
    worker = CORE / "training" / "worker.py"
    assert "unet_core.training.runner" in set(imports(worker))
    assert "unet_core.training.runner" not in set(imports(worker, early=True))
    assert packages_imported(worker, "unet_core") >= {"runs", "errors", "training"}
    assert set(imports(CORE / "runs" / "event_log.py")) >= {"time", "pathlib.Path", "unet_core.runs.events.decode"}
    assert ("runs", "config") in CORE_EDGES
    assert ("views", "ui") in PAGE_EDGES


def test_every_package_stands_in_the_list_and_the_other_way_round() -> None:
    packages = [package for tier in CORE_TIERS for package in tier]
    assert len(packages) == len(set(packages))
    assert {package_of(path, CORE) for path in FILES} == set(packages)
    parts = {package_of(path, PAGES) for path in PAGE_FILES if path.parent != ROOT} - {"__init__"}
    assert parts == {part for tier in PAGE_TIERS for part in tier}
    assert {path.stem for path in PAGES.glob("*.py")} - {"__init__"} == set(PAGE_TIERS[-1])


@pytest.mark.parametrize(
    ("tiers", "found"), [(CORE_TIERS, CORE_EDGES), (PAGE_TIERS, PAGE_EDGES)], ids=["core", "pages"]
)
def test_imports_point_one_way(tiers: tuple[tuple[str, ...], ...], found: set[tuple[str, str]]) -> None:
    tier_of = {package: number for number, tier in enumerate(tiers) for package in tier}
    for package, other in found - {edge for edge in found if edge[1] in ("__version__", "PAGES")}:
        assert other in tier_of, f"{package} imports {other}, which is no package"
        assert tier_of[other] <= tier_of[package], f"{package} imports from {other}, which comes later"
    TopologicalSorter({package: {b for a, b in found if a == package} for package in tier_of}).prepare()


def test_no_module_is_in_a_circle() -> None:
    def module_of(name: str) -> str | None:
        for dotted_name in (name, name.rpartition(".")[0]):
            if (ROOT / (dotted_name.replace(".", "/") + ".py")).is_file():
                return dotted_name
        return None

    graph = {
        ".".join(path.relative_to(ROOT).with_suffix("").parts): {module_of(name) for name in imports(path)} - {None}
        for path in [*FILES, *PAGE_FILES]
    }
    TopologicalSorter(graph).prepare()  # CycleError names the circle


def test_the_server_knows_no_streamlit() -> None:
    for path in (PAGES / "server").glob("*.py"):
        assert "streamlit" not in {name.partition(".")[0] for name in imports(path)}, path.name


def test_folders_and_files_stay_small() -> None:
    for folder in {path.parent for path in [*FILES, *PAGES.rglob("*.*")]}:
        modules = [path for path in folder.glob("*.*") if path.suffix in (".py", ".js") and path.name != "__init__.py"]
        assert len(modules) <= MOST_MODULES, f"{folder}: {len(modules)} modules"
    for path in [*CORE.rglob("*.py"), *PAGES.rglob("*.*")]:
        if path.suffix in (".py", ".js", ".css", ".html"):
            lines = len(path.read_text(encoding="utf-8").splitlines())
            assert lines <= MOST_LINES, f"{path}: {lines} lines"


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(CORE)))
def test_the_core_knows_no_page(path: Path) -> None:
    tops = {name.partition(".")[0] for name in imports(path)}
    assert not tops & {"streamlit", "pages", "app", "tests"}


HEAVY = {"torch", "albumentations", "streamlit", "safetensors", "pandas", "plotly"}
LOADED = (
    "import importlib, json, sys\n"
    "for name in sys.argv[1:]: importlib.import_module(name)\n"
    "print(json.dumps(sorted({name.partition('.')[0] for name in sys.modules})))"
)


def loaded(*modules: str) -> set[str]:
    """The top packages that are loaded after these modules were imported, in a process of their own."""
    done = subprocess.run(
        [sys.executable, "-c", LOADED, *modules], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return set(json.loads(done.stdout))


def test_importing_the_package_loads_nothing_heavy() -> None:
    assert loaded("unet_core") & {"unet_core", "numpy", *HEAVY} == {"unet_core"}


def test_what_does_without_torch_loads_neither_it_nor_albumentations_nor_streamlit() -> None:
    names = {".".join(path.relative_to(CORE).with_suffix("").parts) for path in FILES} - {"__main__"}
    assert names >= NEEDS_TORCH
    assert not loaded(*(f"unet_core.{name}" for name in names - NEEDS_TORCH)) & HEAVY


@pytest.mark.parametrize("name", sorted(NEEDS_TORCH))
def test_what_is_said_to_need_torch_does(name: str) -> None:
    """By its own imports or those of a module beside it; else it belongs with the others."""
    todo, done = [CORE / (name.replace(".", "/") + ".py")], set()
    while todo:
        path = todo.pop()
        done.add(path)
        for other in imports(path, early=True):
            if other.partition(".")[0] in ("torch", "albumentations", "tensorboardX"):
                return
            for dotted_name in (other, other.rpartition(".")[0]):
                file = ROOT / (dotted_name.replace(".", "/") + ".py")
                if file.is_file() and file not in done:
                    todo.append(file)
    raise AssertionError(f"{name} loads no torch; take it out of NEEDS_TORCH")


FOREIGN = (
    CORE / "models" / "milesial.py"
)  # the one file that reads others' .pt files, after a look at their zip members
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


@pytest.mark.parametrize("path", [*FILES, *PAGE_FILES], ids=lambda path: f"{path.parent.name}/{path.name}")
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
