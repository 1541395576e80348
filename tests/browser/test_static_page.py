"""The page of plain files in a real browser: masks as torch gives them, offline, and nothing leaves it."""

import csv
import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
import pytest
import torch
from PIL import Image
from playwright.sync_api import Browser, Locator, Page, expect

from tests.browser.test_accessibility import AXE, BEST, LEVELS
from tests.helpers.browser import ARGUMENTS, CHROMIUM
from tests.helpers.static_page import craft, load_runtime, publish, serve
from unet_core.config.schema import ModelConfig
from unet_core.inference.predictor import Predictor
from unet_core.io import images
from unet_core.postprocessing import cleanup, objects
from unet_core.static_page import rules

pytestmark = pytest.mark.browser

SMALL = {"base_channels": 4, "depth": 2, "image_size": 64}
CONFIGS = {
    "gray": ModelConfig(in_channels=1, num_classes=1, source_channels=(1,), **SMALL),
    "classes": ModelConfig(in_channels=3, num_classes=4, source_channels=(3,), normalization="unit",
                           class_names="background,cell <b>,wall,debris", **SMALL),
    "unpadded": ModelConfig(in_channels=3, num_classes=1, source_channels=(3,), padding="valid", base_channels=4,
                            depth=2, image_size=100),
}  # fmt: skip
TILE = 128


class Site(NamedTuple):
    """A page on a server, in a folder with a blank in its name, and the model that torch runs."""

    url: str
    folder: Path
    asked: list[str]
    predictor: Predictor


@pytest.fixture(scope="module")
def runtime_files() -> dict[str, bytes]:
    return load_runtime()


@pytest.fixture(scope="module")
def sites(tmp_path_factory: pytest.TempPathFactory, runtime_files: dict[str, bytes]) -> Iterator[dict[str, Site]]:
    root = tmp_path_factory.mktemp("www")
    with pytest.MonkeyPatch.context() as patch, serve(root) as (url, asked):
        patch.setattr(rules, "SIDES", (32, TILE))  # test images need several tiles
        made = {}
        for name, config in CONFIGS.items():
            folder = root / "my pages" / name
            model = publish(craft(root / "runs" / name, config), folder, runtime_files)
            predictor = Predictor(model, torch.device("cpu"), "fp32", tile=TILE)
            made[name] = Site(f"{url}/my%20pages/{name}/", folder, asked, predictor)
        yield made


