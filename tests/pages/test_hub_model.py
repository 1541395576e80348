"""Predict and models of the Hub: looked at first, downloaded after a button, from the box or the address."""

import json
import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import save

from pages.server import model_registry, paths
from pages.server.hub.model_jobs import HubLook
from tests.core.models.references import brain_weights
from tests.helpers.browser import poll
from tests.helpers.hub_server import Repo, running_hub
from tests.helpers.pages import show, texts
from unet_core.config.schema import ModelConfig
from unet_core.data import synthetic
from unet_core.hub import pull
from unet_core.models.checkpoint import save_checkpoint
from unet_core.models.unet import UNet

CANARY = "hf_canaryThatMustBeNowhere"


@pytest.fixture
def hub(monkeypatch, tmp_path):
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf-home"))
    monkeypatch.delenv("HF_TOKEN", raising=False)
    with running_hub() as running:
        monkeypatch.setenv("HF_ENDPOINT", running.endpoint)
        yield running


@pytest.fixture
def repo(hub, tmp_path):
    torch.manual_seed(1)
    folder = tmp_path / "made" / "best"
    save_checkpoint(folder, UNet(ModelConfig(in_channels=3, num_classes=1, base_channels=2, depth=1, image_size=16)))
    files = {path.name: path.read_bytes() for path in folder.iterdir()}
    return hub.repos.setdefault("org/net", Repo(files | {"README.md": b"# x"}, license="mit"))


def said(app) -> str:
    boxes = [*app.markdown, *app.caption, *app.warning, *app.error, *app.info]
    return " ".join(item.value for item in boxes).replace("\\", "")


def finish(app, key: str):
    if key in app.session_state:
        assert app.session_state[key].wait(60)
    app.run()
    assert not app.exception
    return app


def look(app, name: str):
    app.text_input(key="hub_model").set_value(name).run()
    app.button(key="fetch").click().run()
    return finish(app, "hub_look")


def asked_for_files(hub) -> bool:
    return any(
        not path.startswith("/api/") and "range" not in map(str.lower, headers) for _, path, headers in hub.requests
    )


def test_a_model_is_looked_at_then_downloaded_then_chosen(place, hub, repo):
    app = look(show("predict"), "org/net@v1")
    assert "org/net@v1" in said(app) and "License: mit" in said(app) and "UNet Studio, 3 input channels" in said(app)
    assert "Not downloaded: 1 other file." in said(app)
    assert not asked_for_files(hub) and model_registry.find_imported() == []
    app.button(key="hub_start").click().run()
    finish(app, "hub_pull")
    app.run()
    assert app.selectbox(key="run").value == "org--net@v1"
    assert "org/net@v1 UNet Studio, license mit" in said(app).replace("*", "")


def test_another_programs_weights_say_what_is_assumed_and_it_can_be_changed(place, hub):
    hub.repos["org/brain"] = Repo({"unet.safetensors": save(brain_weights())})
    app = look(show("predict"), "org/brain")
    assert "mateuszbuda/brain-segmentation-pytorch" in said(app) and "License: not stated" in said(app)
    assert "pre-contrast, FLAIR and post-contrast" in said(app)
    app.selectbox(key="hub_normalization").set_value("zscore").run()
    app.button(key="hub_start").click().run()
    finish(app, "hub_pull")
    folder = model_registry.models_dir() / "org--brain"
    assert json.loads((folder / "config.json").read_text())["normalization"] == "zscore"
    assert pull.source_of(folder)["normalization"] == "zscore"


def test_the_address_names_a_model_of_the_hub(place, hub, repo):
    app = show("predict", model="org/net")
    finish(app, "hub_look")
    assert app.text_input(key="hub_model").value == "org/net"
    assert "License: mit" in said(app) and not asked_for_files(hub)
    app.button(key="hub_start").click().run()
    finish(app, "hub_pull")
    app.run()
    assert app.selectbox(key="run").value == "org--net"
    hub.requests.clear()
    again = show("predict", model="org/net")
    assert again.selectbox(key="run").value == "org--net"
    assert hub.requests == []


