"""Language models: transformers' definitions and its ONNX exporter, from configurations written out here.

Nothing is downloaded, and a model of many billion parameters takes no memory: every large weight is one number,
repeated over its whole shape. Each model comes as people run it: with `past_key_values` in and `present` out, so that one
graph serves prefill (past=0) and decode (sequence=1). `narrow/` has two small layers of the same architectures.
"""

import ast
import contextlib
import re
import tempfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx_ir as ir
import torch
import transformers as hf
from torch import nn
from torch.export import Dim
from torch.onnx._internal.exporter._core import TorchTensor
from transformers.exporters import onnxruntime_fusions
from transformers.exporters.exporter_onnx import OnnxConfig, OnnxExporter

from finish import Bindings, Counts, count_macs, finish, load_checked

HOLLOW_ELEMENTS = 65536  # a parameter of more elements than this takes no memory


@dataclass
class Model:
    architecture: type[hf.PreTrainedModel]
    config: hf.PreTrainedConfig
    dtype: torch.dtype
    # ONNX Runtime's fused operators (com.microsoft) of this provider, instead of ONNX's own.
    fused: str | None = None
    # Tokens a pass, if it is fixed: a graph for decoding only.
    sequence: int | None = None

    @property
    def decodes(self) -> bool:
        return self.architecture is not hf.BertModel


BERT = dict(vocab_size=30522, hidden_size=1024, num_hidden_layers=24, num_attention_heads=16, intermediate_size=4096,
            hidden_act="gelu", max_position_embeddings=512, type_vocab_size=2, layer_norm_eps=1e-12)
GPT2 = dict(vocab_size=50257, n_positions=1024, n_embd=768, n_layer=12, n_head=12, activation_function="gelu_new",
            layer_norm_epsilon=1e-5, tie_word_embeddings=True)
OPT_67B = dict(vocab_size=50272, hidden_size=4096, word_embed_proj_dim=4096, num_hidden_layers=32, ffn_dim=16384,
               num_attention_heads=32, max_position_embeddings=2048, activation_function="relu",
               do_layer_norm_before=True, tie_word_embeddings=True)
OPT_13B = {**OPT_67B, "hidden_size": 5120, "word_embed_proj_dim": 5120, "num_hidden_layers": 40, "ffn_dim": 20480,
           "num_attention_heads": 40}
LLAMA2 = dict(vocab_size=32000, hidden_size=4096, intermediate_size=11008, num_hidden_layers=32,
              num_attention_heads=32, num_key_value_heads=32, hidden_act="silu", max_position_embeddings=4096,
              rms_norm_eps=1e-5, rope_parameters={"rope_type": "default", "rope_theta": 10000.0},
              tie_word_embeddings=False)
QWEN3 = dict(vocab_size=151936, hidden_size=4096, intermediate_size=12288, num_hidden_layers=36,
             num_attention_heads=32, num_key_value_heads=8, head_dim=128, hidden_act="silu",
             max_position_embeddings=40960, rms_norm_eps=1e-6,
             rope_parameters={"rope_type": "default", "rope_theta": 1000000.0}, attention_bias=False,
             tie_word_embeddings=False)
MIXTRAL = dict(vocab_size=32000, hidden_size=4096, intermediate_size=14336, num_hidden_layers=32,
               num_attention_heads=32, num_key_value_heads=8, head_dim=128, hidden_act="silu",
               max_position_embeddings=32768, rms_norm_eps=1e-5, sliding_window=None,
               rope_parameters={"rope_type": "default", "rope_theta": 1000000.0}, num_local_experts=8,
               num_experts_per_tok=2, tie_word_embeddings=False)
# What makes any of them narrow; the vocabulary and the feed-forward network differ from all other widths.
NARROW = dict(vocab_size=96, hidden_size=64, num_hidden_layers=2, num_attention_heads=4, max_position_embeddings=128)
GROUPED = dict(**NARROW, intermediate_size=160, num_key_value_heads=2, head_dim=16)

