"""Writes a Llama checkpoint of Hugging Face's form (one or several safetensors files) as GGUF, so
that llama.cpp computes with the very weights that everything else here does."""
import json
import math
import os
import struct

import numpy

TYPES = {"f32": 0, "bf16": 30}
U32, F32, STRING = 4, 6, 8
ALIGNMENT = 32
PER_LAYER = {"input_layernorm": "attn_norm", "self_attn.q_proj": "attn_q",
             "self_attn.k_proj": "attn_k", "self_attn.v_proj": "attn_v",
             "self_attn.o_proj": "attn_output", "post_attention_layernorm": "ffn_norm",
             "mlp.gate_proj": "ffn_gate", "mlp.up_proj": "ffn_up", "mlp.down_proj": "ffn_down"}
SHARED = {"model.embed_tokens.weight": "token_embd.weight", "model.norm.weight":
          "output_norm.weight", "lm_head.weight": "output.weight"}


def read_safetensors(path):
    """Name, dtype and array (bf16 as its 16 bits) of every tensor; mapped, not read."""
    with open(path, "rb") as file:
        size = struct.unpack("<Q", file.read(8))[0]
        header = json.loads(file.read(size))
    kinds = {"BF16": "<u2", "F32": "<f4", "F16": "<f2"}
    for name, entry in header.items():
        if name != "__metadata__":
            yield name, entry["dtype"], numpy.memmap(
                path, kinds[entry["dtype"]], "r", 8 + size + entry["data_offsets"][0],
                tuple(entry["shape"]))


def widen(dtype, array):
    if dtype == "BF16":
        return (array.astype(numpy.uint32) << 16).view(numpy.float32)
    return array.astype(numpy.float32)


def to_bf16(array):
    """To nearest even; of what is bf16 already, the same."""
    bits = array.view(numpy.uint32)
    return ((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16).astype(numpy.uint16)


def renamed(name):
    if name in SHARED:
        return SHARED[name]
    words = name.split(".")
    return "blk.%s.%s.weight" % (words[2], PER_LAYER[".".join(words[3:-1])])


def interleaved(array, heads):
    """Rows of q or k for pairs that are neighbours, from pairs half a head apart."""
    rows, columns = array.shape
    halves = array.reshape(heads, 2, rows // heads // 2, columns)
    return halves.swapaxes(1, 2).reshape(rows, columns)


def rope_settings(config):
    scaling = config.get("rope_parameters") or config.get("rope_scaling") or {}
    base = scaling.get("rope_theta", config.get("rope_theta", 10000.0))
    return base, scaling if scaling.get("rope_type") == "llama3" else None


def rope_factors(base, scaling, dimension):
    """What llama3 scaling divides every inverse frequency by."""
    factors = []
    for i in range(0, dimension, 2):
        wavelength = 2.0 * math.pi * base ** (i / dimension)
        ratio = scaling["original_max_position_embeddings"] / wavelength
        low, high = scaling["low_freq_factor"], scaling["high_freq_factor"]
        smooth = min(1.0, max(0.0, (ratio - low) / (high - low)))
        factors.append(1.0 / ((1.0 - smooth) / scaling["factor"] + smooth))
    return numpy.array(factors, numpy.float32)


def text(value):
    raw = value.encode()
    return struct.pack("<Q", len(raw)) + raw


def pair(key, kind, value):
    packed = text(value) if kind == STRING else struct.pack("<I" if kind == U32 else "<f", value)
    return text(key) + struct.pack("<I", kind) + packed


def settings(config, dimension, base):
    return [("general.architecture", STRING, "llama"),
            ("llama.vocab_size", U32, config["vocab_size"]),
            ("llama.context_length", U32, config["max_position_embeddings"]),
            ("llama.embedding_length", U32, config["hidden_size"]),
            ("llama.block_count", U32, config["num_hidden_layers"]),
            ("llama.feed_forward_length", U32, config["intermediate_size"]),
            ("llama.attention.head_count", U32, config["num_attention_heads"]),
            ("llama.attention.head_count_kv", U32, config["num_key_value_heads"]),
            ("llama.attention.key_length", U32, dimension),
            ("llama.attention.value_length", U32, dimension),
            ("llama.attention.layer_norm_rms_epsilon", F32, config["rms_norm_eps"]),
            ("llama.rope.dimension_count", U32, dimension),
            ("llama.rope.freq_base", F32, base),
            ("tokenizer.ggml.model", STRING, "none")]


def plan(checkpoint, config, dimension, storage):
    """Name, type, shape and how to make each tensor."""
    heads = {"self_attn.q_proj": config["num_attention_heads"],
             "self_attn.k_proj": config["num_key_value_heads"]}
    for file in sorted(os.listdir(checkpoint)):
        if not file.endswith(".safetensors"):
            continue
        for name, dtype, array in read_safetensors(os.path.join(checkpoint, file)):
            count = heads.get(".".join(name.split(".")[3:-1]))
            kind = "f32" if array.ndim == 1 else storage

            def make(dtype=dtype, array=array, count=count, kind=kind):
                wide = widen(dtype, array)
                wide = interleaved(wide, count) if count else wide
                return to_bf16(numpy.ascontiguousarray(wide)) if kind == "bf16" else wide

            yield renamed(name), kind, array.shape, make


def write(checkpoint, storage, file):
    """storage of matrices: f32 or bf16; norms are f32."""
    with open(os.path.join(checkpoint, "config.json"), encoding="utf-8") as opened:
        config = json.load(opened)
    dimension = config.get("head_dim") or config["hidden_size"] // config["num_attention_heads"]
    base, scaling = rope_settings(config)
    tensors = list(plan(checkpoint, config, dimension, storage))
    if scaling:
        factors = rope_factors(base, scaling, dimension)
        tensors.append(("rope_freqs.weight", "f32", factors.shape, lambda: factors))
    pairs = settings(config, dimension, base)
    head = b"GGUF" + struct.pack("<IQQ", 3, len(tensors), len(pairs))
    head += b"".join(pair(*entry) for entry in pairs)
    at = 0
    for name, kind, shape, _ in tensors:
        head += text(name) + struct.pack("<I", len(shape))
        head += b"".join(struct.pack("<Q", extent) for extent in reversed(shape))
        head += struct.pack("<IQ", TYPES[kind], at)
        size = math.prod(shape) * (4 if kind == "f32" else 2)
        at += (size + ALIGNMENT - 1) // ALIGNMENT * ALIGNMENT
    file.write(head + bytes(-len(head) % ALIGNMENT))
    for _, _, _, make in tensors:
        raw = numpy.ascontiguousarray(make())
        file.write(memoryview(raw).cast("B"))
        file.write(bytes(-raw.nbytes % ALIGNMENT))
    file.flush()
    return config["vocab_size"]
