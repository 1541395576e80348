"""No name, address or limit of the machine that runs the tests plays a part."""

import os

import pytest


@pytest.fixture(autouse=True)
def plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith(("UNET_STUDIO_", "SPACE_")):
            monkeypatch.delenv(name)
    monkeypatch.setattr("socket.gethostname", lambda: "Lab-7.example.net")
