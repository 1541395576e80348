"""Numbers and names as text for people."""

import math
import re

MARKUP = re.compile(r"([\\`*_{}\[\]()<>#+\-!|~$:])")


def plain(text: str) -> str:
    """Text from outside (file and folder names, messages that hold them) with its markup made inert."""
    return MARKUP.sub(r"\\\1", text)


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
