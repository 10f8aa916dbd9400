#!/usr/bin/env python3
"""Print the shape of every node output of an ONNX file as JSON, as tools that are not CIMbook's infer it.

    python shapes.py ../vgg16.onnx --bind batch=2 > ../shapes/vgg16.json

This is the second opinion that CIMbook's own shape inference is compared with. It is onnx.shape_inference's; where
that stops at numbers it can't follow (the length of a Range), again after onnxscript has folded the constants. For
graphs with operators of ONNX Runtime's own it is onnxruntime's symbolic shape inference. What neither knows is left out.
"""

import argparse
import ast
import contextlib
import json
import operator
import sys
import tempfile
from pathlib import Path

import onnx

DATASETS = Path(__file__).resolve().parent.parent
# What shapes/ is recorded with: sizes that can't be taken for one another.
RECORDED = {"batch": 2, "sequence": 3, "past": 5}
STANDARD = ("", "ai.onnx", "ai.onnx.ml")
# onnxruntime's fused graphs put some operators of its own into ONNX's domain.
FOREIGN = ("SimplifiedLayerNormalization", "SkipSimplifiedLayerNormalization")
# Elements of the tensors that are folded: what depends on sizes only. Larger ones are weights, and not there.
FOLD_ELEMENTS = 256
ARITHMETIC = {ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.FloorDiv: operator.floordiv}


def evaluate(expression: str, sizes: dict[str, int]) -> int | None:
    """The size a dimension's name stands for: `past + sequence` -> 8. None if some of it isn't bound."""
    def value(node: ast.expr) -> int | None:
        match node:
            case ast.Constant(int(number)):
                return number
            case ast.Name(name):
                return sizes.get(name)
            case ast.BinOp(left, op, right) if type(op) in ARITHMETIC:
                operands = value(left), value(right)
                return None if None in operands else ARITHMETIC[type(op)](*operands)
        return None

    try:
        return value(ast.parse(expression, mode="eval").body)
    except SyntaxError:
        return sizes.get(expression)


def names_in(expression: str) -> set[str]:
    try:
        return {node.id for node in ast.walk(ast.parse(expression, mode="eval")) if isinstance(node, ast.Name)}
    except SyntaxError:
        return {expression}


def dimensions(model: onnx.ModelProto) -> set[str]:
    """Names of the symbolic dimensions of the graph's inputs."""
    found = (dim.dim_param for value in model.graph.input for dim in value.type.tensor_type.shape.dim)
    return set().union(*(names_in(name) for name in found if name))


def bind(model: onnx.ModelProto, sizes: dict[str, int]) -> None:
    """Replace the symbolic dimensions of the graph's inputs by numbers, in place."""
    if missing := sizes.keys() - dimensions(model):
        raise ValueError(f"no input has a dimension named {', '.join(sorted(missing))}")
    for value in model.graph.input:
        for dim in value.type.tensor_type.shape.dim:
            if dim.dim_param:
                size = evaluate(dim.dim_param, sizes)
                if size is not None:
                    dim.dim_value = size  # they are one field: this clears dim_param


def is_foreign(model: onnx.ModelProto) -> bool:
    return any(node.domain not in STANDARD or node.op_type in FOREIGN for node in model.graph.node)


Shapes = dict[str, list[int | None]]


def found_in(graph: onnx.GraphProto) -> Shapes:
    return {v.name: [d.dim_value if d.HasField("dim_value") else None for d in v.type.tensor_type.shape.dim]
            for v in [*graph.value_info, *graph.output] if v.type.tensor_type.HasField("shape")}


def infer(model: onnx.ModelProto, strict: bool) -> Shapes:
    return found_in(onnx.shape_inference.infer_shapes(model, strict_mode=strict, data_prop=True).graph)


