"""Networks for images: torchvision's definitions, without pretrained weights, by torch.onnx.export."""

import tempfile
from pathlib import Path
from typing import Callable

import torch
import torchvision

from finish import Counts, count_macs, fill, finish, load_checked

CLASSIFIERS: dict[str, Callable] = {
    "vgg16": torchvision.models.vgg16,
    "resnet18": torchvision.models.resnet18,
    "resnet50": torchvision.models.resnet50,
    "mobilenetv2": torchvision.models.mobilenet_v2,
    "efficientnetb0": torchvision.models.efficientnet_b0,
    "vitb16": torchvision.models.vit_b_16,
}


def export(name: str, out: Path) -> Counts:
    """A classifier of 224x224 RGB images into 1000 classes: `image` -> `logits`, with a symbolic `batch`."""
    torch.manual_seed(0)  # per model, so that --only gives the same bytes
    module = CLASSIFIERS[name](weights=None).eval()
    fill(module)
    # An example batch of 1 would be taken for a constant by torch.export; 2 is kept symbolic.
    program = torch.onnx.export(
        module, (torch.zeros(2, 3, 224, 224),), dynamo=True, dynamic_shapes=({0: torch.export.Dim("batch")},),
        input_names=["image"], output_names=["logits"], verbose=False)
    with tempfile.TemporaryDirectory() as folder:
        finish(load_checked(program.model, folder), out / f"{name}.onnx", {"batch": 3}, {"logits": [3, 1000]}, folder)
    image = torch.zeros(1, 3, 224, 224, device="meta")
    return Counts(sum(p.numel() for p in module.parameters()), [({"batch": 1}, count_macs(module.to("meta"), image))])