MODELS = {
    "bert-large": Model(hf.BertModel, hf.BertConfig(**BERT), torch.float32),
    "gpt2": Model(hf.GPT2LMHeadModel, hf.GPT2Config(**GPT2), torch.float32),
    "opt-6.7b": Model(hf.OPTForCausalLM, hf.OPTConfig(**OPT_67B), torch.float16),
    "opt-13b": Model(hf.OPTForCausalLM, hf.OPTConfig(**OPT_13B), torch.float16),
    "llama2-7b": Model(hf.LlamaForCausalLM, hf.LlamaConfig(**LLAMA2), torch.float16),
    "qwen3-8b": Model(hf.Qwen3ForCausalLM, hf.Qwen3Config(**QWEN3), torch.bfloat16),
    "mixtral-8x7b": Model(hf.MixtralForCausalLM, hf.MixtralConfig(**MIXTRAL), torch.float16, fused="cuda"),
    "narrow/bert": Model(hf.BertModel, hf.BertConfig(**BERT | NARROW | {"intermediate_size": 160}), torch.float32),
    "narrow/gpt2": Model(hf.GPT2LMHeadModel, hf.GPT2Config(**GPT2 | dict(
        vocab_size=96, n_positions=128, n_embd=64, n_layer=2, n_head=4)), torch.float32),
    "narrow/opt": Model(hf.OPTForCausalLM, hf.OPTConfig(**OPT_67B | NARROW | dict(
        word_embed_proj_dim=64, ffn_dim=160)), torch.float32),
    "narrow/llama2": Model(hf.LlamaForCausalLM, hf.LlamaConfig(**LLAMA2 | GROUPED | dict(
        num_key_value_heads=4)), torch.float32),
    "narrow/qwen3": Model(hf.Qwen3ForCausalLM, hf.Qwen3Config(**QWEN3 | GROUPED), torch.float32),
    "narrow/qwen3-decode": Model(hf.Qwen3ForCausalLM, hf.Qwen3Config(**QWEN3 | GROUPED), torch.float32,
                                 fused="cpu", sequence=1),
    # The experts as ONNX's own operators (each token gathers its experts' weights), and as ONNX Runtime's MoE.
    "narrow/mixtral": Model(hf.MixtralForCausalLM, hf.MixtralConfig(**MIXTRAL | GROUPED), torch.float32),
    "narrow/mixtral-moe": Model(hf.MixtralForCausalLM, hf.MixtralConfig(**MIXTRAL | GROUPED), torch.float32, fused="cuda"),
}


def export(name: str, out: Path) -> Counts:
    spec = MODELS[name]
    narrow = name.startswith("narrow/")
    module = build(spec, hollow=not narrow)
    # Of examples of size 1 torch.export would make constants.
    sizes = {"batch": 2, "sequence": spec.sequence or 3} | ({"past": 5} if spec.decodes else {})
    config = OnnxConfig(dynamic=True, dynamic_shapes=dynamic_shapes(spec), ort_fusions=spec.fused)
    with repeated_stay_repeated():
        program = OnnxExporter().export(module, inputs(spec, sizes), config=config).program
    name_dimensions(program.graph, spec)
    name_nodes_and_weights(program.graph)
    if spec.sequence is not None:
        del sizes["sequence"]
    if narrow and spec.fused != "cuda":  # the CPU has no gated MoE
        check_outputs(program, spec, module)
    leave_out_repeated(program.graph)
    finish(ir.to_proto(program), out / f"{name}.onnx", sizes, output_shapes(spec, sizes))
    return counts(spec, module)


# ---- The module and its inputs ----


