#!/usr/bin/env python3
"""Print ONNX's backend node tests as JSON, a line a test: the model, its recorded inputs, its outputs' types and shapes.
Behind them come those of conformance_runtime.py, for operators that ONNX Runtime has beside ONNX's.

    python scripts/conformance.py > .cimbook/conformance/node-tests.jsonl

Models and inputs are base64 of ModelProto and TensorProto. The model's inputs have the recorded shapes, and it says
nothing of the shapes behind them. `npm run conformance` runs this; it needs the onnx of conformance.requirements.txt.
"""

import base64
import json
import sys
import warnings

import numpy as np
import onnx
from onnx import numpy_helper
from onnx.backend.test.case.node import collect_testcases

import conformance_runtime


def encoded(message) -> str:
    return base64.b64encode(message.SerializeToString(deterministic=True)).decode()


def tensor_of(value, name: str) -> onnx.TensorProto | None:
    """The recorded value as a tensor; None if it is a sequence, or missing."""
    if isinstance(value, onnx.TensorProto):
        tensor = onnx.TensorProto()
        tensor.CopyFrom(value)
        tensor.name = name
        return tensor
    if isinstance(value, (list, dict)) or value is None:
        return None
    return numpy_helper.from_array(np.asarray(value), name)


def line_of(name: str, original: onnx.ModelProto, inputs: list, outputs: list) -> dict:
    model = onnx.ModelProto()
    model.CopyFrom(original)
    recorded = []
    for value, info in zip(inputs, model.graph.input):
        tensor = tensor_of(value, info.name)
        recorded.append({"name": info.name, "tensor": None if tensor is None else encoded(tensor)})
        if tensor is not None and info.type.HasField("tensor_type"):
            info.type.tensor_type.ClearField("shape")
            for size in tensor.dims:
                info.type.tensor_type.shape.dim.add().dim_value = size
            info.type.tensor_type.shape.SetInParent()
    shapes = []
    for value, info in zip(outputs, model.graph.output):
        tensor = tensor_of(value, info.name)
        info.type.tensor_type.ClearField("shape")
        shapes.append({"name": info.name, "shape": None if tensor is None else list(tensor.dims),
                       "type": 0 if tensor is None else tensor.data_type})
    del model.graph.value_info[:]
    return {"name": name, "model": encoded(model), "inputs": recorded, "outputs": shapes}


def main() -> None:
    warnings.simplefilter("ignore")
    for case in collect_testcases():
        print(json.dumps(line_of(case.name, case.model, *case.data_sets[0])))
    for name, model, inputs, outputs in conformance_runtime.models():
        print(json.dumps(line_of(name, model, inputs, outputs)))
    print(f"onnx {onnx.__version__}", file=sys.stderr)


if __name__ == "__main__":
    main()
