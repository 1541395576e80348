"""`bioimageio.core`, the readers' own check of a package of the BioImage Model Zoo, without network."""

from pathlib import Path
from typing import Any

import pytest


def check_package(path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Its summary: `status` "passed" where rdf.yaml is valid and the weights give the test output."""
    monkeypatch.setenv("BIOIMAGEIO_CACHE_PATH", str(path.parent / "cache"))
    monkeypatch.setattr("socket.socket.connect", _refuse)
    from bioimageio.core import test_model
    from bioimageio.spec._internal import io_packaging
    from bioimageio.spec.model import v0_4

    def package_file(value, handler, info):  # type: ignore[no-untyped-def]
        packed = handler(value)
        packed["source"] = _package(value.source, info, sha256=value.sha256)  # type: ignore[name-defined]  # noqa: F821
        return packed

    def package_weights(value, handler, info):  # type: ignore[no-untyped-def]
        return handler(value)

    # Version 0.5.12 of the library gives pydantic's handler a second argument, which pydantic 2.14 refuses. Its models
    # hold these functions, so their code is replaced and not their names.
    monkeypatch.setattr(io_packaging.package_file_descr_serializer, "__code__", package_file.__code__)
    monkeypatch.setattr(v0_4.package_weights, "__code__", package_weights.__code__)
    return test_model(path)


def _refuse(*_: object) -> None:
    raise AssertionError("the check of a package asked the network")