def smooth(height: int, width: int, channels: int, seed: int = 0, most: int = 255) -> np.ndarray:
    """Blobs of several sizes."""
    rng = np.random.default_rng(seed)
    planes = []
    for _ in range(channels):
        coarse = [rng.random((height // size + 2, width // size + 2)) for size in (7, 19, 40)]
        planes.append(sum(cv2.resize(part, (width, height), interpolation=cv2.INTER_CUBIC) for part in coarse) / 3)
    dtype = np.uint8 if most == 255 else np.uint16
    return np.clip(np.stack(planes, 2) * most, 0, most).astype(dtype)


def png(pixels: np.ndarray) -> bytes:
    """(H, W, 1, 3 or 4), 8 or 16 bits."""
    order = {1: [0], 3: [2, 1, 0], 4: [2, 1, 0, 3]}[pixels.shape[2]]
    return cv2.imencode(".png", pixels[:, :, order])[1].tobytes()


def encoded(pixels: np.ndarray, **options: object) -> bytes:
    out = io.BytesIO()
    Image.fromarray(pixels[:, :, 0] if pixels.shape[2] == 1 else pixels).save(out, **options)
    return out.getvalue()


def open_page(page: Page, site: Site) -> Page:
    page.goto(site.url)
    expect(status(page)).to_contain_text("Ready.")
    return page


def status(page: Page) -> Locator:
    return page.locator("[data-is=status]")


def give(page: Page, name: str, data: bytes, what: str = "") -> None:
    """Choose a file, and wait until it is the one that is shown."""
    files = {"name": name, "mimeType": "application/octet-stream", "buffer": data}
    page.locator("[data-is=files]").set_input_files([files])
    expect(page.locator("[data-is=viewer]").locator(".about")).to_contain_text(name)
    expect(page.locator("[data-is=work]")).to_be_hidden()


def saved(page: Page, label: str) -> tuple[str, bytes]:
    """The name and the content of what a button downloads."""
    with page.expect_download() as download:
        page.get_by_role("button", name=label).click()
    return download.value.suggested_filename, Path(download.value.path()).read_bytes()


def mask_of(page: Page, binary: bool) -> np.ndarray:
    mask = np.asarray(Image.open(io.BytesIO(saved(page, "Download mask")[1])))
    assert not binary or set(np.unique(mask)) <= {0, 255}
    return mask // 255 if binary else mask


def iou(mask: np.ndarray, expected: np.ndarray) -> float:
    """The lowest over the classes that either has, the background among them."""
    assert mask.shape == expected.shape
    values = np.union1d(mask, expected)
    assert len(values) > 1, "an empty mask proves nothing"
    return min(
        ((mask == value) & (expected == value)).sum() / ((mask == value) | (expected == value)).sum()
        for value in values
    )


GRAY_FILES = {
    "one tile": ("a.png", lambda: png(smooth(60, 100, 1))),
    "several tiles": ("b.png", lambda: png(smooth(333, 290, 1, 1))),
    "16 bits": ("c.png", lambda: png(smooth(150, 160, 1, 2, 65535))),
    "color for a gray model": ("d.png", lambda: png(smooth(90, 120, 3, 3))),
    "transparent": ("e.png", lambda: png(np.concatenate([smooth(90, 120, 3, 4), smooth(90, 120, 1, 5)], 2))),
    "gray JPEG": ("f.jpg", lambda: encoded(smooth(90, 120, 1, 6), format="JPEG", quality=95)),
    "turned JPEG": ("g.jpg", lambda: encoded(smooth(90, 120, 1, 7), format="JPEG", quality=95, exif=turned())),
    "TIFF": ("h.tif", lambda: encoded(smooth(90, 120, 1, 8, 65535), format="TIFF", compression="tiff_lzw")),
}  # fmt: skip
COLOR_FILES = {
    "several tiles": ("a.png", lambda: png(smooth(260, 200, 3, 1))),
    "gray for a color model": ("b.png", lambda: png(smooth(90, 120, 1, 2))),
    "lossless WebP": ("c.webp", lambda: encoded(smooth(90, 120, 3, 3), format="WEBP", lossless=True)),
    "JPEG": ("d.jpg", lambda: encoded(smooth(96, 128, 3, 4), format="JPEG", quality=95, subsampling=0)),
    "color profile": ("e.jpg", lambda: encoded(smooth(96, 128, 3, 5), format="JPEG", quality=95, subsampling=0,
                                               icc_profile=profile())),
}  # fmt: skip


def turned() -> bytes:
    exif = Image.Exif()
    exif[0x112] = 6
    return exif.tobytes()


def profile() -> bytes:
    from PIL import ImageCms

    return ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()


CASES = [("gray", *entry) for entry in GRAY_FILES.items()] + [
    (site, *entry) for site in ("classes", "unpadded") for entry in COLOR_FILES.items()
]


def test_masks_are_those_of_torch(page: Page, sites: dict[str, Site]) -> None:
    """Every file in every kind of model; 0.999 in the worst class of each."""
    lowest: dict[str, float] = {}
    for name, site in sites.items():
        open_page(page, site)
        for model, case, (file, make) in CASES:
            if model != name:
                continue
            data = make()
            give(page, file, data)
            config = site.predictor.model.config
            image, _ = site.predictor.fit(images.decode(data, file), rules.IMAGES[images.decode(data, file).shape[2]])
            expected = site.predictor.mask(image)
            lowest[f"{model}: {case}"] = iou(mask_of(page, config.num_classes == 1), expected)
            page.get_by_role("button", name="Remove all images").click()
    assert {case: round(value, 5) for case, value in lowest.items() if value < 0.999} == {}


def test_the_image_says_which_channels_were_taken(page: Page, sites: dict[str, Site]) -> None:
    open_page(page, sites["gray"])
    give(page, "a.png", png(smooth(60, 70, 3)))
    expect(page.locator("[data-is=note]")).to_have_text("The image is in color; the model gets its luminance.")


def test_threshold_smallest_object_and_the_table_go_together(page: Page, sites: dict[str, Site]) -> None:
    site = sites["gray"]
    open_page(page, site)
    pixels = smooth(200, 220, 1, 3)
    give(page, "a.png", png(pixels))
    page.get_by_label("Threshold").fill("0.6")
    answer = site.predictor.answer(pixels)
    expected = answer.mask(0.6)
    areas = objects.find(expected, pixels).table["area_px2"]
    count, least = len(areas), int(np.median(areas)) + 1
    assert count != len(objects.find(answer.mask(0.5), pixels)), "the threshold must matter"
    expect(page.locator("[data-is=summary]")).to_contain_text(f"{count} objects, ")
    assert iou(mask_of(page, True), expected) >= 0.999

    page.get_by_label("Remove objects below").fill(str(least))
    page.keyboard.press("Tab")
    cleaned = cleanup.clean(expected, least)
    table = objects.find(cleaned, pixels, probability=answer.probability16).table
    assert 0 < len(table["id"]) < count
    expect(page.locator("[data-is=summary]")).to_contain_text(f"{len(table['id'])} object")
    name, data = saved(page, "Download objects")
    rows = list(csv.DictReader(io.StringIO(data.decode("utf-8"))))
    assert name == "a_objects.csv"
    assert [row["area_px2"] for row in rows] == [str(area) for area in table["area_px2"]]
    assert [row["image"] for row in rows] == ["a.png"] * len(rows)
    for column in ("mean_probability", "centroid_x_px", "centroid_y_px"):
        np.testing.assert_allclose([float(row[column]) for row in rows], table[column], atol=2e-3)
    assert iou(mask_of(page, True), cleaned) >= 0.999


def test_classes_have_names_and_can_be_hidden(page: Page, sites: dict[str, Site]) -> None:
    open_page(page, sites["classes"])
    give(page, "a.png", png(smooth(96, 96, 3)))
    legend = page.locator("[data-is=viewer] .legend")
    expect(legend.get_by_role("button")).to_have_text(["background", "cell <b>", "wall", "debris", "All", "None"])
    legend.get_by_role("button", name="wall").click()
    expect(legend.get_by_role("button", name="wall")).to_have_attribute("aria-pressed", "false")
    expect(page.locator("[data-is=summary]")).to_contain_text("cell <b>")


def test_it_works_offline_once_it_was_loaded(page: Page, sites: dict[str, Site]) -> None:
    site = sites["gray"]
    open_page(page, site)
    expect(page.locator("[data-is=offline]")).to_contain_text("Works offline")
    page.context.set_offline(True)
    asked = len(site.asked)
    for address in (site.url, f"{site.url}index.html", f"{site.url}?from=a-link"):
        page.goto(address)
        expect(status(page)).to_contain_text("Ready.")
        expect(page.locator("[data-is=offline]")).to_contain_text("Works offline")
    pixels = smooth(150, 140, 1, 4)
    give(page, "a.png", png(pixels))
    assert iou(mask_of(page, True), site.predictor.mask(pixels)) >= 0.999
    # What a browser asks for by itself, whatever the network: whether the service worker is still the same.
    assert {path.rpartition("/")[2] for path in site.asked[asked:]} <= {"sw.js"}
    page.context.set_offline(False)


def test_a_newer_version_is_offered_and_loaded_as_a_whole(
    page: Page, tmp_path: Path, runtime_files: dict[str, bytes]
) -> None:
    run = craft(tmp_path / "runs", CONFIGS["gray"])
    publish(run, tmp_path / "www", runtime_files, "First")
    with serve(tmp_path / "www") as (url, _):
        page.goto(url)
        expect(page.locator("[data-is=offline]")).to_contain_text("Works offline")
        publish(run, tmp_path / "www", runtime_files, "Second")
        page.goto(url)
        expect(page.get_by_role("heading", level=1)).to_have_text("First")  # nothing of two versions is mixed
        page.get_by_role("button", name="Load it").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Second")
        expect(status(page)).to_contain_text("Ready.")


def test_nothing_reaches_another_server(browser: Browser, sites: dict[str, Site], tmp_path: Path) -> None:
    """Neither the page nor its worker may connect to one, even if their program wanted to."""
    page = browser.new_page()  # the usual one fails where the policy refuses something
    origins: set[str] = set()
    page.on("request", lambda sent: origins.add(re.match(r"(blob:)?\w+://[^/]+", sent.url)[0].removeprefix("blob:")))
    open_page(page, sites["gray"])
    give(page, "a.png", png(smooth(90, 90, 1)))
    own = re.match(r"\w+://[^/]+", sites["gray"].url)[0]
    assert origins == {own}
    with serve(tmp_path) as (other, asked):
        attempt = "(url) => fetch(url, { mode: 'no-cors' }).then(() => 'sent', () => 'refused')"
        assert page.evaluate(attempt, f"{other}/stolen") == "refused"
        assert [worker.evaluate(attempt, f"{other}/stolen") for worker in page.workers] == ["refused"]
        page.evaluate("(url) => { new Image().src = url; navigator.sendBeacon?.(url, 'x'); }", f"{other}/stolen")
        expect(status(page)).to_contain_text("Ready.")
        assert asked == []
    page.context.close()


def test_a_long_run_shows_its_progress_and_can_be_canceled(page: Page, sites: dict[str, Site]) -> None:
    site = sites["gray"]
    open_page(page, site)
    large = {"name": "large.png", "mimeType": "image/png", "buffer": png(smooth(3000, 3000, 1))}
    page.locator("[data-is=files]").set_input_files([large])
    expect(page.locator("[data-is=running]")).to_contain_text(re.compile(r"large.png: tile \d+ of \d{3}"))
    page.get_by_role("button", name="Cancel").click()
    expect(status(page)).to_contain_text("large.png: canceled.")
    expect(page.locator("[data-is=work]")).to_be_hidden()
    pixels = smooth(90, 120, 1, 4)
    give(page, "a.png", png(pixels))
    assert iou(mask_of(page, True), site.predictor.mask(pixels)) >= 0.999


def test_several_images_are_listed_and_what_cannot_be_read_is_said(page: Page, sites: dict[str, Site]) -> None:
    open_page(page, sites["gray"])
    odd = "<img src=x onerror=document.title=1>.png"
    files = {
        "a.png": png(smooth(60, 70, 1)),
        "b.txt": b"no image",
        odd: png(smooth(40, 50, 1)),
        "c.png": png(smooth(9, 9, 1))[:60],
    }
    page.locator("[data-is=files]").set_input_files(
        [{"name": name, "mimeType": "application/octet-stream", "buffer": data} for name, data in files.items()]
    )
    rows = page.locator("[data-is=rows] tr")
    expect(rows).to_have_count(4)
    expect(rows.nth(1)).to_contain_text("Not read")
    expect(rows.nth(3)).to_contain_text("Not read")
    expect(page.get_by_role("alert")).to_contain_text("c.png: the image is damaged")
    page.get_by_role("button", name="b.txt", exact=True).click()
    expect(page.get_by_role("alert")).to_contain_text("b.txt: not a file that this page reads. It reads PNG")
    page.get_by_role("button", name=odd, exact=True).click()
    expect(page.locator("[data-is=viewer]").locator(".about")).to_contain_text(odd)
    assert page.title() == "Cells & <more>"
    assert saved(page, "Download objects")[0] == "objects.csv"


def test_a_browser_that_computes_other_values_is_refused(page: Page, sites: dict[str, Site]) -> None:
    site = sites["unpadded"]

    def falsify(route) -> None:
        answer = route.fetch()
        described = answer.json()
        described["probe"]["values"][5] += 0.5
        route.fulfill(response=answer, json=described)

    page.route("**/page.json", falsify)
    page.goto(site.url)
    expect(page.get_by_role("alert")).to_contain_text("computes other values than the model gave")
    expect(status(page)).to_have_text("The model could not be loaded.")


def test_a_graphics_card_is_used_where_there_is_one(browser: Browser, sites: dict[str, Site]) -> None:
    """Here one in software; a Chromium without it takes WebAssembly, and the mask is the same."""
    software = ["--enable-unsafe-webgpu", "--use-webgpu-adapter=swiftshader", "--enable-features=Vulkan"]
    arguments = [argument for argument in ARGUMENTS if argument != "--disable-gpu"]
    other = browser.browser_type.launch(executable_path=CHROMIUM, args=[*arguments, *software])
    page = other.new_page()
    page.set_default_timeout(60_000)
    site = sites["gray"]
    open_page(page, site)
    has_adapter = page.evaluate("(async () => Boolean(await navigator.gpu?.requestAdapter()))()")
    assert page.evaluate("document.unetPage.engine.kind") == ("webgpu" if has_adapter else "wasm")
    pixels = smooth(150, 140, 1, 6)
    give(page, "a.png", png(pixels))
    assert iou(mask_of(page, True), site.predictor.mask(pixels)) >= 0.999
    other.close()


def test_a_graphics_card_that_fails_leaves_it_to_webassembly(page: Page, sites: dict[str, Site]) -> None:
    site = sites["gray"]
    page.add_init_script("Object.defineProperty(navigator, 'gpu', { value: { requestAdapter: async () => ({}) } })")
    asked = len(site.asked)
    open_page(page, site)
    assert [path for path in site.asked[asked:] if path.endswith("ort.webgpu.mjs")]  # it was tried
    assert page.evaluate("document.unetPage.engine.kind") == "wasm"
    pixels = smooth(90, 100, 1, 6)
    give(page, "a.png", png(pixels))
    assert iou(mask_of(page, True), site.predictor.mask(pixels)) >= 0.999


def test_the_camera_gives_an_image(browser: Browser, sites: dict[str, Site]) -> None:
    fake = ["--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"]
    other = browser.browser_type.launch(executable_path=CHROMIUM, args=[*ARGUMENTS, *fake])
    page = other.new_context(permissions=["camera"]).new_page()
    page.set_default_timeout(60_000)
    open_page(page, sites["classes"])
    page.get_by_role("button", name="Use the camera").click()
    page.get_by_role("dialog", name="Camera").wait_for()
    expect(page.locator("video")).to_have_js_property("paused", False)
    page.get_by_role("button", name="Take the image").click()
    expect(page.locator("[data-is=viewer]").locator(".about")).to_contain_text("camera-1.png")
    expect(page.get_by_role("dialog")).to_be_hidden()
    assert page.evaluate("document.querySelector('video').srcObject") is None  # the camera is off
    other.close()


@pytest.mark.parametrize("width", [380, 1440])
def test_it_is_accessible_and_fits_in_both_themes(browser: Browser, sites: dict[str, Site], width: int) -> None:
    context = browser.new_context(viewport={"width": width, "height": 900})
    page = context.new_page()
    page.set_default_timeout(60_000)
    found = []
    for name in ("classes", "gray"):
        open_page(page, sites[name])
        page.evaluate(AXE)
        for step in ("start", "result"):
            if step == "result":
                give(page, f"{'a long name ' * 6}.png", png(smooth(90, 120, 3)))
                give(page, "b.png", png(smooth(90, 120, 3)))
            for scheme in ("light", "dark"):
                page.emulate_media(color_scheme=scheme)
                violations = page.evaluate(
                    """async ([tags, rules]) => {
                      const results = [await axe.run({ runOnly: { type: "tag", values: tags } }),
                        await axe.run({ runOnly: { type: "rule", values: rules } })];
                      return results.flatMap((each) => each.violations).flatMap((each) =>
                        each.nodes.map((node) => `${each.id}: ${node.html.slice(0, 150)} ${node.failureSummary}`));
                    }""",
                    [LEVELS, BEST],
                )
                found += [f"{name}, {step}, {scheme}: {line}" for line in violations]
            wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
            assert wide == 0, f"{name}, {step}: {wide} px beyond the window"
    assert found == []
    context.close()


def test_it_is_used_by_keyboard_alone(page: Page, sites: dict[str, Site]) -> None:
    open_page(page, sites["gray"])
    page.keyboard.press("Tab")
    expect(page.locator("[data-is=files]")).to_be_focused()
    give(page, "a.png", png(smooth(90, 120, 1)))
    stage = page.locator("[data-is=viewer] .stage")
    stage.focus()
    zoom = page.locator("[data-is=viewer] [data-is=zoom]")
    before = zoom.inner_text()
    page.keyboard.press("+")
    expect(zoom).not_to_have_text(before)
    expect(page.locator("[data-is=viewer] .readout")).to_contain_text("probability")
    page.get_by_label("Remove objects below").focus()
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Download mask (PNG)")).to_be_focused()
