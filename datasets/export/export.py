#!/usr/bin/env python3
"""Export the models in MODELS with torch.onnx.export and write them as weight-free ONNX files.

    pip install -r requirements.txt
    python export.py                  # all of them, into datasets/
    python export.py --only vgg16 --out /tmp

Same versions, same bytes: nothing of the machine, the time or the run goes into the files.
"""

import argparse
import hashlib
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Callable

import onnx
import torch
import torchvision

from shapes import shapes
from strip import save, strip

DATASETS = Path(__file__).resolve().parent.parent


@dataclass
class Model:
    build: Callable[[], torch.nn.Module]
    inputs: dict[str, torch.Tensor]  # by ONNX name, in the order of forward(); values do not matter
    dynamic: dict[str, dict[int, str]]  # input -> axis -> name of the symbolic dimension
    output: str
    shape: tuple  # of the output, for the check at the end


def imagenet(build: Callable) -> Model:
    """A torchvision classifier: 224x224 RGB images to 1000 classes, without pretrained weights."""
    return Model(
        build=lambda: build(weights=None),
        # An example batch of 1 would be taken for a constant by torch.export; 2 is kept symbolic.
        inputs={"image": torch.zeros(2, 3, 224, 224)},
        dynamic={"image": {0: "batch"}},
        output="logits",
        shape=("batch", 1000),
    )


# To add a model: one line here, and a builder like imagenet() if it takes other inputs.
MODELS: dict[str, Model] = {
    "vgg16": imagenet(torchvision.models.vgg16),
    "resnet18": imagenet(torchvision.models.resnet18),
    "resnet50": imagenet(torchvision.models.resnet50),
    "mobilenetv2": imagenet(torchvision.models.mobilenet_v2),
    "efficientnetb0": imagenet(torchvision.models.efficientnet_b0),
    "vitb16": imagenet(torchvision.models.vit_b_16),
}


def fill(module: torch.nn.Module) -> None:
    """Give every parameter and statistic a value like a trained model's: none special, no two alike.

    The exporter's optimiser looks at the values. With PyTorch's initial ones it would drop all-zero
    biases, and the graph would not be that of a trained model. The values are multiples of a power of two
    so that they are exact, whatever instructions the processor has.
    """
    tensors = [*module.named_parameters(), *module.named_buffers()]
    with torch.no_grad():
        for name, tensor in tensors:
            if not tensor.is_floating_point():
                continue  # counters
            tensor.random_(1, 4096).div_(65536)  # 0 < value < 1/16
            if not name.endswith("running_var"):  # a variance stays positive
                tensor.sub_(1 / 32)


def export(name: str, out: Path) -> Path:
    spec = MODELS[name]
    torch.manual_seed(0)  # per model, so that --only gives the same bytes
    module = spec.build().eval()
    fill(module)

    # One Dim object per name: inputs that share a name share the dimension.
    dims = {d: torch.export.Dim(d) for axes in spec.dynamic.values() for d in axes.values()}
    dynamic = tuple({axis: dims[d] for axis, d in spec.dynamic.get(i, {}).items()} for i in spec.inputs)
    program = torch.onnx.export(
        module, tuple(spec.inputs.values()), dynamo=True, dynamic_shapes=dynamic,
        input_names=list(spec.inputs), output_names=[spec.output], verbose=False)

    with tempfile.TemporaryDirectory() as tmp:
        full = Path(tmp) / f"{name}.onnx"
        # Weights beside the graph: a protobuf file ends at 2 GB, and a larger model must work too.
        program.save(full, external_data=True)
        onnx.checker.check_model(full, full_check=True)
        model = onnx.load(full, load_external_data=False)
        # "2.15.0+cu132" -> "2.15.0": which build of PyTorch it was makes no difference to the graph.
        model.producer_version = model.producer_version.partition("+")[0]
        report = strip(model, f"{name}.weights", tmp)

    check(model, spec)
    path = out / f"{name}.onnx"
    save(model, path)
    data = path.read_bytes()
    print(f"{path}: {len(data)} bytes, sha256 {hashlib.sha256(data).hexdigest()}, "
          f"{sum(p.numel() for p in module.parameters())} parameters in PyTorch, "
          f"{report.stripped} tensors ({report.stripped_bytes} bytes) stripped")
    return path


def check(model: onnx.ModelProto, spec: Model) -> None:
    """The stripped graph must still be enough to infer every shape, up to the output's."""
    graph = onnx.shape_inference.infer_shapes(model, strict_mode=True, data_prop=True).graph
    got = tuple(d.dim_param or d.dim_value for d in graph.output[0].type.tensor_type.shape.dim)
    if got != spec.shape:
        raise SystemExit(f"export.py: the output's shape is {got}, not {spec.shape}")
    # That may only have repeated the declared output, as onnx cannot divide a symbolic batch (Reshape to -1).
    # So again from the inputs alone, with numbers.
    sizes = {d: 3 + 2 * i for i, d in enumerate({d: 0 for axes in spec.dynamic.values() for d in axes.values()})}
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    bound = shapes(copy, sizes)[spec.output]
    if bound != [sizes.get(d, d) for d in spec.shape]:
        raise SystemExit(f"export.py: with {sizes} the stripped graph infers {spec.output} as {bound}")


def main() -> None:
    parser = argparse.ArgumentParser(description="Export models to weight-free ONNX files.")
    parser.add_argument("--only", metavar="NAME", action="append", choices=MODELS,
                        help=f"export only this one; may be repeated (of: {', '.join(MODELS)})")
    parser.add_argument("--out", metavar="DIR", type=Path, default=DATASETS,
                        help="where to write the files (default: datasets/)")
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    for name in args.only or MODELS:
        export(name, args.out)


if __name__ == "__main__":
    main()