def build(spec: Model, hollow: bool) -> nn.Module:
    """The model in evaluation mode; `hollow`: its large parameters take no memory."""
    torch.manual_seed(0)
    with without_parameters() if hollow else contextlib.nullcontext():
        module = spec.architecture._from_config(spec.config, dtype=spec.dtype).eval()
    if hasattr(spec.config, "num_local_experts"):
        module.set_experts_implementation("batched_mm")  # torch.export can't follow a choice of experts
    if not hollow:
        for parameter in module.parameters():  # and not the buffers: rotary frequencies
            fill_parameter(parameter)
        return module
    made: dict[nn.Parameter, nn.Parameter] = {}  # a tied weight stays one
    for part in module.modules():
        for key, parameter in part._parameters.items():
            if parameter is not None:
                if parameter not in made:
                    made[parameter] = repeated(parameter, len(made))
                part._parameters[key] = made[parameter]
    return module


@contextlib.contextmanager
def without_parameters():
    """Modules made inside have parameters of a shape and a type alone; their buffers are real."""
    register = nn.Module.register_parameter

    def hollow(module, name, parameter):
        if parameter is not None and not parameter.is_meta:  # a tied weight stays one
            parameter = nn.Parameter(parameter.detach().to("meta"), requires_grad=False)
        register(module, name, parameter)

    nn.Module.register_parameter = hollow
    try:
        yield
    finally:
        nn.Module.register_parameter = register


def repeated(parameter: nn.Parameter, index: int) -> nn.Parameter:
    """A small parameter filled with values, a large one with one value that no other has."""
    if parameter.numel() <= HOLLOW_ELEMENTS:
        real = nn.Parameter(torch.empty_like(parameter, device="cpu"), requires_grad=False)
        fill_parameter(real)
        return real
    # Numbers of 16 bits that follow one another from 0.5 on.
    bits = torch.tensor((0x3F00 if parameter.dtype == torch.bfloat16 else 0x3800) + index, dtype=torch.int16)
    value = bits.view(torch.bfloat16 if parameter.dtype == torch.bfloat16 else torch.float16).to(parameter.dtype)
    return nn.Parameter(value.expand(parameter.shape), requires_grad=False)


def fill_parameter(parameter: nn.Parameter) -> None:
    """As fill() does; exact in 16 bits, too, but for rounding that is the same everywhere."""
    with torch.no_grad():
        parameter.copy_(torch.randint(1, 4096, parameter.shape) / 65536 - 1 / 32)


def inputs(spec: Model, sizes: Bindings, device: str = "cpu") -> dict:
    """What forward() takes. Token ids, positions and caches are seeded where somebody compares outputs."""
    batch, sequence, past = sizes["batch"], sizes["sequence"], sizes.get("past", 0)
    ids = torch.randint(0, spec.config.vocab_size, (batch, sequence), device=device)
    mask = torch.ones(batch, past + sequence, dtype=torch.long, device=device)
    if not spec.decodes:
        return {"input_ids": ids, "attention_mask": mask, "token_type_ids": torch.zeros_like(ids)}
    cache = hf.DynamicCache(config=spec.config)
    for layer in range(spec.config.num_hidden_layers):
        key, value = (torch.randn(batch, heads(spec), past, head_size(spec), device=device).to(spec.dtype) for _ in "kv")
        cache.update(key, value, layer)
    positions = torch.arange(past, past + sequence, device=device).expand(batch, sequence).contiguous()
    return {"input_ids": ids, "attention_mask": mask, "position_ids": positions, "past_key_values": cache}


def heads(spec: Model) -> int:
    return getattr(spec.config, "num_key_value_heads", spec.config.num_attention_heads)


def head_size(spec: Model) -> int:
    return getattr(spec.config, "head_dim", None) or spec.config.hidden_size // spec.config.num_attention_heads


# ---- The graph: names ----


def dynamic_shapes(spec: Model) -> dict:
    free = Dim.AUTO
    tokens = {0: free} if spec.sequence else {0: free, 1: free}
    if not spec.decodes:
        return {"input_ids": tokens, "attention_mask": tokens, "token_type_ids": tokens}
    caches = [{0: free, 2: free}] * (2 * spec.config.num_hidden_layers)
    return {"input_ids": tokens, "attention_mask": {0: free, 1: free}, "position_ids": tokens, "past_key_values": caches}


