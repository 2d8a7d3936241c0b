"""Diagnose networks of other packages, untrained: prints the table of docs/networks.md.

    python scripts/diagnose_networks.py            # those whose package is installed
    python scripts/diagnose_networks.py unet smp   # those whose name has one of the words in it

Needs torchvision, and what is to be tried of timm, segmentation-models-pytorch, diffusers, monai.
The last columns are a check that shares no code with `diagnose`: torch's enlarging functions that
the network called, and whether the unevenly judged modules turn a constant into a checkerboard.
"""

import argparse
import importlib
import time
from collections import Counter
from collections.abc import Callable
from importlib.metadata import version
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from dcgan.checkerboard import Diagnosis, diagnose
from dcgan.errors import first_line

FUNCTIONS = ("interpolate", "pixel_shuffle", "conv_transpose1d", "conv_transpose2d", "fold")
Built = tuple[nn.Module, Any]


def image(size: int = 64, channels: int = 3) -> Tensor:
    """Noise in place of an image."""
    return torch.randn(1, channels, size, size, generator=torch.Generator().manual_seed(0))


def segmentation(name: str) -> Callable[[Any], Built]:
    """Of torchvision."""
    options = {"weights": None, "weights_backbone": None}
    return lambda p: (getattr(p.models.segmentation, name)(**options), image())


def smp(name: str) -> Callable[[Any], Built]:
    """Of segmentation-models-pytorch."""
    options = {"encoder_name": "resnet18", "encoder_weights": None}
    return lambda p: (getattr(p, name)(**options), image(128))


def monai(name: str, **options: Any) -> Callable[[Any], Built]:
    """Of MONAI."""
    given = {"spatial_dims": 2, "in_channels": 1, **options}
    return lambda p: (getattr(p.networks.nets, name)(**given), image(channels=1))


def diffusers(name: str, levels: str = "", *more: Tensor) -> Callable[[Any], Built]:
    """Of diffusers; `levels` is in the names of its blocks, of which it gets two."""
    blocks = {
        "block_out_channels": (32, 32),
        "down_block_types": (f"Down{levels}",) * 2,
        "up_block_types": (f"Up{levels.replace('Enc', 'Dec')}",) * 2,
    }
    return lambda p: (getattr(p, name)(**blocks if levels else {}), (image(32), *more))


SMP = "Unet UnetPlusPlus Linknet FPN PSPNet PAN DeepLabV3Plus MAnet UPerNet Segformer"
NETWORKS: list[tuple[str, str, Callable[[Any], Built]]] = [
    *(
        ("torchvision", name, segmentation(name))
        for name in ("fcn_resnet50", "deeplabv3_mobilenet_v3_large", "lraspp_mobilenet_v3_large")
    ),
    (
        "torchvision",
        "MaskRCNNPredictor",
        lambda p: (p.models.detection.mask_rcnn.MaskRCNNPredictor(32, 32, 3), image(14, 32)),
    ),
    (
        "torchvision",
        "KeypointRCNNPredictor",
        lambda p: (p.models.detection.keypoint_rcnn.KeypointRCNNPredictor(32, 17), image(14, 32)),
    ),
    (
        "torchvision",
        "FeaturePyramidNetwork",
        lambda p: (
            p.ops.FeaturePyramidNetwork([8, 8, 8], 16),
            ({str(i): image(32 >> i, 8) for i in range(3)},),
        ),
    ),
    (
        "torchvision",
        "raft_small",
        lambda p: (p.models.optical_flow.raft_small(), (image(128),) * 2),
    ),
    *(
        ("torchvision", name, lambda p, name=name: (getattr(p.models, name)(), image()))
        for name in ("swin_t", "mobilenet_v3_small")
    ),
    *(("segmentation_models_pytorch", name, smp(name)) for name in SMP.split()),
    ("monai", "UNet", monai("UNet", out_channels=2, channels=(8, 16, 32), strides=(2, 2))),
    ("monai", "BasicUNet", monai("BasicUNet", features=(8,) * 6)),
    ("monai", "SegResNet", monai("SegResNet")),
    ("monai", "VNet", monai("VNet")),
    (
        "monai",
        "AttentionUnet",
        monai("AttentionUnet", out_channels=1, channels=(8, 16, 32), strides=(2, 2)),
    ),
    (
        "monai",
        "DynUNet",
        monai(
            "DynUNet",
            out_channels=1,
            kernel_size=[3, 3, 3],
            strides=[1, 2, 2],
            upsample_kernel_size=[2, 2],
        ),
    ),
    (
        "monai",
        "AutoEncoder",
        monai("AutoEncoder", out_channels=1, channels=(8, 16), strides=(2, 2)),
    ),
    ("diffusers", "AutoencoderKL", diffusers("AutoencoderKL", "EncoderBlock2D")),
    ("diffusers", "AutoencoderTiny", diffusers("AutoencoderTiny")),
    ("diffusers", "VQModel", diffusers("VQModel", "EncoderBlock2D")),
    ("diffusers", "UNet2DModel", diffusers("UNet2DModel", "Block2D", torch.tensor([1]))),
]


