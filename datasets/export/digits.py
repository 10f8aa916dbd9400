"""A small network with its weights and real data: scikit-learn's handwritten digits, trained here.

`digits.onnx` in float32, `digits-qlinear.onnx` and `digits-qdq.onnx` in 8 bits, `digits.npz` the images.
Training is in float64 and the weights are rounded, so that the last bit of a sum does not show in the files.
"""

import tempfile
from collections import OrderedDict
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import torch
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch import nn

from finish import Counts, count_macs, load_checked, say
from strip import TEXT_FIELDS, save, walk

MODELS = {"digits": None, "digits-qlinear": QuantFormat.QOperator, "digits-qdq": QuantFormat.QDQ}

TEST_IMAGES = 360  # of 1,797
CALIBRATION_IMAGES = 128  # of those for training
EPOCHS = 40
BATCH = 32
ROUND = 1024  # weights are multiples of 1 / ROUND


class Images:
    """`test` and `calibration` images [N, 1, 8, 8] of grey levels 0 to 16, and their labels; networks take levels / 16."""

    def __init__(self) -> None:
        images, labels = load_digits(return_X_y=True)
        images = images.reshape(-1, 1, 8, 8).astype(np.uint8)
        self.train, self.test, self.train_labels, self.test_labels = train_test_split(
            images, labels.astype(np.uint8), test_size=TEST_IMAGES, random_state=0, stratify=labels)
        self.calibration = self.train[:CALIBRATION_IMAGES]

    def save(self, path: Path) -> None:
        np.savez(path, images=self.test, labels=self.test_labels, calibration=self.calibration)


def scaled(images: np.ndarray, dtype=np.float32) -> np.ndarray:
    return images.astype(dtype) / 16


def network() -> nn.Module:
    return nn.Sequential(OrderedDict(
        conv1=nn.Conv2d(1, 16, 3, padding=1), relu1=nn.ReLU(), pool1=nn.MaxPool2d(2),
        conv2=nn.Conv2d(16, 32, 3, padding=1), relu2=nn.ReLU(), pool2=nn.MaxPool2d(2),
        flatten=nn.Flatten(), classifier=nn.Linear(128, 10)))


def train(images: Images) -> nn.Module:
    torch.manual_seed(0)
    torch.set_num_threads(1)  # sums in one order
    module = network().double()
    inputs, labels = torch.from_numpy(scaled(images.train, np.float64)), torch.from_numpy(images.train_labels).long()
    optimizer = torch.optim.SGD(module.parameters(), lr=0.05, momentum=0.9)
    for _ in range(EPOCHS):
        for batch in torch.randperm(len(inputs)).split(BATCH):
            optimizer.zero_grad()
            nn.functional.cross_entropy(module(inputs[batch]), labels[batch]).backward()
            optimizer.step()
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.mul_(ROUND).round_().div_(ROUND)
    return module.float().eval()


class Calibration(CalibrationDataReader):
    def __init__(self, images: np.ndarray) -> None:
        self.left = iter([{"image": scaled(images)}])

    def get_next(self):
        return next(self.left, None)


def export(name: str, out: Path) -> Counts:
    images = Images()
    module = train(images)
    program = torch.onnx.export(
        module, (torch.zeros(2, 1, 8, 8),), dynamo=True, dynamic_shapes=({0: torch.export.Dim("batch")},),
        input_names=["image"], output_names=["logits"], verbose=False)
    path = out / f"{name}.onnx"
    with tempfile.TemporaryDirectory() as folder:
        load_checked(program.model, folder)
        full = Path(folder) / "full.onnx"
        if MODELS[name] is not None:
            quantised = Path(folder) / "quantised.onnx"
            quantize_static(full, quantised, Calibration(images.calibration), quant_format=MODELS[name], per_channel=True,
                            activation_type=QuantType.QUInt8, weight_type=QuantType.QInt8)
            full = quantised
        model = onnx.load(full)
    model.producer_version = model.producer_version.partition("+")[0]
    for message in walk(model):
        for field in (*TEXT_FIELDS, "value_info"):
            if field in message.DESCRIPTOR.fields_by_name:
                message.ClearField(field)
    save(model, path)
    images.save(out / "digits.npz")
    say(path, f"{accuracy(path, images):.2%} of {TEST_IMAGES} test images recognised")
    # A quantised network computes the same products.
    macs = count_macs(module, torch.zeros(1, 1, 8, 8))
    return Counts(sum(parameter.numel() for parameter in module.parameters()), [({"batch": 1}, macs)])


def accuracy(path: Path, images: Images) -> float:
    logits = onnxruntime.InferenceSession(path).run(None, {"image": scaled(images.test)})[0]
    return float((logits.argmax(axis=1) == images.test_labels).mean())
