#!/usr/bin/env python3
"""Export many networks that are not shipped, small ones with random weights, to try the importer on.

    pip install -r requirements.txt
    python others.py DIR [vision dense recurrent text generate]     # about an hour in all
    npm run conformance -- --others DIR                             # what the importer makes of them

What torch or transformers can't export is told and left out. DIR/light gets ONNX's own light model zoo.
"""

import logging
import shutil
import sys
import time
import warnings
from pathlib import Path

import onnx
import torch
import torchvision
import transformers as hf
from torch import nn
from torch.export import Dim

import language

BATCH = Dim("batch")
SEQUENCE = Dim("sequence", max=64)
FAMILIES = {}


def family(function):
    FAMILIES[function.__name__] = function
    return function


def save(path: Path, export) -> None:
    if path.exists():
        return
    start = time.time()
    try:
        export(path)
        print(f"ok {path.stem} {time.time() - start:.0f} s", flush=True)
    except Exception as error:  # whatever an exporter throws
        print(f"not exported: {path.stem}: {type(error).__name__} {str(error).splitlines()[0][:100]}", flush=True)


def dynamo(out: Path, name: str, model: nn.Module, args, shapes=None) -> None:
    def export(path: Path) -> None:
        torch.onnx.export(model.eval(), args, dynamo=True, dynamic_shapes=shapes, verbose=False).save(path)
    save(out / f"{name}-dynamo.onnx", export)


def script(out: Path, name: str, model: nn.Module, args, opset: int, axes: dict) -> None:
    def export(path: Path) -> None:
        torch.onnx.export(model.eval(), args, path, dynamo=False, opset_version=opset, input_names=list(axes), dynamic_axes=axes)
    save(out / f"{name}-{opset}.onnx", export)


@family
def vision(out: Path) -> None:
    for name in ["alexnet", "squeezenet1_1", "densenet121", "googlenet", "inception_v3", "shufflenet_v2_x1_0", "mobilenet_v3_small",
                 "mnasnet0_5", "regnet_y_400mf", "convnext_tiny", "efficientnet_v2_s", "swin_t", "maxvit_t", "resnext50_32x4d",
                 "wide_resnet50_2"]:
        options = dict(init_weights=False, aux_logits=False) if name in ("googlenet", "inception_v3") else {}
        model = getattr(torchvision.models, name)(weights=None, **options)
        image = torch.randn(2, 3, *(2 * [299 if name == "inception_v3" else 224]))
        dynamo(out, name, model, (image,), ({0: BATCH},))
        for opset in (9, 13, 17):
            script(out, name, model, (image,), opset, {"image": {0: "batch"}})


@family
def dense(out: Path) -> None:
    image = torch.randn(1, 3, 128, 128)
    for name in ["fcn_resnet50", "deeplabv3_mobilenet_v3_large", "lraspp_mobilenet_v3_large"]:
        model = getattr(torchvision.models.segmentation, name)(weights=None, weights_backbone=None)
        dynamo(out, name, model, (image,))
        for opset in (11, 17):
            script(out, name, model, (image,), opset, {"image": {}})
    for name, size in [("r3d_18", 112), ("r2plus1d_18", 112), ("s3d", 224), ("swin3d_t", 112)]:
        video = torch.randn(1, 3, 16, size, size)
        script(out, name, getattr(torchvision.models.video, name)(weights=None), (video,), 17, {"video": {}})
    script(out, "raft_small", torchvision.models.optical_flow.raft_small(weights=None), (image, image), 17, {"a": {}, "b": {}})
    for name in ["ssdlite320_mobilenet_v3_large", "fasterrcnn_mobilenet_v3_large_320_fpn", "retinanet_resnet50_fpn"]:
        model = getattr(torchvision.models.detection, name)(weights=None, weights_backbone=None)
        script(out, name, model, ([torch.randn(3, 320, 320)],), 17, {"image": {}})
    sides = ({2: 8 * Dim("h"), 3: 8 * Dim("w")},)
    dynamo(out, "unet", Unet(), (image,), sides)
    for opset in (9, 11, 13, 18):
        script(out, "unet", Unet(), (image,), opset, {"image": {0: "batch", 2: "h", 3: "w"}})


