"""The one table of colors, which color-blind people can tell apart (Okabe and Ito 2008, all of theirs but black).

https://jfly.uni-koeln.de/color/
"""

from collections.abc import Sequence

Color = tuple[int, int, int]  # red, green, blue, 0 to 255 each

ORANGE: Color = (230, 159, 0)
SKY: Color = (86, 180, 233)
GREEN: Color = (0, 158, 115)
YELLOW: Color = (240, 228, 66)
BLUE: Color = (0, 114, 178)
RED: Color = (213, 94, 0)  # vermilion
PURPLE: Color = (204, 121, 167)
GRAY: Color = (138, 148, 164)  # for what is no data: axes, edges, thresholds

CLASS_COLORS = (ORANGE, SKY, GREEN, YELLOW, BLUE, RED, PURPLE)
LINE_COLORS = (BLUE, ORANGE, GREEN, PURPLE, SKY, RED, GRAY)  # of curves: yellow is hardly seen on white
TRUE_POSITIVE, FALSE_POSITIVE, FALSE_NEGATIVE = GREEN, RED, SKY


def to_hex(color: Sequence[int]) -> str:
    """A color as browsers and Plotly write it.

    >>> to_hex(ORANGE)
    '#e69f00'
    """
    return "#" + "".join(f"{int(channel):02x}" for channel in color)
