"""A short program that predicts with a model's files and needs nothing of UNet Studio, written for one architecture.

It is for people who have torch, safetensors, numpy and Pillow, and for whoever wants to see what the model computes.
What it gives equals what UNet Studio gives in fp32, as long as the image fits into one tile.
"""

import dataclasses

from unet_core.config.schema import ModelConfig
from unet_core.models import architecture
from unet_core.models.architecture import Part

NORMS = {
    "batch": "nn.BatchNorm2d({})",
    "group": "nn.GroupNorm(math.gcd({0}, 8), {0})",
    "instance": "nn.InstanceNorm2d({}, affine=True)",
    "none": "nn.Identity()",
}
ACTIVATIONS = {
    "relu": "nn.ReLU()",
    "leaky_relu": "nn.LeakyReLU(0.01)",
    "elu": "nn.ELU()",
    "gelu": "nn.GELU()",
    "silu": "nn.SiLU()",
}
DOWNS = {"maxpool": "nn.MaxPool2d(2)", "avgpool": "nn.AvgPool2d(2)", "strided_conv": "nn.Conv2d({0}, {0}, 2, stride=2)"}
UPS = {
    "transposed": "nn.ConvTranspose2d({}, {}, 2, stride=2)",
    "bilinear": 'nn.Upsample(scale_factor=2, mode="bilinear")',
    "bilinear_aligned": 'nn.Upsample(scale_factor=2, mode="bilinear", align_corners=True)',
    "nearest": "nn.Upsample(scale_factor=2)",
}

NORMALIZATIONS = {  # as lines of `predict`; z-score is written for the channels
    "zscore": (),
    "zscore_per_channel": (),
    "unit": ("x = image.astype(np.float32) / 255  # 65535 for 16 bit",),
    "imagenet": (
        "x = image.astype(np.float32) / 255  # 65535 for 16 bit",
        "x = (x - [0.485, 0.456, 0.406]) / [0.229, 0.224, 0.225]",
    ),
}
KNOWN = {  # settings that the program follows, and those that change nothing of a prediction
    *("in_channels", "channels", "num_classes", "base_channels", "depth", "convs_per_block", "bottleneck_convs"),
    *("norm", "order", "activation", "down", "up", "padding", "head_kernel", "dropout", "deep_supervision"),
    *("image_size", "normalization", "class_names", "threshold", "source_channels", "channel_names"),
}


def is_supported(config: ModelConfig) -> bool:
    """Whether there is a program for a model: no setting or layer of it is one that this module does not know."""
    others = [field for field in dataclasses.fields(config) if field.name not in KNOWN]
    choices = ((config.norm, NORMS), (config.activation, ACTIVATIONS), (config.down, DOWNS), (config.up, UPS))
    known = all(name in table for name, table in choices) and config.normalization in NORMALIZATIONS
    return known and all(getattr(config, field.name) == field.default for field in others)


def standalone_code(config: ModelConfig) -> str:
    """The program: `UNet` with the weights of `model.safetensors`, and `predict` (H, W, C) uint8 to a mask (H, W).

    "" where it is not supported.

    >>> code = standalone_code(ModelConfig(in_channels=1, num_classes=1))
    >>> "unet_core" in code, len(code.splitlines()) <= 60
    (False, True)
    """
    if not is_supported(config):
        return ""
    parts: dict[str, list[Part]] = {}
    for part in architecture.list_parts(config):
        parts.setdefault(part.kind, []).append(part)
    head = parts["head"][0]
    padded = config.padding == "same"
    head_padding = f", padding={config.head_kernel // 2}" if padded and config.head_kernel > 1 else ""
    skip = "skip" if padded else "crop(skip, x)"
    lines = [
        *(["import math", ""] if config.norm == "group" else []),
        "import numpy as np",
        "import torch",
        "from PIL import Image",
        "from safetensors.torch import load_file",
        "from torch import nn",
        "",
        "",
        *_block(config, parts),
        "",
        "",
        "class UNet(nn.Module):",
        "    def __init__(self):",
        "        super().__init__()",
        f"        self.encoder = nn.ModuleList([{', '.join(map(_widths, parts['encoder']))}])",
        f"        self.down = nn.ModuleList([{_downs(config, parts['down'])}])",
        f"        self.bottleneck = {_widths(parts['bottleneck'][0])}",
        f"        self.up = nn.ModuleList([{_ups(config, parts['up'])}])",
        f"        self.decoder = nn.ModuleList([{', '.join(map(_widths, parts['decoder']))}])",
        f"        self.head = nn.Conv2d({head.in_channels}, {head.out_channels}, {config.head_kernel}{head_padding})",
        "",
        "    def forward(self, x):",
        "        skips = []",
        "        for encode, down in zip(self.encoder, self.down):",
        "            skips.append(encode(x))",
        "            x = down(skips[-1])",
        "        x = self.bottleneck(x)",
        "        for up, decode, skip in zip(self.up, self.decoder, reversed(skips)):",
        "            x = up(x)",
        f"            x = decode(torch.cat([{skip}, x], 1))",
        "        return self.head(x)",
        "",
        "",
        *([] if padded else [*CROP, "", ""]),
        *_predict(config),
        "",
        "",
        *_load(config),
    ]
    return "\n".join(lines) + "\n"


