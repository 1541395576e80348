"""One net in several number formats and memory layouts: `python -m benchmarks.training_speed`.

Taken in alternation: the machine's speed drifts, so that the ratios count and not the times.
"""

import argparse
import statistics
import time

import torch

from benchmarks.report import report
from unet_core import losses
from unet_core.config.schema import ModelConfig
from unet_core.device import autocast, choose_device
from unet_core.models.unet import UNet

VARIANTS = {  # precision, channels_last, fused AdamW
    "fp32 NCHW": ("fp32", False, False),
    "fp32 channels_last": ("fp32", True, True),
    "bf16 NCHW": ("bf16", False, True),
    "bf16 channels_last": ("bf16", True, True),
}


def stepper(variant: str, device: torch.device, batch: int, side: int):
    """A function that makes one step of the variant and waits for its end."""
    precision, last, fused = VARIANTS[variant]
    layout = torch.channels_last if last else torch.contiguous_format
    torch.manual_seed(0)
    model = UNet(ModelConfig(in_channels=3, num_classes=1)).to(device, memory_format=layout)
    optimizer = torch.optim.AdamW(model.parameters(), fused=fused)
    images = torch.randn(batch, 3, side, side).to(device, memory_format=layout)
    target = torch.randint(0, 2, (batch, side, side), device=device)

    def step() -> None:
        with autocast(device, precision):
            logits = model(images)
        optimizer.zero_grad(set_to_none=True)
        losses.bce_dice(logits, target).backward()
        optimizer.step()
        if device.type == "cuda":
            torch.cuda.synchronize()

    return step


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=8)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--side", type=int, default=128)
    parser.add_argument("--threads", type=int, default=1)
    parsed = parser.parse_args()
    torch.set_num_threads(parsed.threads)
    device = choose_device()
    steps = {variant: stepper(variant, device, parsed.batch, parsed.side) for variant in VARIANTS}
    seconds: dict[str, list[float]] = {variant: [] for variant in VARIANTS}
    for round_ in range(parsed.rounds + 1):
        for variant, step in steps.items():
            started = time.perf_counter()
            step()
            if round_:  # the first warms up
                seconds[variant].append(time.perf_counter() - started)
    base = seconds["fp32 NCHW"]
    rows = [
        {
            "variant": variant,
            "ms a step (median)": 1000 * statistics.median(times),
            "speed-up (median of ratios)": statistics.median(a / b for a, b in zip(base, times, strict=True)),
        }
        for variant, times in seconds.items()
    ]
    report("training_speed", rows, device=str(device), threads=parsed.threads, batch=parsed.batch, side=parsed.side)


if __name__ == "__main__":
    main()