class Unet(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Sequential(nn.Conv2d(3, 16, 3, padding=1), nn.GroupNorm(4, 16), nn.SiLU())
        self.down = nn.Conv2d(16, 32, 3, 2, 1)
        self.middle = nn.Sequential(nn.Conv2d(32, 32, 3, padding=1), nn.InstanceNorm2d(32), nn.LeakyReLU(0.1))
        self.up = nn.ConvTranspose2d(32, 16, 2, 2)
        self.last = nn.Sequential(nn.Conv2d(32, 2, 1), nn.Upsample(scale_factor=2, mode="bilinear"))

    def forward(self, x):
        first = self.first(x)
        return self.last(torch.cat([first, self.up(self.middle(self.down(first)))], 1))


@family
def recurrent(out: Path) -> None:
    words = torch.zeros(2, 7, dtype=torch.long)
    for kind in ("LSTM", "GRU", "RNN"):
        for opset in (9, 14):
            script(out, kind.lower(), Reader(kind), (words,), opset, {"words": {0: "batch", 1: "time"}})
        dynamo(out, kind.lower(), Reader(kind), (words,))
    dynamo(out, "nn-transformer", nn.Transformer(32, 4, 2, 2, 64, batch_first=True), (torch.randn(2, 7, 32), torch.randn(2, 5, 32)))


class Reader(nn.Module):
    def __init__(self, kind: str) -> None:
        super().__init__()
        self.words = nn.Embedding(100, 32)
        self.read = getattr(nn, kind)(32, 48, 2, batch_first=True, bidirectional=True)
        self.last = nn.Linear(96, 10)

    def forward(self, x):
        return self.last(self.read(self.words(x))[0])


SMALL = dict(vocab_size=96, hidden_size=64, num_hidden_layers=2, num_attention_heads=4, intermediate_size=160,
             max_position_embeddings=128)


@family
def text(out: Path) -> None:
    words = torch.ones(2, 16, dtype=torch.long)
    special = dict(pad_token_id=0, bos_token_id=1, eos_token_id=2, cls_token_id=1, sep_token_id=2)
    models = {
        "roberta": (hf.RobertaModel, hf.RobertaConfig(**SMALL)),
        "distilbert": (hf.DistilBertModel, hf.DistilBertConfig(vocab_size=96, dim=64, n_layers=2, n_heads=4, hidden_dim=128)),
        "albert": (hf.AlbertModel, hf.AlbertConfig(**SMALL, embedding_size=32)),
        "electra": (hf.ElectraModel, hf.ElectraConfig(**SMALL)),
        "deberta2": (hf.DebertaV2Model, hf.DebertaV2Config(**SMALL)),
        "mpnet": (hf.MPNetModel, hf.MPNetConfig(**SMALL)),
        "modernbert": (hf.ModernBertModel, hf.ModernBertConfig(**SMALL, **special)),
        "xlm-roberta": (hf.XLMRobertaModel, hf.XLMRobertaConfig(**SMALL)),
        "squeezebert": (hf.SqueezeBertModel, hf.SqueezeBertConfig(**SMALL, embedding_size=64)),
        "bloom": (hf.BloomForCausalLM, hf.BloomConfig(vocab_size=96, hidden_size=64, n_layer=2, n_head=4)),
        "falcon": (hf.FalconForCausalLM, hf.FalconConfig(vocab_size=96, hidden_size=64, num_hidden_layers=2, num_attention_heads=4)),
        "gptj": (hf.GPTJForCausalLM, hf.GPTJConfig(vocab_size=96, n_positions=128, n_embd=64, n_layer=2, n_head=4, rotary_dim=8)),
        "mamba": (hf.MambaForCausalLM, hf.MambaConfig(vocab_size=96, hidden_size=64, num_hidden_layers=2)),
    }
    for name, (architecture, config) in models.items():
        for attention in ("sdpa", "eager"):
            config._attn_implementation = attention
            try:
                model = architecture(config)
            except ValueError:  # has no such attention
                continue
            model.config.return_dict = False
            model.config.use_cache = False
            dynamo(out, f"{name}-{attention}", model, (words,), ({0: BATCH, 1: SEQUENCE},))
            script(out, f"{name}-{attention}", model, (words,), 14, {"words": {0: "batch", 1: "sequence"}})


@family
def generate(out: Path) -> None:
    """With caches, as users run them: ONNX's own operators, and those of ONNX Runtime for CPU (decoding) and CUDA."""
    grouped, narrow = language.GROUPED, language.NARROW | dict(intermediate_size=160)
    models = {
        "mistral": (hf.MistralForCausalLM, hf.MistralConfig(**grouped, sliding_window=None)),
        "phi3": (hf.Phi3ForCausalLM, hf.Phi3Config(**narrow, pad_token_id=0, bos_token_id=1, eos_token_id=2)),
        "gemma2": (hf.Gemma2ForCausalLM, hf.Gemma2Config(**grouped)),
        "olmo2": (hf.Olmo2ForCausalLM, hf.Olmo2Config(**narrow)),
        "gpt-neox": (hf.GPTNeoXForCausalLM, hf.GPTNeoXConfig(**narrow)),
        "starcoder2": (hf.Starcoder2ForCausalLM, hf.Starcoder2Config(**narrow, num_key_value_heads=2)),
    }
    (out / "narrow").mkdir(exist_ok=True)
    for name, (architecture, config) in models.items():
        for fused, sequence in ((None, None), ("cpu", 1), ("cuda", None)):
            key = f"narrow/{name}-{fused or 'onnx'}"
            language.MODELS[key] = language.Model(architecture, config, torch.float32, fused=fused, sequence=sequence)
            save(out / f"{key}.onnx", lambda path, key=key: language.export(key, out))


def main() -> None:
    warnings.filterwarnings("ignore")
    logging.disable(logging.WARNING)
    out = Path(sys.argv[1])
    zoo = Path(onnx.__file__).parent / "backend" / "test" / "data" / "light"
    (out / "light").mkdir(parents=True, exist_ok=True)
    for file in zoo.glob("*.onnx"):
        shutil.copy(file, out / "light")
    for name in sys.argv[2:] or FAMILIES:
        FAMILIES[name](out)


if __name__ == "__main__":
    main()