def infer_foreign(model: onnx.ModelProto) -> Shapes:
    from onnxruntime.tools.symbolic_shape_infer import SymbolicShapeInference
    try:
        with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):  # where it leaves what it can't infer
            graph = SymbolicShapeInference.infer_shapes(model, auto_merge=True).graph
    except Exception as error:  # it raises nothing narrower
        if "Incomplete" not in str(error):
            raise
        return {}
    # It assumes that the cache after GroupQueryAttention is the buffer of the one before.
    buffers = {name for node in graph.node if node.op_type == "GroupQueryAttention" for name in node.output[1:]}
    return {name: shape for name, shape in found_in(graph).items() if name not in buffers}


def folded(model: onnx.ModelProto) -> onnx.ModelProto:
    """The model without what depends on its constants and on the sizes of its inputs only."""
    import onnx_ir
    from onnxscript import optimizer
    program = onnx_ir.from_proto(model)
    optimizer.fold_constants(
        program, onnx_shape_inference=True, input_size_limit=FOLD_ELEMENTS, output_size_limit=FOLD_ELEMENTS,
        should_fold=lambda node: None if all(small(value) for value in node.inputs) else False)
    return onnx_ir.to_proto(program)


def small(value) -> bool:
    return value is None or value.const_value is None or value.const_value.size <= FOLD_ELEMENTS


def shapes(model: onnx.ModelProto, sizes: dict[str, int]) -> Shapes:
    """Shape of every node output that is known, in graph order; None for a size that isn't. Changes `model`."""
    bind(model, sizes)
    # What the file declares goes: only what is inferred from the inputs counts.
    del model.graph.value_info[:]
    for value in model.graph.output:
        value.type.tensor_type.ClearField("shape")
    foreign = is_foreign(model)
    found = infer(model, strict=not foreign)
    names = [name for node in model.graph.node for name in node.output if name]  # "" stands for an output left out
    if not all(None not in found.get(name, [None]) for name in names):
        found |= infer_foreign(model) if foreign else infer(folded(model), strict=False)
    return {name: found[name] for name in names if name in found}


def parse_bind(text: str) -> dict[str, int]:
    """batch=2,sequence=3 -> {"batch": 2, "sequence": 3}"""
    return {name: int(size) for name, _, size in (part.partition("=") for part in text.split(","))}


def text(model: onnx.ModelProto, sizes: dict[str, int]) -> str:
    """Tensors of one shape on a line: the networks are made of repeated blocks."""
    lines: dict[str, list[str]] = {}
    for name, shape in shapes(model, sizes).items():
        if None not in shape:
            lines.setdefault(json.dumps(shape), []).append(name)
    body = ",\n".join(f"{json.dumps(shape)}: {json.dumps(names)}" for shape, names in lines.items())
    return f'{{"bind": {json.dumps(sizes)}, "shapes": {{\n{body}\n}}}}\n'


def record_all() -> None:
    for path in sorted(DATASETS.glob("**/*.onnx")):
        model = onnx.load(path, load_external_data=False)
        record = DATASETS / "shapes" / path.relative_to(DATASETS).with_name(f"{path.stem}.json")
        record.parent.mkdir(exist_ok=True)
        record.write_text(text(model, {name: size for name, size in RECORDED.items() if name in dimensions(model)}))


def main() -> None:
    parser = argparse.ArgumentParser(description="Print the inferred shape of every node output as JSON.")
    parser.add_argument("model", type=Path, nargs="?", help="an ONNX file, weight-free or not")
    parser.add_argument("--bind", metavar="NAME=N,...", type=parse_bind, default={},
                        help="sizes of the symbolic dimensions, for example batch=2")
    parser.add_argument("--all", action="store_true", help="write shapes/ for every file of datasets/ instead")
    args = parser.parse_args()
    if args.all == (args.model is not None):
        parser.error("give a model, or --all")
    if args.all:
        return record_all()
    try:
        sys.stdout.write(text(onnx.load(args.model, load_external_data=False), args.bind))
    except ValueError as error:
        sys.exit(f"shapes.py: {error}")


if __name__ == "__main__":
    main()
