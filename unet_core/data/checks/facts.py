"""What a scan measures of each sample: everything that checks, charts and reports need, without reading files again."""

from dataclasses import dataclass

BINS = 64  # of an intensity histogram
FULL_RANGE = {"uint8": 255.0, "uint16": 65535.0}  # of other types: 1, as `pixels.full_range` has it


@dataclass(frozen=True)
class SampleFacts:
    """One sample as its files hold it, after the repairs of the recipe. Sizes in pixels, intensities as stored.

    `dtype` of the image. `low`, `high`, `mean`, `std` and `histogram` for each channel (at most 32); a histogram has
    `BINS` bins over `histogram_range` (the range of the type; of float the image's own). `codes`: pixels by the code
    of the mask value, see `masks.values`; `classes`: pixels by class index (255 = ignored) as the dataset's coding
    reads the mask. `object_areas`: pixels of each object (numbered objects, else connected pieces of a class other than
    0), the smallest 2,000. `holes`: areas of background pieces enclosed by an object, likewise. `record`: what tells
    the image by its pixels, see `data.groups.identity`, `mask_record` a hash of the classes of the mask. `pieces`:
    areas of connected foreground inside of the image, see `measure.find_pieces`, the smallest 200. `look`: see
    `measure.LOOK`. `pages` of the image file. `problem`: why a file cannot be read or the mask does not fit its image;
    what depends on it is then empty.
    """

    id: str
    image: str  # path below the root
    masks: tuple[str, ...] = ()
    subset: str = ""
    group: str = ""
    height: int = 0
    width: int = 0
    mask_height: int = 0
    mask_width: int = 0
    channels: int = 0
    channel_names: tuple[str, ...] = ()
    stacked: bool = False  # see `io.channels.Kind`
    dtype: str = ""
    mask_dtype: str = ""
    lossy: bool = False
    low: tuple[float, ...] = ()
    high: tuple[float, ...] = ()
    mean: tuple[float, ...] = ()
    std: tuple[float, ...] = ()
    histogram: tuple[tuple[int, ...], ...] = ()
    histogram_range: tuple[float, float] = (0.0, 0.0)
    codes: tuple[tuple[int, int], ...] = ()
    classes: tuple[tuple[int, int], ...] = ()
    objects: int = 0
    object_areas: tuple[int, ...] = ()
    holes: tuple[int, ...] = ()
    orientation: int = 1  # EXIF of the image file
    mask_orientation: int = 1
    shift: tuple[float, float] = (
        0.0,
        0.0,
    )  # pixels down and right by which the mask fits the edges of the image better
    shift_gain: float = 0.0  # how much better, 0 = not at all
    border_foreground: float = 0.0  # share of the border pixels that are foreground
    pieces: tuple[int, ...] = ()
    contrast: float = 0.0  # mean gray level of the foreground less that of the background, in deviations of the image
    look: tuple[float, ...] = ()
    pages: int = 1
    record: str = ""
    mask_record: str = ""
    problem: str = ""

    @property
    def foreground(self) -> float:
        """Share of the counted pixels that are not background, 0..1; 0 where none count."""
        counted = sum(number for index, number in self.classes if index != 255)
        return sum(number for index, number in self.classes if index not in (0, 255)) / counted if counted else 0.0

    @property
    def brightness(self) -> float:
        """Mean intensity over all channels, as stored."""
        return sum(self.mean) / len(self.mean) if self.mean else 0.0

    def describe(self) -> tuple[int, float, float]:
        """What splits are stratified by, as `Dataset.describe`: pixels, how colored, how bright (of 255 levels)."""
        means = [mean * 255 / FULL_RANGE.get(self.dtype, 1.0) for mean in self.mean] or [0.0]
        return self.height * self.width, max(means) - min(means), sum(means) / len(means)