CROP = [
    "def crop(skip, like):",
    "    top, left = [(skip.shape[axis] - like.shape[axis]) // 2 for axis in (2, 3)]",
    "    return skip[:, :, top : top + like.shape[2], left : left + like.shape[3]]",
]


def _block(config: ModelConfig, parts: dict[str, list[Part]]) -> list[str]:
    """The function that builds a block of convolutions from its channels."""
    conv = parts["encoder"][0].convolutions[0]
    arguments = ("", ", padding=1")[config.padding == "same"] + ("" if conv.bias else ", bias=False")
    follow = [NORMS[config.norm].format("after"), ACTIVATIONS[config.activation]]
    if config.order == "conv_act_norm":
        follow.reverse()
    layers = ", ".join([f"nn.Conv2d(before, after, 3{arguments})", *follow])
    return [
        "def block(*widths):",
        "    layers = []",
        "    for before, after in zip(widths, widths[1:]):",
        f"        layers += [{layers}]",
        "    return nn.Sequential(*layers)",
    ]


def _widths(part: Part) -> str:
    widths = [part.convolutions[0].in_channels, *(conv.out_channels for conv in part.convolutions)]
    return f"block({', '.join(map(str, widths))})"


def _downs(config: ModelConfig, parts: list[Part]) -> str:
    layer = DOWNS[config.down]
    if "{" in layer:
        return f"{layer.format('width')} for width in [{', '.join(str(part.in_channels) for part in parts)}]"
    return f"{layer} for _ in range({len(parts)})"


def _ups(config: ModelConfig, parts: list[Part]) -> str:
    layer = UPS[config.up]
    if "{" in layer:
        widths = ", ".join(str((part.in_channels, part.out_channels)) for part in parts)
        return f"{layer.format('before', 'after')} for before, after in [{widths}]"
    return f"{layer} for _ in range({len(parts)})"


def _predict(config: ModelConfig) -> list[str]:
    """The function from an image to its mask: normalize, mirror to a size that the model takes, threshold."""
    channels = config.in_channels
    scale = [f"    {line}" for line in NORMALIZATIONS[config.normalization]]
    if not scale:
        together = channels == 1 or (channels == 3 and config.normalization == "zscore")
        axes = "" if together else "axis=(0, 1)"
        note = "  # 257 for 16 bit" if together else ""
        scale = [
            f"    x = image.astype(np.float32) - image.mean({axes})",
            f"    x = x / np.maximum(image.std({axes}), 1){note}",
        ]
    cell = 2**config.depth
    if config.padding == "same":
        least = architecture.padded_side(config, 1)
        grow = [
            f"    lower, right = [max({least}, -(-side // {cell}) * {cell}) - side for side in (height, width)]",
            '    x = np.pad(x, ((0, lower), (0, right), (0, 0)), mode="reflect")',
        ]
    else:
        margin, smallest = architecture.margin(config), architecture.least_size(config)
        # Sides that an unpadded model takes are a whole number of cells apart.
        first = next(side for side in range(smallest, smallest + 2 * cell) if architecture.output_size(config, side))
        grow = [
            f"    sides = [max({first}, -(-(side + {2 * margin} - {first}) // {cell}) * {cell} + {first}) "
            "for side in (height, width)]",
            f"    lower, right = sides[0] - height - {margin}, sides[1] - width - {margin}",
            f'    x = np.pad(x, (({margin}, lower), ({margin}, right), (0, 0)), mode="reflect")',
        ]
    last = (
        f"torch.sigmoid(logits[0]).numpy() > {config.threshold:g}"
        if config.num_classes == 1
        else "logits.argmax(0).numpy()"
    )
    shape = "(H, W)" if channels == 1 else f"(H, W, {channels})"
    result = "True where the foreground is" if config.num_classes == 1 else "class indices"
    return [
        "def predict(model, image):",
        f'    """{shape} uint8 to a mask (H, W): {result}."""',
        *(["    image = np.atleast_3d(image)"] if channels == 1 else []),
        "    height, width = image.shape[:2]",
        *scale,
        *grow,
        "    with torch.inference_mode():",
        "        logits = model(torch.from_numpy(np.float32(x)).permute(2, 0, 1)[None])[0, :, :height, :width]",
        f"    return {last}",
    ]


def _load(config: ModelConfig) -> list[str]:
    channels = config.in_channels
    mode = {1: "L", 3: "RGB"}.get(channels)
    weights = (
        '{name: value for name, value in load_file("model.safetensors").items() if not name.startswith("deep_heads")}'
        if config.deep_supervision  # heads that only the training uses
        else 'load_file("model.safetensors")'
    )
    opened = 'np.array(Image.open("image.png")' + (f'.convert("{mode}"))' if mode else f")  # (H, W, {channels})")
    scale = 255 if config.num_classes == 1 else 1
    return [
        "model = UNet().eval()",
        f"model.load_state_dict({weights})",
        f"image = {opened}",
        f'Image.fromarray(predict(model, image).astype(np.uint8){f" * {scale}" * (scale > 1)}).save("mask.png")',
    ]