def name_dimensions(graph: ir.Graph, spec: Model) -> None:
    """`s44` and `s36 + s70` become `batch` and `past + sequence`; the caches get the names that ONNX models have."""
    values = {value.name: value for value in graph.inputs}
    known = {symbol(values["input_ids"], 0): "batch"}
    if spec.sequence is None:
        known[symbol(values["input_ids"], 1)] = "sequence"
    if spec.decodes:
        known[symbol(values["input.past_key_values.layers.0.keys"], 2)] = "past"
    total = f"past + {spec.sequence or 'sequence'}" if spec.decodes else "sequence"
    for value in [*graph.inputs, *graph.outputs]:
        value.shape = ir.Shape([rename(dim, known) for dim in value.shape])
        value.name = re.sub(r"^(in|out)put\.past_key_values\.layers\.(\d+)\.(key|value)s$", lambda found:
                            f"{'present' if found[1] == 'out' else 'past_key_values'}.{found[2]}.{found[3]}", value.name)
    # Its length is compared with nothing in the graph, so that the exporter has names of its own for it.
    values["attention_mask"].shape = ir.Shape(["batch", total])


def symbol(value: ir.Value, axis: int) -> str:
    return value.shape[axis].value


def rename(dim, known: dict[str, str]):
    if isinstance(dim, int):
        return dim
    text = re.sub(r"\bs\d+\b", lambda found: known.get(found[0], found[0]), dim.value)
    return " + ".join(sorted(text.split(" + "), key=lambda part: (part.isdigit(), part)))


def name_nodes_and_weights(graph: ir.Graph) -> None:
    """Nodes are named after the module they come from: `model.layers.3.self_attn.q_proj.MatMul`.

    So are the weights that the exporter transposed and called `val_73`: `model.layers.3.self_attn.q_proj.weight`.
    """
    taken: Counter[str] = Counter()
    for node in graph:
        *scopes, _ = ast.literal_eval(node.metadata_props.get("pkg.torch.onnx.name_scopes", "['']"))
        module = next((scope for scope in reversed(scopes) if scope and not scope.startswith("_")), "")
        base = ".".join(filter(None, [module, node.op_type]))
        node.name = base if taken[base] == 0 else f"{base}_{taken[base]}"
        taken[base] += 1
        for value in node.inputs:
            if value is None or value.name not in graph.initializers or not module:
                continue
            name = f"{module}.weight"
            if re.fullmatch(r"val_\d+", value.name) and len(value.shape) == 2 and name not in graph.initializers:
                graph.initializers.pop(value.name)
                value.name = name
                graph.initializers[name] = value


# ---- Weights that are one number repeated ----


def is_repeated(array: np.ndarray) -> bool:
    return array.size > 1 and not any(array.strides)


class RepeatedNumpy:
    """numpy, as the fusions use it to pack weights into one: of repeated numbers that is the first, repeated."""

    __getattr__ = staticmethod(lambda name: getattr(np, name))

    @staticmethod
    def ascontiguousarray(array):
        return array if is_repeated(array) else np.ascontiguousarray(array)

    @staticmethod
    def concatenate(arrays, axis=0):
        if not all(is_repeated(array) for array in arrays):
            return np.concatenate(arrays, axis=axis)
        shape = list(arrays[0].shape)
        shape[axis] = sum(array.shape[axis] for array in arrays)
        return np.broadcast_to(arrays[0].reshape(-1)[0], shape)


