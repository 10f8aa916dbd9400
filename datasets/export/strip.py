#!/usr/bin/env python3
"""Make a weight-free ONNX file: the whole graph with every shape and type, without the weight values.

    python strip.py in.onnx out.onnx

Tensors of more than 1 KB that are not integers become external data in a file that is not written;
integers of any size and everything up to 1 KB keep their values, because shape arithmetic (Reshape,
Slice, ReduceMean axes, Clip bounds, ...) reads them. Documentation strings and exporter metadata
(stack traces, source paths) are dropped, and so are the value_info shapes unless asked for.
Only tensors are stripped: an attribute that is a plain list of numbers stays as it is.
"""

import argparse
import sys
from dataclasses import dataclass
from pathlib import Path

import onnx
from google.protobuf.message import DecodeError, Message
from onnx import TensorProto, external_data_helper, helper

KEEP_BYTES = 1024  # up to here a tensor keeps its values
ALIGN = 4096  # ONNX recommends external offsets on page boundaries, so that files can be mapped

# Every INT*/UINT* type, however narrow; BOOL and STRING are not integers.
INTEGERS = {v for k, v in TensorProto.DataType.items() if k.startswith(("INT", "UINT"))}
# Types that ONNX packs more than one to a byte: numpy gives them a whole byte each.
PACKED_BITS = {TensorProto.DataType.Value(k): bits for k, bits in
               {"INT2": 2, "UINT2": 2, "INT4": 4, "UINT4": 4, "FLOAT4E2M1": 4}.items()}
# Where a tensor's values can be; all are cleared when it becomes external.
VALUE_FIELDS = ("raw_data", "float_data", "double_data", "int32_data", "int64_data", "uint64_data")
TEXT_FIELDS = ("doc_string", "metadata_props")


@dataclass
class Report:
    stripped: int = 0  # tensors that lost their values
    stripped_bytes: int = 0
    kept: int = 0  # tensors that kept them
    kept_bytes: int = 0
    big_integers: int = 0  # of the kept ones, those over KEEP_BYTES
    big_integer_bytes: int = 0


def tensor_bytes(tensor: TensorProto) -> int:
    """Size of the values in bytes, from shape and type only."""
    count = 1
    for dim in tensor.dims:
        count *= dim
    bits = PACKED_BITS.get(tensor.data_type)
    if bits is None:
        bits = 8 * helper.tensor_dtype_to_np_dtype(tensor.data_type).itemsize
    return (count * bits + 7) // 8


def walk(message: Message):
    """The message and every message inside it, in field order: subgraphs, functions, attributes, all."""
    yield message
    for field, value in message.ListFields():
        if field.message_type is not None:
            for child in [value] if isinstance(value, Message) else value:
                yield from walk(child)


def strip(model: onnx.ModelProto, location: str, base_dir: str = "", keep_value_info: bool = False) -> Report:
    """Strip `model` in place. `location` is the name the weights file would have.

    `base_dir` is where the model's present external data is, if it has any; only the tensors that
    keep their values are read from it.
    """
    report = Report()
    del model.training_info[:]  # graphs for training, with values of their own
    offset = 0
    for message in walk(model):
        for field in TEXT_FIELDS:
            if field in message.DESCRIPTOR.fields_by_name:
                message.ClearField(field)
        if not keep_value_info and "value_info" in message.DESCRIPTOR.fields_by_name:
            message.ClearField("value_info")
        if not isinstance(message, TensorProto):
            continue

        external = message.data_location == TensorProto.EXTERNAL
        if message.data_type == TensorProto.STRING:  # text cannot be external
            report.kept += 1
            report.kept_bytes += sum(map(len, message.string_data))
            continue
        size = tensor_bytes(message)
        if size <= KEEP_BYTES or message.data_type in INTEGERS:
            if external:
                external_data_helper.load_external_data_for_tensor(message, base_dir)
                # onnx leaves the old file's name behind
                message.ClearField("data_location")
                message.ClearField("external_data")
            report.kept += 1
            report.kept_bytes += size
            if size > KEEP_BYTES:
                report.big_integers += 1
                report.big_integer_bytes += size
            continue

        for field in (*VALUE_FIELDS, "external_data"):
            message.ClearField(field)
        message.data_location = TensorProto.EXTERNAL
        for key, value in (("location", location), ("offset", offset), ("length", size)):
            message.external_data.add(key=key, value=str(value))
        offset += -(-size // ALIGN) * ALIGN
        report.stripped += 1
        report.stripped_bytes += size
    return report


def save(model: onnx.ModelProto, path: Path) -> None:
    # Not onnx.save: that one would look for the external data.
    path.write_bytes(model.SerializeToString(deterministic=True))


def main() -> None:
    parser = argparse.ArgumentParser(
        description="Write a weight-free copy of an ONNX file: same graph, shapes and types, no weight values.")
    parser.add_argument("input", type=Path, help="an ONNX file, with its weights inside or beside it")
    parser.add_argument("output", type=Path, help="the weight-free file to write")
    parser.add_argument("--location", metavar="NAME",
                        help="name of the absent weights file (default: OUTPUT with the ending .weights)")
    parser.add_argument("--keep-value-info", action="store_true",
                        help="keep the shapes stored for inner tensors (for graphs with operators of your own)")
    args = parser.parse_args()
    if args.output.exists() and args.output.samefile(args.input):
        sys.exit("strip.py: the output would overwrite the input and its weights; give another name")

    try:
        model = onnx.load(args.input, load_external_data=False)
    except (OSError, DecodeError) as error:
        sys.exit(f"strip.py: cannot read {args.input}: {error}")
    try:
        report = strip(model, args.location or args.output.with_suffix(".weights").name,
                       str(args.input.parent), args.keep_value_info)
    except (onnx.checker.ValidationError, OSError) as error:
        sys.exit(f"strip.py: cannot read values that the graph needs: {error}")
    save(model, args.output)
    print(f"{args.output}: {args.output.stat().st_size} bytes; "
          f"{report.stripped} tensors without values ({report.stripped_bytes} bytes), "
          f"{report.kept} with ({report.kept_bytes} bytes)")
    if report.big_integers:
        print(f"note: {report.big_integers} of the tensors kept are integers of more than {KEEP_BYTES} bytes "
              f"({report.big_integer_bytes} bytes in all); if they are quantised weights, "
              "those values are still in the file", file=sys.stderr)


if __name__ == "__main__":
    main()
