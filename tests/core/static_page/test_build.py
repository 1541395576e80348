"""The files of a page: all that it asks for is there, texts are inert, and folders of others are left alone."""

import base64
import dataclasses
import hashlib
import json
import re
import shutil
from html.parser import HTMLParser
from pathlib import Path

import pytest

from tests.helpers.static_page import craft
from unet_core.config.schema import ModelConfig
from unet_core.errors import ConfigError, RunError
from unet_core.models.checkpoint import save_checkpoint
from unet_core.models.unet import UNet
from unet_core.sharing import privacy
from unet_core.sharing.evidence import Evidence, gather
from unet_core.sharing.model_card import CardOptions
from unet_core.sharing.repository import Item
from unet_core.static_page import about, build, rules

CONFIG = ModelConfig(in_channels=1, num_classes=1, base_channels=2, depth=1, image_size=16)
RUNTIME = {"ort.wasm.mjs": b"program", "ort.wasm.wasm.gz": b"binary"}
HOSTILE = '"><script>alert(1)</script>{{about}}'


@pytest.fixture(scope="module")
def evidence(tmp_path_factory: pytest.TempPathFactory) -> Evidence:
    return gather(craft(tmp_path_factory.mktemp("runs"), CONFIG))


@pytest.fixture(scope="module")
def items(evidence: Evidence) -> dict[str, Item]:
    return {item.name: item for item in build.make_page(evidence, CardOptions("cells", license="mit"), RUNTIME)}


def text(items: dict[str, Item], name: str) -> str:
    return items[name].data.decode()


def test_every_module_and_file_that_is_asked_for_is_there(items: dict[str, Item]) -> None:
    asked = set()
    for name in items:
        if not name.endswith(".js"):
            continue
        folder = Path(name).parent
        for module in re.findall(r'(?:from|import) "(\.[^"]+)"', text(items, name)):
            asked.add(Path("/", folder, module).resolve().relative_to("/").as_posix())
    assert "viewer/drawing/renderer.js" in asked and len(asked) > 25
    asked |= set(re.findall(r'(?:href|src)="([^":]+)"', text(items, "index.html")))
    asked |= {"page.json", "model.onnx", "sw.js", "viewer/viewer.css", "inference/worker.js"}
    assert asked <= set(items)
    assert not [name for name in items if name.endswith((".py", "package.json"))]


def test_the_viewer_is_that_of_the_app_but_for_what_fetches(items: dict[str, Item]) -> None:
    own = build.TEMPLATE / "viewer"
    for path in (build.components() / "viewer").rglob("*.js"):
        name = path.relative_to(build.components()).as_posix()
        expected = own.parent / name if (own.parent / name).is_file() else path
        assert items[name].data == expected.read_bytes()
    assert {path.name for path in own.iterdir()} == {"tiles.js", "objects.js"}


def test_texts_are_inert_wherever_they_come_from(evidence: Evidence) -> None:
    named = dataclasses.replace(evidence.model, class_names=f"background,{HOSTILE.replace(',', '')}")
    hostile = dataclasses.replace(evidence, model=named)
    options = CardOptions(HOSTILE, HOSTILE, HOSTILE)
    page = build._index(hostile, options)
    tags: list[str] = []

    class Reader(HTMLParser):
        def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
            tags.append(tag)

    Reader().feed(page)
    assert tags.count("script") == 1
    assert page.count("<h3>License</h3>") == 1  # what a value holds is not filled in
    assert page.count("&lt;script&gt;alert(1)&lt;/script&gt;{{about}}") >= 4


def test_the_service_worker_knows_the_digest_of_every_file(items: dict[str, Item]) -> None:
    digests = json.loads(re.search(r"const FILES = (\{.*?\});", text(items, "sw.js"), re.DOTALL)[1])
    assert digests.pop("./") == ""
    assert set(digests) == set(items) - {"index.html", "sw.js", "README.md", "files.json"}
    for name, digest in digests.items():
        assert digest == "sha256-" + base64.b64encode(hashlib.sha256(items[name].data).digest()).decode()


def test_another_title_is_another_version_and_the_same_page_is_the_same(
    evidence: Evidence, items: dict[str, Item]
) -> None:
    again = {item.name: item.data for item in build.make_page(evidence, CardOptions("cells", license="mit"), RUNTIME)}
    assert again == {name: item.data for name, item in items.items()}
    other = {item.name: item.data for item in build.make_page(evidence, CardOptions("more", license="mit"), RUNTIME)}
    version = re.compile(rb'VERSION = "(\w{16})"')
    assert version.search(other["sw.js"])[1] != version.search(again["sw.js"])[1]


