"""The uploader in a real Chromium: folders, ZIP files, cancel, and going on after the server was away."""

import io
import re
import zipfile
from pathlib import Path

import pytest
from playwright.sync_api import Page, Route, expect

from tests.helpers.browser import Server, poll, wait_until

pytestmark = pytest.mark.browser


@pytest.fixture
def server(tmp_path):
    server = Server(tmp_path, "tests/helpers/uploader_app.py")
    server.start()
    yield server
    server.kill()
    assert "Traceback" not in server.log.read_text()


def make_folder(folder: Path, count: int = 3, size: int = 10_000) -> dict[str, bytes]:
    files = {f"{kind}/{n:05}.png": bytes([n % 256]) * size for n in range(count) for kind in ("images", "masks")}
    for name, data in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    (folder / ".DS_Store").write_bytes(b"junk")
    return files


def content(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def choose(page: Page, what: str, path: Path) -> None:
    page.locator(".uploader[data-state]").wait_for()  # its program is loaded
    page.locator(f"[data-is={what}]").set_input_files(path)


def start(page: Page) -> None:
    page.get_by_role("button", name=re.compile("^(Upload|Resume upload)$")).click()


def test_a_folder_with_all_below_it_by_keyboard(server: Server, page: Page, tmp_path: Path) -> None:
    files = make_folder(tmp_path / "my cells")
    page.goto(server.url)
    button = page.get_by_role("button", name="Choose folder")
    expect(button).to_be_enabled()  # its program is loaded
    expect(page.get_by_label("Something else")).to_be_visible()
    expect(page.get_by_test_id("stApp")).to_have_attribute("data-test-script-state", "notRunning")
    with page.expect_file_chooser() as chooser:
        button.press("Enter")
    chooser.value.set_files(tmp_path / "my cells")
    expect(page.get_by_text("6 files, 60 kB. 1 file of the system left out.")).to_be_visible()
    name = page.get_by_label("Name of the dataset")
    expect(name).to_have_value("my cells")
    expect(page.get_by_role("button", name="Upload", exact=True)).to_be_focused()
    name.fill("Nuclei")
    name.press("Enter")
    expect(page.get_by_text("“Nuclei” was added.", exact=True)).to_be_visible()
    expect(page.get_by_text("Python got: Nuclei", exact=True)).to_be_visible()
    expect(page.get_by_text("Library: Nuclei", exact=True)).to_be_visible()
    assert content(server.folder / "datasets" / "Nuclei") == files
    page.get_by_label("Something else").fill("x")
    page.get_by_label("Something else").press("Enter")
    expect(page.get_by_text("Python got: Nuclei", exact=True)).to_be_visible()


def test_a_zip_file_and_one_that_is_refused(server: Server, page: Page, tmp_path: Path) -> None:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as file:
        file.writestr("deep/images/1.png", b"i")
        file.writestr("__MACOSX/._1.png", b"x")
    (tmp_path / "nuclei.zip").write_bytes(data.getvalue())
    with zipfile.ZipFile(tmp_path / "bad.zip", "w") as file:
        file.writestr("../out.png", b"out")
    page.goto(server.url)
    choose(page, "files", tmp_path / "bad.zip")
    start(page)
    expect(page.get_by_role("alert").filter(has_text="leads out of the archive")).to_be_visible()
    page.get_by_role("button", name="Clear").click()
    choose(page, "files", tmp_path / "nuclei.zip")
    start(page)
    expect(page.get_by_text("“nuclei” was added.", exact=True)).to_be_visible()
    expect(page.get_by_text("nuclei.zip: skipped 1 hidden or system files")).to_be_visible()
    assert content(server.folder / "datasets" / "nuclei") == {"images/1.png": b"i"}


def test_many_small_files_take_few_requests(server: Server, page: Page, tmp_path: Path) -> None:
    files = make_folder(tmp_path / "many", count=1500)
    requests: list[str] = []
    page.on("request", lambda request: request.method == "PUT" and requests.append(request.url))
    page.goto(server.url)
    choose(page, "folder", tmp_path / "many")
    start(page)
    expect(page.get_by_text("Python got: many", exact=True)).to_be_visible()
    assert content(server.folder / "datasets" / "many") == files
    assert len(requests) <= 30


class Held:
    """Lets the first chunks through and no more until it is opened, so that there is a middle of any length."""

    def __init__(self, page: Page, chunks: int = 2) -> None:
        self.chunks, self.is_open = chunks, False
        page.route("**/api/uploads/*offset=*", self.decide)

    def decide(self, route: Route) -> None:
        self.chunks -= 1
        if self.is_open or self.chunks >= 0:
            route.continue_()
        else:
            route.abort()


def arrived(page: Page) -> int:
    return int(page.locator(".uploader").get_attribute("data-arrived") or 0)


def test_cancelled_in_the_middle_nothing_is_kept(server: Server, page: Page, tmp_path: Path) -> None:
    make_folder(tmp_path / "large", count=10, size=2_000_000)
    page.goto(server.url)
    choose(page, "folder", tmp_path / "large")
    Held(page)
    start(page)
    poll(lambda: arrived(page) > 0, what="the first chunk")
    page.get_by_role("button", name="Cancel").click()
    expect(page.get_by_text("The upload was canceled; nothing was saved.")).to_be_visible()
    poll(lambda: not list((server.folder / "datasets" / ".uploads").iterdir()), what="an empty folder of uploads")
    expect(page.get_by_text("Library:", exact=True)).to_be_visible()


def test_it_goes_on_after_the_server_was_away(server: Server, page: Page, tmp_path: Path) -> None:
    files = make_folder(tmp_path / "large", count=8, size=2_000_000)
    page.goto(server.url)
    choose(page, "folder", tmp_path / "large")
    held = Held(page)
    start(page)
    poll(lambda: arrived(page) > 2**20, what="two chunks")
    server.kill()
    expect(page.get_by_text("The connection is lost. Trying again…")).to_be_visible()
    server.start()
    held.is_open = True
    expect(page.get_by_text("“large” was added.", exact=True)).to_be_visible()
    expect(page.get_by_text("Library: large", exact=True)).to_be_visible()
    assert content(server.folder / "datasets" / "large") == files


def test_after_a_reload_only_the_rest_is_sent(server: Server, page: Page, tmp_path: Path) -> None:
    files = make_folder(tmp_path / "large", count=8, size=2_000_000)
    page.on("dialog", lambda dialog: dialog.accept())
    page.goto(server.url)
    choose(page, "folder", tmp_path / "large")
    held = Held(page)
    start(page)
    poll(lambda: arrived(page) > 2**20, what="two chunks")
    page.reload()
    expect(page.get_by_text("The upload of “large” was interrupted at")).to_be_visible()
    held.is_open = True
    offsets: list[int] = []
    pattern = re.compile(r"offset=(\d+)")
    page.on("request", lambda request: offsets.extend(map(int, pattern.findall(request.url))))
    choose(page, "folder", tmp_path / "large")
    page.get_by_role("button", name="Resume upload").click()
    expect(page.get_by_text("“large” was added.", exact=True)).to_be_visible()
    assert min(offsets) > 2**20
    assert content(server.folder / "datasets" / "large") == files


def test_it_goes_on_while_another_page_is_shown(server: Server, page: Page, tmp_path: Path) -> None:
    files = make_folder(tmp_path / "large", count=8, size=2_000_000)
    page.goto(server.url)
    choose(page, "folder", tmp_path / "large")
    held = Held(page)
    start(page)
    poll(lambda: arrived(page) > 2**20, what="two chunks")
    shown = page.get_by_text("Show the uploader")
    shown.click()
    expect(page.locator(".uploader")).to_have_count(0)
    shown.click()
    expect(page.get_by_role("button", name="Cancel")).to_be_visible()
    shown.click()
    expect(page.locator(".uploader")).to_have_count(0)
    held.is_open = True
    wait_until(page, "window.unetUploader.arrived")
    shown.click()
    expect(page.get_by_text("“large” was added.", exact=True)).to_be_visible()
    expect(page.get_by_text("Python got: large", exact=True)).to_be_visible()
    assert content(server.folder / "datasets" / "large") == files


def drop(page: Page, *paths: Path) -> None:
    """Drop files and folders on the zone, as the desktop does."""
    page.locator(".uploader[data-state]").wait_for()
    box = page.locator("[data-is=zone]").bounding_box()
    session = page.context.new_cdp_session(page)
    point = {"x": box["x"] + box["width"] / 2, "y": box["y"] + 10}
    data = {"items": [], "files": [str(path) for path in paths], "dragOperationsMask": 1}
    for kind in ("dragEnter", "dragOver", "drop"):
        session.send("Input.dispatchDragEvent", {"type": kind, **point, "data": data})


def test_a_dropped_folder_with_more_files_than_a_reader_gives_at_once(
    server: Server, page: Page, tmp_path: Path
) -> None:
    files = make_folder(tmp_path / "cells", count=130)
    (tmp_path / "notes.txt").write_text("n")
    page.goto(server.url)
    drop(page, tmp_path / "cells", tmp_path / "notes.txt")
    expect(page.get_by_text("261 files, 2.6 MB. 1 file of the system left out.")).to_be_visible()
    start(page)
    expect(page.get_by_text("“My dataset” was added.", exact=True)).to_be_visible()
    arrived_files = content(server.folder / "datasets" / "My dataset")
    assert arrived_files == {"notes.txt": b"n"} | {f"cells/{name}": data for name, data in files.items()}


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_fits_a_narrow_window(server: Server, page: Page, tmp_path: Path, scheme: str) -> None:
    page.emulate_media(color_scheme=scheme)
    page.set_viewport_size({"width": 700, "height": 900})
    make_folder(tmp_path / ("a very long name of a folder " * 3).strip())
    page.goto(server.url)
    choose(page, "folder", tmp_path / ("a very long name of a folder " * 3).strip())
    expect(page.get_by_role("button", name="Upload", exact=True)).to_be_visible()
    zone = page.locator(".uploader").bounding_box()
    for name in ("zone", "name", "start", "clear"):
        box = page.locator(f"[data-is={name}]").bounding_box()
        assert box["x"] >= zone["x"] and box["x"] + box["width"] <= zone["x"] + zone["width"] + 1
    page.screenshot(path=tmp_path / f"{scheme}.png")