@contextlib.contextmanager
def repeated_stay_repeated():
    """Inside, what becomes of a repeated weight on its way through the exporter takes no memory either."""
    def numpy(tensor):
        raw = tensor.raw
        if raw.dim() == 0 or any(raw.stride()):
            return to_numpy(tensor)
        return np.broadcast_to(to_numpy(TorchTensor(raw[(0,) * raw.dim()])), raw.shape)

    to_numpy, fusing = TorchTensor.numpy, onnxruntime_fusions.np
    TorchTensor.numpy, onnxruntime_fusions.np = numpy, RepeatedNumpy()
    try:
        yield
    finally:
        TorchTensor.numpy, onnxruntime_fusions.np = to_numpy, fusing


def leave_out_repeated(graph: ir.Graph) -> None:
    """Repeated weights become external data, as if in a file."""
    for value in graph.initializers.values():
        tensor = value.const_value
        if tensor.size > HOLLOW_ELEMENTS and is_repeated(tensor.numpy()):
            value.const_value = ir.ExternalTensor(
                "absent", 0, tensor.nbytes, dtype=tensor.dtype, shape=tensor.shape, name=value.name)


# ---- Checks ----


def output_shapes(spec: Model, sizes: Bindings) -> dict[str, list[int]]:
    batch, sequence = sizes["batch"], sizes.get("sequence", spec.sequence)
    if not spec.decodes:
        return {"last_hidden_state": [batch, sequence, spec.config.hidden_size]}
    shapes = {"logits": [batch, sequence, spec.config.vocab_size]}
    if spec.fused is None:
        last = spec.config.num_hidden_layers - 1
        shapes[f"present.{last}.key"] = [batch, heads(spec), sizes["past"] + sequence, head_size(spec)]
    return shapes


def check_outputs(program: ir.Model, spec: Model, module: nn.Module) -> None:
    """ONNX Runtime computes what PyTorch does: for prefill, decode, and several tokens behind a past."""
    import onnxruntime
    with tempfile.TemporaryDirectory() as folder:
        if spec.fused:
            ir.save(program, Path(folder) / "full.onnx")
        else:
            load_checked(program, folder)
        session = onnxruntime.InferenceSession(Path(folder) / "full.onnx")
    for sizes in ({"batch": 1, "sequence": 4, "past": 0}, {"batch": 2, "sequence": 1, "past": 4},
                  {"batch": 2, "sequence": 3, "past": 5}):
        if not spec.decodes:
            del sizes["past"]
        elif spec.sequence not in (None, sizes["sequence"]):
            continue
        given = inputs(spec, sizes)
        feed = {key: value.numpy() for key, value in given.items() if isinstance(value, torch.Tensor)}
        if spec.decodes:
            for layer, states in enumerate(given["past_key_values"].layers):
                feed |= {f"past_key_values.{layer}.key": states.keys.numpy(),
                         f"past_key_values.{layer}.value": states.values.numpy()}
        got = session.run(None, feed)[0]
        with torch.no_grad():
            expected = module(**given)[0].numpy()
        error = np.abs(got.astype(np.float64) - expected).max() / np.abs(expected).max()
        print(sizes, "relative error", error)
        if not error < (1e-2 if spec.dtype == torch.float16 else 1e-4):
            raise SystemExit(f"with {sizes} ONNX Runtime's output is off by {error} of the largest")


def counts(spec: Model, module: nn.Module) -> Counts:
    parameters = sum(parameter.numel() for parameter in module.parameters())
    if spec.decodes:
        cases = [{"batch": 1, "sequence": 64, "past": 0}, {"batch": 1, "sequence": 1, "past": 64}]
        cases = [case for case in cases if spec.sequence in (None, case["sequence"])]
    else:
        cases = [{"batch": 1, "sequence": sequence} for sequence in (64, 128, 512)]
        cases = [case for case in cases if case["sequence"] <= spec.config.max_position_embeddings]
    module.to("meta")
    macs = []
    for case in cases:
        # Without a mask: its values are not there, and the products are the same.
        given = inputs(spec, case, "meta") | {"attention_mask": None}
        bound = {name: size for name, size in case.items() if name != "sequence" or spec.sequence is None}
        macs.append((bound, count_macs(module, **given)))
    return Counts(parameters, macs)