def test_a_model_of_the_hub_is_downloaded_and_evaluated_on_evaluate(place, hub, repo, tmp_path):
    paths.library().link(synthetic.write(tmp_path / "others", images=3, seed=7))
    app = show("evaluate", model="org/net@v1", split="other", dataset="others")
    finish(app, "hub_look")
    assert app.text_input(key="hub_model").value == "org/net@v1"
    assert "License: mit" in said(app) and not asked_for_files(hub)
    app.button(key="hub_start").click().run()
    finish(app, "hub_pull")
    app.run()
    finish(app, "scoring")
    assert app.selectbox(key="run").value == "org--net@v1"
    assert "org/net@v1 UNet Studio, license mit" in said(app).replace("*", "")
    assert "It is not known which images this model was trained on" in said(app)
    assert len(app.dataframe[0].value) == 3
    assert app.selectbox(key="dataset").value == "others"
    again = finish(show("evaluate", model="org/net@v1", dataset="others"), "scoring")
    assert again.selectbox(key="run").value == "org--net@v1" and len(again.dataframe[0].value) == 3


def test_beside_other_models_none_is_chosen_in_its_place(place, hub, repo, trained):
    shutil.copytree(trained.folder, place / trained.id)
    app = show("predict", model="org/net")
    finish(app, "hub_look")
    assert app.selectbox(key="run").value is None
    assert "The model org/net is not on this machine yet" in said(app)
    app = show("share", model="org/net")
    assert "org/net is a model of the Hugging Face Hub; this page shows runs of this machine" in said(app)


@pytest.mark.parametrize(
    ("refusal", "says"),
    [
        ((401, "RepoNotFound"), "no such model"),
        ((403, "GatedRepo"), "access is restricted by its owner"),
        ((404, "RevisionNotFound"), "not this revision"),
        ((429, ""), "Wait a few minutes"),
        ((503, ""), "try again later"),
    ],
)
def test_refusals_are_told_with_their_remedy(place, hub, repo, refusal, says):
    repo.refusal = refusal
    app = look(show("predict"), "org/net")
    assert says in said(app)
    assert not [button for button in app.button if button.key == "hub_start"]


def test_a_silent_server_does_not_block_the_page_and_is_cancelled(place, hub):
    hub.silent.add("/api/models")
    app = show("predict")
    app.text_input(key="hub_model").set_value("org/net").run()
    app.button(key="fetch").click().run()  # comes back while nothing was answered
    poll(lambda: any("/api/models" in path for path in hub.paths()), what="the question to the Hub")
    assert app.button(key="hub_cancel")
    job: HubLook = app.session_state["hub_look"]
    assert not job.poll().over
    app.button(key="hub_cancel").click().run()
    assert job.wait(60) and job.offer is None
    assert not app.run().exception


def test_a_token_opens_a_gated_model_and_is_found_nowhere(place, hub, repo, tmp_path, caplog):
    caplog.set_level("DEBUG")
    repo.refusal, repo.token = (403, "GatedRepo"), CANARY
    app = show("predict")
    app.text_input(key="hub_token").set_value(CANARY).run()
    app = look(app, "org/net")
    app.button(key="hub_start").click().run()
    left = str(vars(app.session_state["hub_look"])) if "hub_look" in app.session_state else ""
    finish(app, "hub_pull")
    app.run()
    assert app.selectbox(key="run").value == "org--net"
    assert CANARY not in texts(app) + said(app) + str(app.query_params) + caplog.text
    assert CANARY not in left
    assert not any(CANARY.encode() in path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())


def test_the_token_of_the_machine_is_offered_and_never_in_public(place, hub, repo, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", CANARY)
    repo.refusal, repo.token = (403, "GatedRepo"), CANARY
    app = look(show("predict"), "org/net")
    assert "Left empty, the HF_TOKEN of this machine is used" in said(app) and "License: mit" in said(app)
    hub.requests.clear()
    monkeypatch.setenv("UNET_STUDIO_PUBLIC", "1")
    app = look(show("predict"), "org/net")
    assert "HF_TOKEN of this machine" not in said(app) and "access is restricted" in said(app)
    assert CANARY not in hub.headers()


def test_a_folder_that_is_not_of_the_hub_says_nothing_of_it(tmp_path: Path):
    assert pull.source_of(tmp_path) == {}
    (tmp_path / pull.SOURCE).write_text("[1]")
    assert pull.source_of(tmp_path) == {}
