"""A Space: its files, its settings, that nothing private leaves, and what the Hub answers."""

import io
import json
import re
import subprocess
import zipfile
from collections.abc import Mapping
from pathlib import Path

import huggingface_hub
import pytest

import unet_core
from tests.helpers.dockerfile import ROOT, context_files, read_image
from tests.helpers.hub_push_server import TOKEN, PushHub, PushRepo
from unet_core.cli.parser import main
from unet_core.config.schema import ModelConfig
from unet_core.errors import ConfigError, HubError, RunError
from unet_core.models.checkpoint import load_model
from unet_core.runs.run import Run
from unet_core.sharing.push import push
from unet_core.sharing.repository import Item
from unet_core.sharing.space import app_files
from unet_core.sharing.space.publish import plan_space
from unet_core.sharing.space.readme import SpaceOptions, write_readme

FILES = ("config.json", "images.json", "model.safetensors", "sha256", "training.json")
MODEL = {f"model/cells/{name}" for name in FILES}


def published(hub: PushHub, name: str = "anna/cells") -> PushRepo:
    repo = hub.repos[f"spaces/{name}"]
    assert isinstance(repo, PushRepo)
    return repo


def settings_of(readme: bytes) -> Mapping[str, object]:
    data: Mapping[str, object] = huggingface_hub.SpaceCard(readme.decode(), ignore_metadata_errors=False).data.to_dict()
    return data


def test_a_space_is_made_private_with_the_app_the_model_and_a_readme(
    run: Run, hub: PushHub, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["publish", str(run.folder), "anna/cells", "--license", "mit", "--yes"]) == 0
    result = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert result["published"] and result["private"] and result["changed"]
    assert result["address"] == f"{hub.endpoint}/spaces/anna/cells"
    space = published(hub)
    assert (space.private, space.sdk, len(space.commits)) == (True, "docker", 1)
    assert set(hub.repos) == {"spaces/anna/cells"}
    assert space.files.keys() == {"README.md", *MODEL} | {item.name for item in app_files.read_app()}
    assert result["files"] == {name: len(data) for name, data in space.files.items()}
    assert space.files["model/cells/model.safetensors"] == (run.best / "model.safetensors").read_bytes()


def test_its_settings_are_those_that_a_docker_space_needs(run: Run, hub: PushHub) -> None:
    options = SpaceOptions("HeLa nuclei", "Find nuclei", "cc-by-4.0", "anna/hela")
    push(plan_space(run, "anna/cells", options), token=TOKEN)
    files = published(hub).files
    settings = settings_of(files["README.md"])
    image = read_image(files["Dockerfile"].decode())
    assert settings["sdk"] == "docker" and settings["app_port"] == 7860 == image.ports[0]
    assert settings["title"] == "HeLa nuclei" and settings["license"] == "cc-by-4.0"
    assert settings["models"] == ["anna/hela"] and settings["short_description"] == "Find nuclei"
    assert isinstance(settings["tags"], list) and "image-segmentation" in settings["tags"]
    colors = {"red", "yellow", "green", "blue", "indigo", "purple", "pink", "gray"}
    assert {settings["colorFrom"], settings["colorTo"]} < colors and len(str(settings["emoji"])) == 1
    assert unet_core.__version__ in files["README.md"].decode()


def test_without_a_description_it_says_what_is_segmented_and_never_too_long(run: Run) -> None:
    readme = plan_space(run, "anna/cells", SpaceOptions()).items[0].data
    assert settings_of(readme)["short_description"] == "Segment foreground in your images with a U-Net"
    names = ["background", *(f"a rather long name of class {number}" for number in range(5))]
    model = ModelConfig(num_classes=6, class_names=",".join(names))
    text = str(settings_of(write_readme(SpaceOptions(), "cells", model).encode())["short_description"])
    assert len(text) <= 60 and text.startswith("Segment a rather long name of class 0") and text.endswith("…")


def test_the_dockerfile_is_ours_with_the_model_that_is_in_the_space(run: Run, tmp_path: Path) -> None:
    plan = plan_space(run, "anna/cells", SpaceOptions("HeLa nuclei, 2026"))
    text = next(item.data.decode() for item in plan.items if item.name == "Dockerfile")
    assert text.startswith((ROOT / "Dockerfile").read_text())
    folder = read_image(text).environment["UNET_STUDIO_MODEL"]
    assert folder == "/app/model/HeLa-nuclei-2026"
    for item in plan.items:
        path = tmp_path / item.name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(item.data)
    inside = context_files(tmp_path, (tmp_path / ".dockerignore").read_text())
    assert {item.name for item in plan.items} - set(inside) == {"README.md", "Dockerfile", ".dockerignore"}
    load_model(tmp_path / folder.removeprefix("/app/"))


