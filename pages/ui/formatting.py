"""Numbers and names as text for people."""

import hashlib
import math
import re

from unet_core.io.filenames import readable

MARKUP = re.compile(r"([\\`*_{}\[\]()<>#+\-!|~$:])")


def plain(text: str) -> str:
    """Text from outside (file and folder names, messages that hold them) with its markup made inert.

    Bytes of names that are not UTF-8, which no page can hold, are replaced.
    """
    return MARKUP.sub(r"\\\1", readable(text))


def key_text(name: str) -> str:
    """A file name as part of a widget's key: as it is, but with a hash in place of bytes that are not UTF-8.

    >>> key_text("cells 1.png"), key_text("b\udce4r.png") == key_text("b\udcf6r.png")
    ('cells 1.png', False)
    """
    text = readable(name)
    if text == name:
        return name
    return f"{text} {hashlib.sha256(name.encode(errors='surrogateescape')).hexdigest()[:12]}"


def score_text(value: float | None) -> str:
    """A score for people: three decimals, a dash where it is undefined."""
    return "–" if value is None or math.isnan(value) else f"{value:.3f}"


def duration_text(seconds: float) -> str:
    """Seconds for people: 45 s, 3 min 20 s, 2 h 5 min."""
    if math.isnan(seconds):
        return "–"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"
