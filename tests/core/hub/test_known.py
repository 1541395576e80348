"""Trained models of others: the list says what a user has to know, on the command line and on the page."""

import json
from urllib.parse import urlsplit

import pytest

from unet_core.cli.parser import main
from unet_core.hub.known import KNOWN
from unet_core.models.foreign import BRAIN, MILESIAL
from unet_core.models.import_weights import PICKLES


def test_each_is_of_a_kind_that_is_read_and_says_all_there_is_to_know() -> None:
    titles = (BRAIN.title, MILESIAL.title)
    for model in KNOWN:
        repository = urlsplit(model.page).path.strip("/")
        assert repository in titles and f"({repository})" in model.name
        assert model.file.startswith(f"{model.page}/releases/download/") and model.file.endswith(PICKLES)
        assert model.segments and model.images and model.license


def test_the_command_line_lists_them_and_asks_for_a_name_without(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["pull", "--known"]) == 0
    output = capsys.readouterr()
    assert [model["file"] for model in json.loads(output.out)["known"]] == [model.file for model in KNOWN]
    for model in KNOWN:
        assert f"License: {model.license}" in output.err and f"download {model.file}, then: " in output.err
    assert main(["pull"]) == 2
    assert "Name a model of the Hub, as owner/name." in capsys.readouterr().err