def test_the_policy_lets_nothing_out(items: dict[str, Item]) -> None:
    policy = re.search(r'Content-Security-Policy" content="([^"]+)"', text(items, "index.html"))[1]
    rules_of = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
    assert rules_of["default-src"] == "'none'" and rules_of["connect-src"] == "'self'"
    assert not re.search(r"https?:|\*|unsafe-inline|unsafe-eval'(?<!wasm-unsafe-eval')", policy)
    assert not [name for name in items if name.endswith((".js", ".css", ".html")) and "cdn" in text(items, name)]


def test_the_readme_makes_it_a_static_space(items: dict[str, Item]) -> None:
    front = text(items, "README.md").split("---")[1]
    assert "sdk: static\n" in front and "app_file: index.html\n" in front and "license: mit\n" in front
    assert 'title: "cells"\n' in front


def test_a_model_of_other_channels_is_refused_before_any_work(tmp_path: Path) -> None:
    config = dataclasses.replace(CONFIG, in_channels=4, source_channels=(4,))
    run = craft(tmp_path, CONFIG)
    save_checkpoint(run.best, UNet(config))
    with pytest.raises(ConfigError, match="takes 4 channels, but a page reads gray and RGB images alone"):
        build.make_page(gather(run), CardOptions("cells"), RUNTIME)


@pytest.mark.parametrize("base", [8, 16, 32, 64, 256])
def test_a_tile_fits_into_the_memory_of_a_page(base: int) -> None:
    config = ModelConfig(in_channels=1, num_classes=1, base_channels=base)
    side = rules.tile_side(config)
    assert side % 16 == 0 and rules.SIDES[0] <= side <= rules.SIDES[1]
    assert base < 64 or side < 512


def test_a_page_is_replaced_and_files_of_others_stay(items: dict[str, Item], tmp_path: Path) -> None:
    folder = tmp_path / "site"
    (folder / ".git").mkdir(parents=True)
    (folder / ".git" / "HEAD").write_text("ref")
    build.write_page([*items.values(), Item("old.js", b"")], folder)
    listed = json.loads((folder / "files.json").read_bytes())
    (folder / "files.json").write_text(json.dumps([*listed, "old.js", "../outside", "/etc/passwd"]))
    (folder / "CNAME").write_text("cells.org")
    (tmp_path / "outside").write_text("stays")
    build.write_page(list(items.values()), folder)
    files = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert files == {*items, ".git/HEAD", "CNAME"}
    assert (tmp_path / "outside").read_text() == "stays"


def test_a_folder_with_something_else_is_refused(items: dict[str, Item], tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(RunError, match=r"not empty .*thesis\.txt"):
        build.write_page(list(items.values()), tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]
    with pytest.raises(RunError, match="is a file"):
        build.check_folder(tmp_path / "thesis.txt")
    (tmp_path / "files.json").write_text("{")
    with pytest.raises(RunError, match="damaged"):
        build.check_folder(tmp_path)


def test_what_is_private_is_found(items: dict[str, Item], evidence: Evidence, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(privacy, "_names", lambda: [("anna", privacy.USER)])
    assert build.private_content(list(items.values()), evidence) == []
    page = build._index(evidence, CardOptions("cells of anna", description="see /home/anna/x"))
    leaks = build.private_content([Item("index.html", page.encode())], evidence)
    assert {leak.kind for leak in leaks} == {privacy.USER, privacy.LOCAL_PATH}
    allowed = build.private_content([Item("index.html", page.encode())], evidence, ["anna"])
    assert {leak.kind for leak in allowed} == {privacy.LOCAL_PATH}


def test_scores_are_those_of_the_evidence(tmp_path: Path, evidence: Evidence) -> None:
    import numpy as np

    from unet_core.evaluation.summary import ImageScore
    from unet_core.metrics import count
    from unet_core.sharing.evidence import ScoredImage

    truth = np.zeros((8, 8), np.uint8)
    truth[:4] = 1
    guess = truth.copy()
    guess[3] = 0
    score = ImageScore("a", "test", count(guess, truth, 1))
    scored = dataclasses.replace(evidence, images=(ScoredImage(score, "0" * 64), ScoredImage(score, "1" * 64)))
    page = about.about(scored, CardOptions("cells", license="cc-by-4.0"))
    assert "<td>0.857</td>" in page and "<td>0.750</td>" in page  # 2 * 24 / (24 + 32), 24 / 32
    assert "Test (2)" in page and "never used in training" in page and "CC BY" in page
    assert "were not scored" in about.about(evidence, CardOptions("cells"))


def test_the_program_is_found_in_a_checkout_and_in_a_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import unet_core

    assert build.components().name == "components"
    shutil.copytree(build.components(), tmp_path / "unet_core" / "_app" / "pages" / "components")
    monkeypatch.setattr(unet_core, "__file__", str(tmp_path / "unet_core" / "__init__.py"))
    assert build.components() == tmp_path / "unet_core" / "_app" / "pages" / "components"
    monkeypatch.setattr(unet_core, "__file__", str(tmp_path / "other" / "__init__.py"))
    with pytest.raises(RunError, match="not beside the package"):
        build.components()
