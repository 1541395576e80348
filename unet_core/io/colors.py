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

# Of errors: told apart on any image, by anyone. Measured as CIEDE2000; color blindness after Machado et al. (2009).
# The least difference between two of them: 51 in normal sight, 52 protan, 30 deutan, 22 tritan (of Okabe and Ito's
# green, vermilion and sky blue, which they were: 35, 18, 21, 12). True positive to black 90, dark gray 88, mid-gray 42,
# near white 32, pink and purple of H&E 72 and 93, grass 36, forest 61, sky 51. Mixed half and half with the pink of H&E
# it has hue 84 (a green); the green of before had 175, with the purple 195 (blues).
TRUE_POSITIVE: Color = (102, 255, 0)
FALSE_POSITIVE: Color = (213, 0, 50)
FALSE_NEGATIVE: Color = (51, 153, 255)

BLACK: Color = (0, 0, 0)
WHITE: Color = (255, 255, 255)


def halo_of(color: Sequence[int]) -> Color:
    """The thin line around an outline of this color: black, or white where the color is dark.

    Of line and halo the better one has a contrast (WCAG 2) of at least 2.5 to each of the nine backgrounds above, for
    all colors of this table that masks and errors have, and of 5.2 to each other.

    >>> halo_of(ORANGE), halo_of(BLUE)
    ((0, 0, 0), (255, 255, 255))
    """
    linear = [(c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4) for c in (part / 255 for part in color)]
    luminance = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
    return BLACK if luminance > 0.179 else WHITE  # where both have the same contrast to it


def to_hex(color: Sequence[int]) -> str:
    """A color as browsers and Plotly write it.

    >>> to_hex(ORANGE)
    '#e69f00'
    """
    return "#" + "".join(f"{int(channel):02x}" for channel in color)