def test_the_app_in_it_is_the_source_of_this_version() -> None:
    tracked = subprocess.run(["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True)
    names = {name for name in tracked.stdout.splitlines() if (ROOT / name).is_file()}
    items = {item.name: item.data for item in app_files.read_app()}
    assert set(items) == {name for name in names if name.startswith(("unet_core/", "pages/"))} | set(app_files.SINGLE)
    assert all(data == (ROOT / name).read_bytes() for name, data in items.items())


def test_an_installed_package_gives_the_same_files(
    wheel: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = {item.name: item.data for item in app_files.read_app()}
    zipfile.ZipFile(wheel).extractall(tmp_path)
    monkeypatch.setattr(unet_core, "__file__", str(tmp_path / "unet_core" / "__init__.py"))
    assert {item.name: item.data for item in app_files.read_app()} == here
    (tmp_path / "unet_core" / "_app" / "Dockerfile").unlink()
    with pytest.raises(RunError, match=r"_app: Dockerfile of UNet Studio is not there\. Install it again"):
        app_files.read_app()


def test_a_second_time_nothing_changes_and_another_model_takes_the_place_of_the_first(run: Run, hub: PushHub) -> None:
    first = push(plan_space(run, "anna/cells", SpaceOptions()), token=TOKEN)
    second = push(plan_space(run, "anna/cells", SpaceOptions()), token=TOKEN)
    assert (first.created, second.created, second.changed) == (True, False, False)
    assert len(hub.paths("PUT")) == 1
    published(hub).files |= {"pages/gone.py": b"", "examples/a.png": b"mine"}
    push(plan_space(run, "anna/cells", SpaceOptions("hela")), token=TOKEN)
    files = published(hub).files
    assert {name for name in files if name.startswith("model/")} == {name.replace("cells", "hela") for name in MODEL}
    assert "pages/gone.py" not in files and files["examples/a.png"] == b"mine"


def test_a_space_with_another_app_is_not_replaced(run: Run, hub: PushHub) -> None:
    hub.repos["spaces/anna/cells"] = PushRepo({"app.py": b"import gradio", "README.md": b""}, sdk="gradio")
    with pytest.raises(HubError, match="a Space with another app: its files would be replaced"):
        push(plan_space(run, "anna/cells", SpaceOptions()), token=TOKEN)
    assert published(hub).files["app.py"] == b"import gradio"


def test_a_public_space_is_refused_unless_public_is_meant(run: Run, hub: PushHub) -> None:
    hub.repos["spaces/anna/cells"] = PushRepo({"README.md": b""}, private=False, sdk="docker")
    with pytest.raises(HubError, match=r"exists and is public.*Publish to it with --public"):
        push(plan_space(run, "anna/cells", SpaceOptions()), token=TOKEN)
    assert not push(plan_space(run, "anna/cells", SpaceOptions()), public=True, token=TOKEN).private


def test_a_free_account_is_told_what_is_free(run: Run, hub: PushHub, capsys: pytest.CaptureFixture[str]) -> None:
    hub.refused["/api/repos/create"] = (402, {})
    assert main(["publish", str(run.folder), "anna/cells", "--yes"]) == 2
    error = capsys.readouterr().err.splitlines()[-1]
    for words in (
        "paid plan of anna (402)",
        "on this machine (unet-studio)",
        "Streamlit Community Cloud",
        "--static DIR",
    ):
        assert words in error
    assert hub.repos == {}


@pytest.mark.parametrize(
    ("status", "message"),
    [
        (401, r"missing, wrong or expired \(401\)"),
        (403, r"may not write to anna \(403\).*or name a repository of your own account"),
        (404, r"no user or organization anna"),
        (429, r"too many requests \(429\)\. Wait 90 s and publish again"),
        (500, r"has trouble \(error 500\)\. Wait and publish again"),
    ],
)
def test_other_refusals_say_what_to_do(
    run: Run, hub: PushHub, monkeypatch: pytest.MonkeyPatch, status: int, message: str
) -> None:
    monkeypatch.setattr("huggingface_hub.utils._http.time.sleep", lambda seconds: None)
    hub.refused["/api/repos/create"] = (status, {"Retry-After": "90"})
    with pytest.raises(HubError, match=message):
        push(plan_space(run, "anna/cells", SpaceOptions()), token=TOKEN)


def test_full_private_storage_is_told_from_a_plan_without_spaces(run: Run, hub: PushHub) -> None:
    hub.refused["/api/spaces/anna/cells/commit"] = (402, {})
    with pytest.raises(HubError, match=r"storage is used up\. Publish with --public"):
        push(plan_space(run, "anna/cells", SpaceOptions()), token=TOKEN)


def test_an_upload_that_was_cut_goes_on(run: Run, hub: PushHub) -> None:
    hub.refused["/api/spaces/anna/cells/commit"] = (500, {})
    with pytest.raises(HubError, match="trouble"):
        push(plan_space(run, "anna/cells", SpaceOptions()), token=TOKEN)
    hub.refused.clear()
    push(plan_space(run, "anna/cells", SpaceOptions()), token=TOKEN)
    assert len(hub.paths("PUT")) == 1 and published(hub).files.keys() > MODEL


def test_nothing_private_leaves(run: Run, hub: PushHub, capsys: pytest.CaptureFixture[str]) -> None:
    secret = "hf_" + "canarycanarycanary"
    command = ["publish", str(run.folder), "anna/cells", "--description", f"{secret} /home/anna/x", "--yes"]
    assert main(command) == 2
    error = capsys.readouterr().err.splitlines()[-1]
    assert error.startswith("error: Nothing was uploaded. Private: README.md: an access token; README.md: a path")
    assert secret not in error and hub.requests == []


def test_a_token_or_a_folder_of_this_machine_is_found_in_the_app_and_its_examples_are_none(
    run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("getpass.getuser", lambda: "adam")  # stands in the app, as an optimizer
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    assert plan_space(run, "anna/cells", SpaceOptions()).leaks == ()
    app = [*app_files.read_app(), Item("pages/secret.py", f"A = '{TOKEN}'\nB = '{tmp_path}/x'".encode())]
    monkeypatch.setattr("unet_core.sharing.space.publish.read_app", lambda: app)
    monkeypatch.setattr(Path, "home", lambda: tmp_path)
    assert [str(leak) for leak in plan_space(run, "anna/cells", SpaceOptions()).leaks] == [
        "pages/secret.py: an access token",
        f"pages/secret.py: a path of this machine ({tmp_path})",
    ]


def test_a_dry_run_names_every_file_shows_what_is_of_this_space_and_sends_nothing(
    run: Run, hub: PushHub, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["publish", str(run.folder), "anna/cells", "--dry-run"]) == 0
    shown = capsys.readouterr()
    result = json.loads(shown.out.splitlines()[-1])
    assert result["published"] is False and result["private_content"] == []
    listed = re.findall(r"^ +[\d,]+  (\S+)$", shown.err, re.MULTILINE)
    assert set(listed) == result["files"].keys() > MODEL
    assert "--- README.md ---" in shown.err and "--- model/cells/config.json ---" in shown.err
    assert len(re.findall(r"^--- ", shown.err, re.MULTILINE)) == 5  # and training.json, images.json, sha256
    assert hub.requests == []


def test_without_a_terminal_it_asks_for_yes(run: Run, hub: PushHub, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["publish", str(run.folder), "anna/cells"]) == 2
    assert "Confirm with --yes." in capsys.readouterr().err and hub.requests == []


@pytest.mark.parametrize("name", ["cells", "a/b/c", "datasets/a/b", "https://example.org/a/b", "a/b@v1"])
def test_what_is_no_space_is_refused(run: Run, name: str) -> None:
    with pytest.raises(HubError, match=r"not the name of a space|one branch"):
        plan_space(run, name, SpaceOptions())


def test_the_address_of_a_space_is_its_name(run: Run) -> None:
    for name in ("https://huggingface.co/spaces/anna/cells", "spaces/anna/cells"):
        assert plan_space(run, name, SpaceOptions()).reference.repo == "anna/cells"


def test_long_titles_and_unknown_licenses_are_refused() -> None:
    with pytest.raises(ConfigError, match="title of the Space has 61 characters, at most 60"):
        SpaceOptions("x" * 61)
    with pytest.raises(ConfigError, match="description of the Space has 61"):
        SpaceOptions(description="x" * 61)
    with pytest.raises(ConfigError, match="License 'beer'"):
        SpaceOptions(license="beer")
    with pytest.raises(HubError, match="not the name of a model"):
        SpaceOptions(model="cells")


def test_a_run_without_a_checkpoint_is_not_published(run: Run) -> None:
    import shutil

    shutil.rmtree(run.checkpoints)
    with pytest.raises(RunError, match="no checkpoint yet"):
        plan_space(run, "anna/cells", SpaceOptions())


def test_the_weights_are_read_when_they_leave(run: Run) -> None:
    item = next(item for item in plan_space(run, "anna/cells", SpaceOptions()).items if item.name.endswith("tensors"))
    assert isinstance(item.source, Path) and io.BytesIO(item.data).getbuffer().nbytes == item.size
