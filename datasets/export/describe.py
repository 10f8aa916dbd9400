#!/usr/bin/env python3
"""Print what datasets/README.md says about ONNX files: size, parameters, MACs, operators, sha256.

    python describe.py                # the shipped files
    python describe.py my.onnx --bind batch=1

MACs are the multiply-accumulates of Conv, Gemm and MatMul alone, as papers count them; of a graph with other
operators that multiply matrices (fused and quantised ones) they are not counted here.
"""

import argparse
import hashlib
import sys
from collections import Counter
from math import prod
from pathlib import Path

import onnx

from shapes import dimensions, parse_bind, shapes

DATASETS = Path(__file__).resolve().parent.parent
DEFAULT = {"batch": 1, "sequence": 64, "past": 0}


# Operators with matrix products inside them.
HIDDEN = {"MoE", "MultiHeadAttention", "GroupQueryAttention", "QLinearConv", "QGemm"}


def macs(model: onnx.ModelProto, sizes: dict[str, int]) -> int:
    graph = model.graph
    shape = shapes(model, sizes)
    shape |= {t.name: list(t.dims) for t in graph.initializer}
    shape |= {v.name: [d.dim_value for d in v.type.tensor_type.shape.dim] for v in graph.input}
    total = 0
    for node in graph.node:
        if node.op_type not in ("Conv", "Gemm", "MatMul"):
            continue
        out = shape[node.output[0]]
        attributes = {a.name: a.i for a in node.attribute}
        if node.op_type == "Conv":  # weight: M x C/group x kernel
            depth = prod(shape[node.input[1]][1:])
        elif node.op_type == "Gemm":
            depth = shape[node.input[0]][0 if attributes.get("transA") else 1]
        else:
            depth = shape[node.input[0]][-1]
        total += prod(out) * depth
    return total


def describe(path: Path, sizes: dict[str, int]) -> None:
    data = path.read_bytes()
    model = onnx.load(path, load_external_data=False)
    graph = model.graph
    sizes = sizes or {name: size for name, size in DEFAULT.items() if name in dimensions(model)}
    floating = [t for t in graph.initializer
                if t.data_type in (onnx.TensorProto.FLOAT, onnx.TensorProto.FLOAT16, onnx.TensorProto.BFLOAT16)]
    # A single float is a constant of an operator (a bound of Clip, the scale of an attention), not a parameter.
    floating = [t for t in floating if prod(t.dims) > 1]
    parameters = sum(prod(t.dims) for t in floating)
    absent = [t for t in graph.initializer if t.data_location == onnx.TensorProto.EXTERNAL]
    operators = Counter(f"{n.domain}.{n.op_type}".lstrip(".") for n in graph.node)
    opsets = ", ".join(f"{o.domain or 'ai.onnx'} {o.version}" for o in model.opset_import)
    print(f"{path.name}")
    print(f"  written by  {model.producer_name} {model.producer_version}, IR version {model.ir_version}, opset {opsets}")
    print(f"  file        {len(data)} bytes, sha256 {hashlib.sha256(data).hexdigest()}")
    print(f"  parameters  {parameters}, in {len(floating)} tensors")
    print(f"  no values   {len(absent)} tensors of {len(graph.initializer)}")
    hidden = {node.op_type for node in graph.node} & HIDDEN
    products = f"not counted, because of {', '.join(sorted(hidden))}" if hidden else macs(model, sizes)
    print(f"  MACs        {products} with {', '.join(f'{k}={v}' for k, v in sizes.items()) or 'nothing bound'}")
    print(f"  operators   {', '.join(f'{k} {v}' for k, v in sorted(operators.items()))}")


def main() -> None:
    parser = argparse.ArgumentParser(description="Print size, parameters, MACs and operators of ONNX files.")
    parser.add_argument("model", type=Path, nargs="*", help="ONNX files (default: those in datasets/)")
    parser.add_argument("--bind", metavar="NAME=N,...", type=parse_bind, default={},
                        help="sizes of the symbolic dimensions (default: batch=1, sequence=64, past=0, as far as there are any)")
    args = parser.parse_args()
    for path in args.model or sorted(DATASETS.glob("*.onnx")):
        try:
            describe(path, args.bind)
        except ValueError as error:
            sys.exit(f"describe.py: {path}: {error}")


if __name__ == "__main__":
    main()
