"""The settings of a model: all that prediction needs to know about it."""

from dataclasses import dataclass

from unet_core.config.channels import MOST_CHANNELS, parse_channels
from unet_core.config.choices import ACTIVATIONS, DOWNS, ENCODERS, NORMALIZATIONS, NORMS, ORDERS, PADDINGS, UPS
from unet_core.config.encoder import check_encoder
from unet_core.config.fields import Settings, field
from unet_core.errors import ConfigError

MOST_MEMBERS = 20  # of an ensemble


@dataclass(frozen=True)
class ModelConfig(Settings):
    """Everything that prediction needs to know about a model. It is saved with the weights: no paths.

    `channels` is here and not in the data's settings, since an image to predict must give the same ones.
    """

    in_channels: int = field(
        0,
        "Input channels: 1 = grayscale, 3 = RGB, 0 = detected from the images.",
        ge=0,
        le=MOST_CHANNELS,
        label="Input channels",
        zero="Auto",
    )
    channels: str = field(
        "",
        'Channels of the image files to use, by number from 0 or by name, as in "0,2" or "DAPI,GFP"; empty = all.',
        label="Channels to use",
        zero="All",
    )
    num_classes: int = field(
        0,
        "Number of classes: 1 = binary, 0 = detected from the masks.",
        ge=0,
        le=254,
        label="Number of classes",
        zero="Auto",
    )
    base_channels: int = field(
        16,
        "Channels of the first encoder level, doubled at each level below.",
        ge=1,
        le=256,
        label="Model size (base channels)",
    )
    depth: int = field(4, "Number of downsampling levels.", ge=1, le=8, label="Depth (levels)")
    convs_per_block: int = field(2, "Number of 3x3 convolutions per block.", ge=1, le=8, label="Convolutions per block")
    bottleneck_convs: int = field(
        0,
        "Number of 3x3 convolutions in the bottleneck, 0 = as in a block.",
        ge=0,
        le=8,
        label="Bottleneck convolutions",
        zero="As in a block",
    )
    norm: str = field("batch", "Normalization layer.", choices=NORMS, label="Normalization layer")
    order: str = field("conv_norm_act", "Order of the layers in a block.", choices=ORDERS, label="Layer order")
    activation: str = field("relu", "Activation function.", choices=ACTIVATIONS, label="Activation")
    down: str = field("maxpool", "Downsampling layer.", choices=DOWNS, label="Downsampling")
    up: str = field("transposed", "Upsampling layer.", choices=UPS, label="Upsampling")
    encoder: str = field(
        "plain",
        "Encoder; one other than plain needs depth 5 and up nearest, and base_channels are the decoder's.",
        choices=ENCODERS,
        label="Encoder",
    )
    padding: str = field("same", "Padding of the convolutions.", choices=PADDINGS, label="Padding")
    head_kernel: int = field(
        1, "Kernel size of the output convolution: 1 or 3.", ge=1, le=3, label="Output kernel size (px)"
    )
    dropout: float = field(
        0.0, "Dropout rate of the channels after the two deepest blocks.", ge=0, le=0.9, label="Dropout rate"
    )
    deep_supervision: bool = field(
        False, "Deep supervision: apply the loss at every level of the decoder.", label="Deep supervision"
    )
    image_size: int = field(128, "Side of the square training crops in pixels.", ge=8, le=4096, label="Crop size (px)")
    normalization: str = field(
        "zscore", "Intensity normalization of the input image.", choices=NORMALIZATIONS, label="Intensity normalization"
    )
    class_names: str = field(
        "",
        "Names of the classes in order, the background's first, with commas between; empty = from the dataset.",
        label="Class names",
        zero="From the dataset",
    )
    threshold: float = field(
        0.5, "Probability above which a pixel is foreground (binary models).", gt=0, le=1, label="Threshold"
    )
    # Found from the training images and saved, but no settings: how many channels the files had, and the names of those
    # that the model takes, by which `models.channels` takes the same ones of an image to predict.
    source_channels: tuple[int, ...] = ()
    channel_names: tuple[str, ...] = ()
    # Of an ensemble, how many models of these settings it holds, whose probabilities are averaged; no setting either.
    members: int = 1

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the classes in order; () where none are known."""
        return tuple(name.strip() for name in self.class_names.split(",")) if self.class_names.strip() else ()

    def class_name(self, index: int) -> str:
        """The name of a class; "foreground" of an unnamed binary one, else "class 3"."""
        if index < len(self.names):
            return self.names[index]
        return "foreground" if self.num_classes == 1 else f"class {index}"

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.num_classes and self.names and len(self.names) != max(2, self.num_classes):
            raise ConfigError(
                f"class_names has {len(self.names)} names, but there are {max(2, self.num_classes)} classes with the "
                "background. Name each class once, with commas between."
            )
        self._check_channels()
        if type(self.members) is not int or not 1 <= self.members <= MOST_MEMBERS:
            raise ConfigError(f"Expected members to be 1 to {MOST_MEMBERS}, got {self.members!r}.")
        check_encoder(self.to_dict())
        if self.head_kernel == 2:
            raise ConfigError("Expected head_kernel to be 1 or 3, got 2.")
        if self.deep_supervision and self.padding == "valid":
            raise ConfigError(
                "deep_supervision needs padding 'same': with unpadded convolutions the decoder levels do not align."
            )
        if self.image_size < 2 ** (self.depth + 1):
            raise ConfigError(
                f"image_size {self.image_size} is too small for depth {self.depth}: the deepest level would be less "
                f"than 2 pixels wide. Use image_size {2 ** (self.depth + 1)} or more, or a smaller depth."
            )

    def _check_channels(self) -> None:
        entries = parse_channels(self.channels)
        for name, kind in (("source_channels", int), ("channel_names", str)):
            values = getattr(self, name)
            if not isinstance(values, list | tuple) or not all(type(value) is kind for value in values):
                raise ConfigError(f"Expected {name} to be a list of {kind.__name__}, got {values!r}.")
            object.__setattr__(self, name, tuple(values))  # JSON has lists
        if len(self.channel_names) not in (0, self.in_channels):
            raise ConfigError(
                f"Expected channel_names to name the {self.in_channels} input channels, got {self.channel_names!r}."
            )
        fits = (len(entries), self.in_channels) == (1, 3)  # gray, repeated
        if entries and self.in_channels not in (0, len(entries)) and not fits:
            raise ConfigError(
                f"channels {self.channels!r} names {len(entries)} of them, but in_channels is {self.in_channels}. "
                f"Set in_channels to {len(entries)}, or to 0 (detected)."
            )

    def channels_or(self, default: int) -> int:
        """Input channels as far as the settings alone say it, else `default`.

        >>> ModelConfig(channels="0,3").channels_or(3)
        2
        """
        return self.in_channels or len(parse_channels(self.channels)) or default
