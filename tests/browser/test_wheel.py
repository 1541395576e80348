"""The wheel: what it brings, and that it works installed in an environment of its own, away from the clone."""

import email
import itertools
import os
import re
import signal
import socket
import subprocess
import tomllib
import urllib.error
import urllib.request
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from pages import PAGES
from tests.helpers.browser import poll

ROOT = Path(__file__).parents[2]


def run(command: list[str], cwd: Path, **more: str) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": "/usr/bin:/bin", "HOME": str(cwd), "OMP_NUM_THREADS": "1", **more}
    return subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True)


def test_it_brings_the_core_the_pages_and_the_settings(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    tracked = subprocess.run(["git", "ls-files", "-co", "--exclude-standard", "unet_core", "pages"], cwd=ROOT,
                             capture_output=True, text=True, check=True).stdout.split()  # fmt: skip
    present = [name for name in tracked if (ROOT / name).is_file()]
    assert {name for name in present if name.startswith("unet_core/")} <= names
    assert {f"unet_core/_app/{name}" for name in present if name.startswith("pages/")} <= names
    assert {"unet_core/_app/app.py", "unet_core/_app/.streamlit/config.toml", "unet_core/py.typed"} <= names
    assert not [name for name in names if "__pycache__" in name or name.startswith(("tests/", "pages/"))]


def test_its_dependencies_are_those_of_requirements_txt(wheel: Path) -> None:
    archive = zipfile.ZipFile(wheel)
    metadata = email.message_from_bytes(
        archive.read(next(name for name in archive.namelist() if name.endswith("METADATA")))
    )
    lines = [line.split("#")[0].strip() for line in (ROOT / "requirements.txt").read_text().splitlines()]

    def parts(requirement: str) -> tuple[str, frozenset[str]]:
        name = re.match(r"[\w.-]+", requirement)
        assert name
        return name[0].lower(), frozenset(requirement[name.end() :].replace(" ", "").split(","))

    texts = metadata.get_all("Requires-Dist", [])
    assert {parts(text) for text in texts if "extra ==" not in text} == {parts(line) for line in lines if line}
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    assert {text.split(";")[0].strip() for text in texts if "extra ==" in text} == set(
        itertools.chain(*extras.values())
    )
    assert metadata["License-Expression"] == "MIT"


def test_importing_it_takes_no_torch_and_comes_from_the_environment(installed: Path, tmp_path: Path) -> None:
    code = "import sys, unet_core; print(unet_core.__file__, unet_core.__version__, 'torch' in sys.modules)"
    done = run([str(installed / "python"), "-c", code], tmp_path)
    file, version, torch = done.stdout.split()
    assert Path(file).is_relative_to(installed.parent)
    assert (version, torch) == (re.search(r"-([\d.]+)-", next(iter([file_name(installed)])))[1], "False")


def file_name(installed: Path) -> str:
    """The name of the installed distribution's metadata folder, as in the name of the wheel."""
    folder = next(next((installed.parent / "lib").glob("python*")).glob("site-packages/unet_studio-*.dist-info"))
    return folder.name.replace(".dist-info", "-")


def test_the_console_script_lists_the_commands_and_tells_an_error_in_one_line(installed: Path, tmp_path: Path) -> None:
    script = str(installed / "unet-studio")
    shown = run([script, "--help"], tmp_path)
    assert shown.returncode == 0
    assert {"app", "train", "predict", "evaluate", "plan"} <= set(re.findall(r"^    (\w+)", shown.stdout, re.MULTILINE))
    assert shown.stdout.startswith("usage: unet-studio")
    wrong = run([script, "train", "nowhere"], tmp_path)
    assert wrong.returncode == 2
    assert wrong.stderr.startswith("error: ") and len(wrong.stderr.splitlines()) == 1


@pytest.fixture
def app(installed: Path, tmp_path: Path) -> Iterator[str]:
    """The address of the app as `unet-studio` opens it, in a folder that holds nothing."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [str(installed / "unet-studio"), "app", "--port", str(port), "--no-browser"]
    environment = {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), "OMP_NUM_THREADS": "1"}
    log = tmp_path / "server.log"
    with log.open("wb") as file:
        process = subprocess.Popen(command, cwd=tmp_path, env=environment, stdout=file, stderr=file)
    url = f"http://127.0.0.1:{port}"

    def answers() -> bool:
        try:
            return bool(urllib.request.urlopen(f"{url}/_stcore/health", timeout=2).status == 200)
        except OSError:
            assert process.poll() is None, log.read_text()
            return False

    try:
        poll(answers, 120, f"the app ({log})")
        yield url
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)
    assert "Traceback" not in log.read_text()


def test_the_installed_app_shows_every_page_with_its_own_look(app: str, page) -> None:
    failed: list[str] = []
    # What a page still loads when the next one is opened is aborted by the browser; that is no fault of the server.
    aborted = "net::ERR_ABORTED"
    page.on("requestfailed", lambda request: request.failure == aborted or failed.append(request.url))
    page.on("response", lambda response: response.status < 400 or failed.append(response.url))
    for shown in PAGES.values():
        page.goto(f"{app}/{shown.url_path}")
        title = shown.title if shown.url_path else "UNet Studio"
        page.get_by_role("heading", name=title, exact=True).wait_for()
        assert page.get_by_test_id("stException").count() == 0
    color = page.evaluate("getComputedStyle(document.querySelector('[data-testid=stApp]')).backgroundColor")
    assert color in ("rgb(255, 255, 255)", "rgb(16, 22, 29)")  # of .streamlit/config.toml: light or dark
    assert [url for url in failed if "_stcore" not in url] == []


def test_without_a_command_it_opens_the_app(monkeypatch: pytest.MonkeyPatch) -> None:
    from unet_core.cli import app as command
    from unet_core.cli.parser import main

    opened: list[list[str]] = []
    monkeypatch.setattr(os, "execv", lambda file, arguments: opened.append(arguments))
    monkeypatch.setattr(command, "open_app", command.open_app)
    main([])
    assert opened[0][1:4] == ["-m", "streamlit", "run"]
    assert Path(opened[0][4]) == ROOT / "app.py"
    main(["app", "--port", "8600", "--address", "0.0.0.0"])
    assert opened[1][5:] == ["--server.port=8600", "--server.address=0.0.0.0"]
