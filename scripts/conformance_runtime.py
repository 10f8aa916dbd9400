"""Tests like ONNX's node tests for ONNX Runtime's own operators (domain com.microsoft): what the runtime makes of them.

ONNX has no tests for these, so each is run by ONNX Runtime once and its outputs' types and shapes are what is recorded.
`conformance.py` prints them behind ONNX's own.
"""

from collections.abc import Iterator

import numpy as np
import onnx
import onnxruntime
from onnx import helper

SEED = 1

B, S, P, H, KV, D = 2, 3, 5, 4, 2, 16  # batch, tokens, past tokens, heads, heads of keys and values, features
W = H * D


def floats(*shape: int) -> np.ndarray:
    return np.random.default_rng(SEED).standard_normal(shape).astype(np.float32)


def bytes_of(*shape: int, dtype=np.uint8) -> np.ndarray:
    return np.random.default_rng(SEED).integers(0, 100, shape).astype(dtype)


def scalar(value: float, dtype=np.float32) -> np.ndarray:
    return np.array(value, dtype=dtype)


ZERO = scalar(3, np.uint8)
SCALE = scalar(0.02)

# name, operator, inputs (None is left out), number of outputs ('' is left out), attributes
CASES = [
    ("gelu", "Gelu", [floats(2, 8)], ["y"], {}),
    ("fast_gelu", "FastGelu", [floats(2, 8)], ["y"], {}),
    ("fast_gelu_bias", "FastGelu", [floats(2, 8), floats(8)], ["y"], {}),
    ("bias_gelu", "BiasGelu", [floats(2, 8), floats(8)], ["y"], {}),
    ("quick_gelu", "QuickGelu", [floats(2, 8)], ["y"], {"alpha": 1.5}),
    ("skip_layer_norm", "SkipLayerNormalization", [floats(2, 3, 8), floats(2, 3, 8), floats(8), floats(8)], ["y"], {}),
    ("skip_layer_norm_bias_sum", "SkipLayerNormalization",
     [floats(2, 3, 8), floats(2, 3, 8), floats(8), floats(8), floats(8)], ["y", "", "", "sum"], {}),
    ("skip_rms_norm", "SkipSimplifiedLayerNormalization", [floats(2, 3, 8), floats(2, 3, 8), floats(8)], ["y", "", "", "sum"], {}),
    ("embed_layer_norm", "EmbedLayerNormalization",
     [bytes_of(2, 3, dtype=np.int32), bytes_of(2, 3, dtype=np.int32) * 0, floats(100, 8), floats(20, 8), floats(2, 8), floats(8), floats(8),
      np.ones((2, 3), np.int32)], ["y", "mask"], {}),
    ("embed_layer_norm_sum", "EmbedLayerNormalization",
     [bytes_of(2, 3, dtype=np.int32), None, floats(100, 8), floats(20, 8), None, floats(8), floats(8)], ["y", "", "sum"], {}),
    ("fused_mat_mul", "FusedMatMul", [floats(2, 3, 4), floats(2, 4, 5)], ["y"], {"alpha": 0.5}),
    ("fused_mat_mul_trans_b", "FusedMatMul", [floats(2, 3, 4), floats(2, 5, 4)], ["y"], {"transB": 1}),
    ("fused_mat_mul_trans_a", "FusedMatMul", [floats(2, 4, 3), floats(2, 4, 5)], ["y"], {"transA": 1}),
    ("fused_gemm_relu", "FusedGemm", [floats(3, 4), floats(4, 5), floats(5)], ["y"], {"activation": "Relu"}),
    ("fused_conv_relu", "FusedConv", [floats(1, 3, 8, 8), floats(4, 3, 3, 3), floats(4)], ["y"], {"activation": "Relu", "pads": [1, 1, 1, 1]}),
    ("mat_mul_4_bits", "MatMulNBits", [floats(2, 3, 32), bytes_of(8, 2, 8), floats(8, 2)], ["y"], {"K": 32, "N": 8, "bits": 4, "block_size": 16}),
    ("mat_mul_4_bits_zero", "MatMulNBits", [floats(2, 3, 64), bytes_of(8, 2, 16), floats(8, 2), bytes_of(8, 1)], ["y"],
     {"K": 64, "N": 8, "bits": 4, "block_size": 32}),
    ("mat_mul_8_bits", "MatMulNBits", [floats(2, 3, 32), bytes_of(8, 2, 16), floats(8, 2)], ["y"], {"K": 32, "N": 8, "bits": 8, "block_size": 16}),
    ("dynamic_quantize_mat_mul", "DynamicQuantizeMatMul", [floats(2, 3, 4), bytes_of(4, 5), floats(1), bytes_of(1), floats(5)], ["y"], {}),
    ("mat_mul_integer_to_float", "MatMulIntegerToFloat",
     [bytes_of(3, 4), bytes_of(4, 5), scalar(0.1), scalar(0.2), ZERO, ZERO], ["y"], {}),
    ("rotary_4d", "RotaryEmbedding", [floats(B, H, S, D), np.arange(S, dtype=np.int64)[None].repeat(B, 0), floats(10, D // 2), floats(10, D // 2)], ["y"], {}),
    ("rotary_3d", "RotaryEmbedding", [floats(B, S, W), scalar(0, np.int64).reshape(1), floats(10, D // 2), floats(10, D // 2)], ["y"], {}),
    ("multi_head_attention", "MultiHeadAttention", [floats(B, S, W), floats(B, S, W), floats(B, S, W)], ["y"], {"num_heads": H}),
    ("multi_head_attention_cross", "MultiHeadAttention", [floats(B, S, W), floats(B, 7, W), floats(B, 7, 2 * W)], ["y"], {"num_heads": H}),
    ("multi_head_attention_bias", "MultiHeadAttention",
     [floats(B, S, W), floats(B, S, W), floats(B, S, W), floats(3 * W), np.ones((B, S), np.int32), floats(1, 1, S, S)], ["y"], {"num_heads": H}),
    ("multi_head_attention_past", "MultiHeadAttention",
     [floats(B, S, W), floats(B, S, W), floats(B, S, W), None, None, None, floats(B, H, P, D), floats(B, H, P, D)], ["y", "k", "v"], {"num_heads": H}),
    ("attention", "Attention", [floats(B, S, 8), floats(8, 3 * W), floats(3 * W)], ["y"], {"num_heads": H}),
    ("attention_causal", "Attention", [floats(B, S, 8), floats(8, 3 * W), floats(3 * W)], ["y"], {"num_heads": H, "unidirectional": 1}),
    ("attention_past", "Attention", [floats(B, S, 8), floats(8, 3 * W), floats(3 * W), None, floats(2, B, H, P, D)], ["y", "present"],
     {"num_heads": H, "unidirectional": 1}),
    ("attention_sizes", "Attention", [floats(B, S, 8), floats(8, 2 * W + 32), floats(2 * W + 32)], ["y"], {"num_heads": H, "qkv_hidden_sizes": [W, W, 32]}),
    ("group_query_attention", "GroupQueryAttention",
     [floats(B, S, W), floats(B, S, KV * D), floats(B, S, KV * D), None, None, np.full(B, S - 1, np.int32), scalar(S, np.int32)], ["y", "k", "v"],
     {"num_heads": H, "kv_num_heads": KV}),
    ("group_query_attention_packed", "GroupQueryAttention",
     [floats(B, S, W + 2 * KV * D), None, None, None, None, np.full(B, S - 1, np.int32), scalar(S, np.int32)], ["y", "k", "v"],
     {"num_heads": H, "kv_num_heads": KV}),
    ("group_query_attention_past", "GroupQueryAttention",
     [floats(B, 1, W), floats(B, 1, KV * D), floats(B, 1, KV * D), floats(B, KV, P, D), floats(B, KV, P, D), np.full(B, P, np.int32),
      scalar(P + 1, np.int32)], ["y", "k", "v"], {"num_heads": H, "kv_num_heads": KV}),
    ("group_query_attention_rotary", "GroupQueryAttention",
     [floats(B, 1, W), floats(B, 1, KV * D), floats(B, 1, KV * D), floats(B, KV, P, D), floats(B, KV, P, D), np.full(B, P, np.int32),
      scalar(P + 1, np.int32), floats(10, D // 2), floats(10, D // 2)], ["y", "k", "v"], {"num_heads": H, "kv_num_heads": KV, "do_rotary": 1}),
    ("moe", "MoE", [floats(6, 8), floats(6, 4), floats(4, 16, 8), None, floats(4, 8, 16)], ["y"], {"k": 2, "activation_type": "relu"}),
    ("qlinear_add", "QLinearAdd", [bytes_of(2, 3), SCALE, ZERO, bytes_of(1, 3), SCALE, ZERO, SCALE, ZERO], ["y"], {}),
    ("qlinear_mul", "QLinearMul", [bytes_of(2, 3), SCALE, ZERO, bytes_of(2, 1), SCALE, ZERO, SCALE, ZERO], ["y"], {}),
    ("qlinear_sigmoid", "QLinearSigmoid", [bytes_of(2, 3), SCALE, ZERO, SCALE, ZERO], ["y"], {}),
    ("qlinear_leaky_relu", "QLinearLeakyRelu", [bytes_of(2, 3), SCALE, ZERO, SCALE, ZERO], ["y"], {"alpha": 0.1}),
    ("qlinear_average_pool", "QLinearAveragePool", [bytes_of(1, 3, 8, 8), SCALE, ZERO, SCALE, ZERO], ["y"], {"kernel_shape": [2, 2], "strides": [2, 2]}),
    ("qlinear_global_average_pool", "QLinearGlobalAveragePool", [bytes_of(1, 3, 8, 8), SCALE, ZERO, SCALE, ZERO], ["y"], {}),
    ("qlinear_softmax", "QLinearSoftmax", [bytes_of(2, 8), SCALE, ZERO, SCALE, ZERO], ["y"], {"opset": 13}),
    ("qlinear_concat", "QLinearConcat", [SCALE, ZERO, bytes_of(2, 3), SCALE, ZERO, bytes_of(2, 5), SCALE, ZERO], ["y"], {"axis": 1}),
    ("qgemm", "QGemm", [bytes_of(3, 4), SCALE, ZERO, bytes_of(4, 5), SCALE, ZERO, None, SCALE, ZERO], ["y"], {}),
    ("qgemm_float", "QGemm", [bytes_of(3, 4), SCALE, ZERO, bytes_of(5, 4), SCALE, ZERO, bytes_of(5, dtype=np.int32)], ["y"], {"transB": 1}),
    ("gather_block_quantized", "GatherBlockQuantized", [bytes_of(10, 32), np.array([[1, 2, 3]], np.int64), floats(10, 2)], ["y"], {"bits": 4, "block_size": 32, "quantize_axis": 1}),
]


def models() -> Iterator[tuple[str, onnx.ModelProto, list[np.ndarray], list[np.ndarray]]]:
    """Name, model, recorded inputs and outputs of each case. Raises whatever the runtime refuses."""
    onnxruntime.set_default_logger_severity(4)
    for name, op, values, outputs, attributes in CASES:
        names = ["" if value is None else f"i{i}" for i, value in enumerate(values)]
        node = helper.make_node(op, names, outputs, domain="com.microsoft", **attributes)
        given = [(name, value) for name, value in zip(names, values) if value is not None]
        infos = [helper.make_tensor_value_info(n, helper.np_dtype_to_tensor_dtype(v.dtype), v.shape) for n, v in given]
        results = [helper.make_empty_tensor_value_info(n) for n in outputs if n]
        graph = helper.make_graph([node], f"runtime_{name}", infos, results)
        opsets = [helper.make_opsetid("", 20), helper.make_opsetid("com.microsoft", 1)]
        model = helper.make_model(graph, opset_imports=opsets, ir_version=10)
        session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
        made = session.run(None, dict(given))
        yield f"runtime_{name}", model, [value for _, value in given], made