class Calls(TorchFunctionMode):
    """Counts calls of torch's enlarging functions whose output is larger than their input."""

    def __init__(self) -> None:
        super().__init__()
        self.counts: Counter[str] = Counter()

    def __torch_function__(
        self, function: Any, types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        result = function(*args, **(kwargs or {}))
        name = getattr(function, "__name__", "")
        if name in FUNCTIONS or name == "conv_transpose3d":
            before = args[0] if args else (kwargs or {})["input"]
            if max(result.shape[2:]) >= 1.5 * max(before.shape[2:]) or name == "fold":
                self.counts[name] += 1
        return result


def uneven_modules(network: nn.Module, diagnosis: Diagnosis) -> str:
    """Of the modules judged a grid: how many turn a constant into a pattern, by running them."""
    judged = [row.name for row in diagnosis.layers if row.verdict.endswith("grid")]
    modules = dict(network.named_modules())
    tried = confirmed = 0
    for name in judged:
        layer: Any = modules.get(name)
        if not isinstance(layer, nn.ConvTranspose1d | nn.ConvTranspose2d | nn.ConvTranspose3d):
            continue
        x = torch.randn(1, layer.in_channels, *[1] * len(layer.stride))
        with torch.no_grad():
            y = layer(x.expand(-1, -1, *[12] * len(layer.stride)))
        middle = y[(..., *[slice(2 * s, 4 * s) for s in layer.stride])]
        tried += 1
        confirmed += bool(middle.flatten(2).std(-1).max() > 1e-4 * middle.abs().max())
    return f"{confirmed} of {tried}" if tried else "–"


def line(package: str, name: str, build: Callable[[Any], Built]) -> str:
    """The table's row for one network."""
    torch.manual_seed(0)
    network, example = build(importlib.import_module(package))
    network.eval()
    inputs = example if isinstance(example, tuple) else (example,)
    started = time.process_time()
    with Calls() as calls, torch.no_grad():
        network(*inputs)
    alone = time.process_time() - started
    started = time.process_time()
    diagnosis = diagnose(network, inputs)
    seconds = time.process_time() - started
    kinds = Counter(f"{row.kind}: {row.verdict}" for row in diagnosis.layers)
    found = "; ".join(f"{n}x {kind}" for kind, n in kinds.items()) or "nothing enlarges"
    called = ", ".join(f"{n}x {kind}" for kind, n in calls.counts.items()) or "none"
    check = uneven_modules(network, diagnosis)
    return f"| {package} | {name} | {found} | {called} | {check} | {alone:.1f} | {seconds:.1f} |"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("words", nargs="*", help="only packages and networks with one of these")
    words = [word.lower() for word in parser.parse_args().words]
    chosen = [
        row
        for row in NETWORKS
        if not words or any(word in f"{row[0]} {row[1]}".lower() for word in words)
    ]
    if not chosen:
        parser.error(f"{' '.join(words)}: no network's name has one of these words in it")
    versions = {"torch": str(torch.__version__)}
    print(
        "| package | network | found | functions called | grids confirmed | run, s | diagnosis, s |"
    )
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for package, name, build in chosen:
        try:
            print(line(package, name, build), flush=True)
        except ImportError as error:
            print(f"| {package} | {name} | not tried: {first_line(error)} | | | | |", flush=True)
            continue
        versions[package] = version(package.replace("_", "-"))
    print("\n" + ", ".join(f"{package} {number}" for package, number in versions.items()))


if __name__ == "__main__":
    main()
