"""What every export ends with: strip, check, save, and say what came out. A model in memory -> a file in datasets/."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

import onnx
import onnx_ir as ir
import torch
from torch.utils.flop_counter import FlopCounterMode

from shapes import shapes
from strip import save, strip

Bindings = dict[str, int]  # symbolic dimension -> size


@dataclass
class Counts:
    """What PyTorch itself says of the model, for CIMbook's counts to be compared with: `../counts.json`."""

    parameters: int
    macs: list[tuple[Bindings, int]]  # multiply-accumulates, for each of some bindings


def count_macs(module: torch.nn.Module, *args, **kwargs) -> int:
    """Multiply-accumulates of one pass, by PyTorch's own counter; on the meta device nothing is computed."""
    torch.backends.mha.set_fastpath_enabled(False)  # one operator for a whole encoder layer, which isn't counted
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        module(*args, **kwargs)
    return counter.get_total_flops() // 2


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


def load_checked(program: ir.Model, folder: str) -> onnx.ModelProto:
    """The model as it is written to `folder`, weights beside it, once the ONNX checker has passed it."""
    full = Path(folder) / "full.onnx"
    # Weights beside the graph: a protobuf file ends at 2 GB, and a larger model must work too.
    ir.save(program, full, external_data="full.weights")
    onnx.checker.check_model(full, full_check=True)
    return onnx.load(full, load_external_data=False)


def finish(model: onnx.ModelProto, path: Path, sizes: Bindings, outputs: dict[str, list[int]], folder: str = "") -> None:
    """Write `model`, whose weights are in `folder`, as a weight-free file.

    Its shapes must still follow from the inputs alone: with `sizes` bound, `outputs` are those of some outputs.
    """
    # "2.15.0+cu132" -> "2.15.0": which build of PyTorch it was makes no difference to the graph.
    model.producer_version = model.producer_version.partition("+")[0]
    report = strip(model, f"{path.stem}.weights", folder)
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    inferred = shapes(copy, sizes)
    for name, shape in outputs.items():
        if inferred[name] != shape:
            raise SystemExit(f"{path.name}: with {sizes} the stripped graph infers {name} as {inferred[name]}, not {shape}")
    path.parent.mkdir(parents=True, exist_ok=True)
    save(model, path)
    say(path, f"{report.stripped} tensors ({report.stripped_bytes} bytes) stripped")


def say(path: Path, more: str) -> None:
    data = path.read_bytes()
    print(f"{path}: {len(data)} bytes, sha256 {hashlib.sha256(data).hexdigest()}, {more}", flush=True)
