"""JavaScript of components and static page: all files are valid ES modules, and those without DOM compute right."""

import shutil
import subprocess
from pathlib import Path

import pytest

HERE = Path(__file__).parent
COMPONENTS = HERE.parents[1] / "pages" / "components"
STATIC_PAGE = HERE.parents[1] / "unet_core" / "static_page" / "template"
REPORT = HERE.parents[1] / "unet_core" / "evaluation" / "report"
NODE = shutil.which("node")

pytestmark = pytest.mark.skipif(NODE is None, reason="Node.js is not installed; the browser tests cover the rest.")


def run_node(*arguments: str) -> None:
    done = subprocess.run([str(NODE), *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


FILES = [path for folder in (COMPONENTS, STATIC_PAGE, REPORT) for path in sorted(folder.rglob("*.js"))]


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_a_module_is_valid(path: Path) -> None:
    run_node("--check", str(path))


@pytest.mark.parametrize("path", sorted(HERE.glob("*.test.mjs")), ids=lambda path: path.name)
def test_the_computing_modules(path: Path) -> None:
    run_node("--test", str(path))


def test_a_broken_module_is_found(tmp_path: Path) -> None:
    (tmp_path / "package.json").write_text((COMPONENTS / "package.json").read_text())
    (tmp_path / "broken.js").write_text('import { a } from "./a.js";\nexport const b = ;\n')
    with pytest.raises(AssertionError, match="SyntaxError"):
        run_node("--check", str(tmp_path / "broken.js"))
