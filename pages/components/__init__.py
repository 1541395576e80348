"""The few pieces that must run in the browser: components v2, one .py beside its .js, .html and .css each."""

from pathlib import Path

HERE = Path(__file__).parent


def source(*names: str) -> str:
    """The text of the files beside this one, joined: a component's script is one module."""
    return "\n".join((HERE / name).read_text(encoding="utf-8") for name in names)
