#!/usr/bin/env python3
"""Print the shape of every node output of an ONNX file as JSON, as onnx.shape_inference has it.

    python shapes.py ../vgg16.onnx --bind batch=2 > ../shapes/vgg16.json

This is the second opinion that CIMbook's own shape inference is compared with.
"""

import argparse
import json
import sys
from pathlib import Path

import onnx


def bind(model: onnx.ModelProto, sizes: dict[str, int]) -> None:
    """Replace the symbolic dimensions of the graph's inputs by numbers, in place."""
    known = set()
    for value in model.graph.input:
        for dim in value.type.tensor_type.shape.dim:
            if dim.dim_param:
                known.add(dim.dim_param)
                if dim.dim_param in sizes:
                    dim.dim_value = sizes[dim.dim_param]  # they are one field: this clears dim_param
    if missing := sizes.keys() - known:
        raise ValueError(f"no input has a dimension named {', '.join(sorted(missing))}")


def shapes(model: onnx.ModelProto, sizes: dict[str, int]) -> dict[str, list[int]]:
    """Shape of every node output, in graph order. Changes `model`."""
    bind(model, sizes)
    # What the file declares goes: only what is inferred from the inputs counts.
    del model.graph.value_info[:]
    for value in model.graph.output:
        value.type.tensor_type.ClearField("shape")
    graph = onnx.shape_inference.infer_shapes(model, strict_mode=True, data_prop=True).graph
    found = {v.name: v.type.tensor_type.shape.dim for v in [*graph.value_info, *graph.output]}
    result = {}
    for node in graph.node:
        for name in filter(None, node.output):  # "" stands for an output left out
            dims = found.get(name)
            if dims is None or not all(d.HasField("dim_value") for d in dims):
                raise ValueError(f"shape of {name} ({node.op_type}) is not known; is a dimension left to bind?")
            result[name] = [d.dim_value for d in dims]
    return result


def parse_bind(text: str) -> tuple[str, int]:
    name, _, size = text.partition("=")
    return name, int(size)


def main() -> None:
    parser = argparse.ArgumentParser(description="Print the inferred shape of every node output as JSON.")
    parser.add_argument("model", type=Path, help="an ONNX file, weight-free or not")
    parser.add_argument("--bind", metavar="NAME=N", type=parse_bind, action="append", default=[],
                        help="size of a symbolic dimension, for example batch=2; may be repeated")
    args = parser.parse_args()
    try:
        result = shapes(onnx.load(args.model, load_external_data=False), dict(args.bind))
    except ValueError as error:
        sys.exit(f"shapes.py: {error}")
    # One tensor a line, so that a difference is one line too.
    lines = [f"{json.dumps(name)}: {json.dumps(dims)}" for name, dims in result.items()]
    print("{\n" + ",\n".join(lines) + "\n}")


if __name__ == "__main__":
    main()
