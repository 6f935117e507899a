"""Steps in PyTorch: linear, attention, SAE encode and decode, as pytorch.py offers them.

waits: its calls wait for the device, which nothing but a span of time can hold."""
import torch

import assay_peer
from assay_peer import Unsupported

torch.set_grad_enabled(False)
EXTRA = 32  # columns that a bf16 bias takes: three are used, the rest keeps rows aligned


DEVICE = assay_peer.device()


def view(tensor):
    """A tensor over shared memory, on the device: to be copied where that is the host."""
    kinds = {"f64": torch.float64, "f32": torch.float32, "bf16": torch.bfloat16,
             "f16": torch.float16, "i64": torch.int64, "i32": torch.int32}
    if not len(tensor.data):
        return torch.empty(tensor.shape, dtype=kinds[tensor.dtype])
    raw = torch.frombuffer(bytearray(tensor.data), dtype=torch.uint8)
    return raw.view(kinds[tensor.dtype]).reshape(tensor.shape).to(DEVICE)


def split_bf16(vector):
    """Three bf16 rows whose sum is the f32 vector."""
    rows, rest = [], vector.float().clone()
    for _ in range(3):
        rows.append(rest.bfloat16())
        rest -= rows[-1].float()
    return torch.stack(rows)


def raw_bytes(tensor):
    return tensor.contiguous().view(torch.uint8).reshape(-1).cpu().numpy()


def named(name, tensor):
    kinds = {torch.float32: "f32", torch.bfloat16: "bf16", torch.int64: "i64", torch.int32: "i32"}
    return (name, kinds[tensor.dtype], tuple(tensor.shape), raw_bytes(tensor))


class Linear:
    waits = False

    def __init__(self, tensors, params, dtype, variant):
        self.dtype, self.x = dtype, {}
        self.weight = view(tensors["weight"]).to(dtype)
        bias = tensors.get("bias")
        if bias is not None and dtype == torch.bfloat16:
            raise Unsupported("its bf16 product is rounded before the bias is added")
        self.bias = view(bias).to(dtype) if bias is not None else None

    def load(self, index, tensors):
        self.x[index] = view(tensors["x"]).to(self.dtype)

    def call(self, index):
        return torch.nn.functional.linear(self.x[index], self.weight, self.bias)

    def outputs(self, y):
        return [named("y", y)]


class Attention:
    """scaled_dot_product_attention over a cache, into which the call's own rows go first. Sequences
    of one length alone: its batches are not ragged."""
    waits = False

    def __init__(self, tensors, params, dtype, variant):
        self.dtype, self.sets, self.params = dtype, {}, params

    def heads(self, tensor, count, sequences):
        """[sequences, heads, rows, head_dim]"""
        wide = view(tensor).to(self.dtype).reshape(sequences, -1, count, self.params["head_dim"])
        return wide.transpose(1, 2).contiguous()

    def load(self, index, tensors):
        sequence, position = view(tensors["sequence"]).long(), view(tensors["position"]).long()
        sequences, past = tensors["k_cache"].shape[0], int(position[0])
        fresh = len(sequence) // sequences
        rows = torch.arange(sequences * fresh)
        if len(rows) != len(sequence) or not (torch.equal(sequence, rows // fresh) and
                                              torch.equal(position, past + rows % fresh)):
            raise Unsupported("its sequences are of one length")
        parts = [self.heads(tensors[name], self.params[count], sequences)
                 for name, count in (("q", "heads"), ("k", "kv_heads"), ("v", "kv_heads"),
                                     ("k_cache", "kv_heads"), ("v_cache", "kv_heads"))]
        mask = None
        if past and fresh > 1:  # aligned to the last key, which is_causal is not
            mask = torch.ones(fresh, past + fresh, dtype=torch.bool).tril(past)
        self.sets[index] = (*parts, past, mask)

    def call(self, index):
        q, k, v, keys, values, past, mask = self.sets[index]
        fresh = k.shape[2]
        end = past + fresh
        keys[:, :, past:end], values[:, :, past:end] = k, v
        y = torch.nn.functional.scaled_dot_product_attention(
            q, keys[:, :, :end], values[:, :, :end], attn_mask=mask,
            is_causal=fresh > 1 and past == 0, enable_gqa=q.shape[1] != k.shape[1])
        return y.transpose(1, 2).reshape(len(q) * fresh, -1)

    def outputs(self, y):
        return [named("y", y)]


class Encode:
    """relu, jumprelu, topk; the sparse form by nonzero()."""
    waits = True  # nonzero() tells the host how many there are

    def __init__(self, tensors, params, dtype, variant):
        self.dtype, self.x, self.params = dtype, {}, params
        self.part = {name: view(tensor).float() for name, tensor in tensors.items()
                     if name not in ("encoder", "decoder")}
        self.weight = view(tensors["encoder"]).to(dtype)
        if dtype == torch.bfloat16:
            if set(self.part) - {"encode_bias", "threshold", "decode_scale", "decode_bias"}:
                raise Unsupported("its bf16 product is rounded before scales are applied")
            self.widen()
        self.scores = torch.compile(self.dense) if variant == "compile" else self.dense

    def widen(self):
        m, d = self.weight.shape
        wide = torch.zeros(m, d + EXTRA, dtype=self.dtype)
        wide[:, :d] = self.weight
        if "encode_bias" in self.part:
            wide[:, d:d + 3] = split_bf16(self.part.pop("encode_bias")).T
        self.weight = wide

    def load(self, index, tensors):
        x = view(tensors["x"]).to(self.dtype)
        if self.dtype == torch.bfloat16:
            x = torch.cat([x, torch.ones(len(x), EXTRA, dtype=self.dtype)], dim=1)
        self.x[index] = x

    def dense(self, x):
        """Pre-activations, zero where a latent is not active."""
        part = self.part
        if self.params["layer_norm"]:
            std = x.std(dim=-1, keepdim=True)
            x = (x - x.mean(dim=-1, keepdim=True)) / (std + 1e-5)
        if "pre_bias" in part:
            x = x - part["pre_bias"]
        if "encode_scale" in part:
            pre = torch.nn.functional.linear(x, self.weight) * part["encode_scale"]
            pre = pre + part["encode_bias"] if "encode_bias" in part else pre
        else:
            pre = torch.nn.functional.linear(x, self.weight, part.get("encode_bias"))
        if self.params["activation"] == "relu" and "gate" not in part:
            return torch.relu(pre)
        score = pre * part["gate"] if "gate" in part else pre
        if self.params["activation"] == "topk":
            chosen = torch.topk(score, min(self.params["k"], score.shape[1]), sorted=False).indices
            kept = torch.zeros_like(pre).scatter_(1, chosen, pre.gather(1, chosen))
            return torch.relu(kept)
        least = part["threshold"] if self.params["activation"] == "jumprelu" else 0.0
        return torch.where(score > least, pre, 0.0)

    def call(self, index):
        dense = self.scores(self.x[index])
        row, latent = torch.nonzero(dense, as_tuple=True)
        counts = torch.bincount(row, minlength=len(dense))
        offsets = torch.zeros(len(dense) + 1, dtype=torch.int64)
        torch.cumsum(counts, 0, out=offsets[1:])
        return offsets, latent.to(torch.int32), dense[row, latent].float()

    def outputs(self, result):
        return [named(name, part) for name, part in zip(("row_offsets", "latent", "value"), result)]


class Decode:
    """The listed columns gathered and added up (embedding_bag), or a product of dense features."""
    waits = False

    def __init__(self, tensors, params, dtype, variant):
        self.dtype, self.sets, self.params, self.is_dense = dtype, {}, params, variant == "dense"
        self.part = {name: view(tensor).float() for name, tensor in tensors.items()
                     if name not in ("encoder", "decoder")}
        columns = view(tensors["decoder"]).to(dtype).T.contiguous()
        self.m = len(columns)
        bias = self.part.get("decode_bias")
        if params["layer_norm"]:
            raise Unsupported("layer norm is not undone here")
        if dtype == torch.bfloat16:
            if "decode_scale" in self.part:
                raise Unsupported("its bf16 values would be rounded before they are scaled")
            rows = split_bf16(bias if bias is not None else torch.zeros(columns.shape[1]))
            columns, self.bias = torch.cat([columns, rows]), None
        else:
            self.bias = bias
        self.weight = columns

    def load(self, index, tensors):
        self.sets[index] = (view(tensors["row_offsets"]), view(tensors["latent"]),
                            view(tensors["value"]).to(self.dtype))

    @staticmethod
    def rows_of(offsets, latent):
        """The row of every entry; their number is known here, so that no device is waited for."""
        return torch.repeat_interleave(torch.arange(len(offsets) - 1), offsets.diff(),
                                       output_size=len(latent))

    def with_bias(self, offsets, latent, value):
        """Three more entries in every row: the bias."""
        n = len(offsets) - 1
        at = offsets[1:].repeat_interleave(3)
        extra = torch.arange(self.m, self.m + 3, dtype=latent.dtype).repeat(n)
        place = torch.arange(3 * n) + at
        own = torch.arange(len(latent)) + 3 * self.rows_of(offsets, latent)
        wide = torch.empty(len(latent) + 3 * n, dtype=latent.dtype)
        wide_value = torch.ones(len(wide), dtype=value.dtype)
        wide[place], wide[own], wide_value[own] = extra, latent, value
        return offsets + 3 * torch.arange(n + 1), wide, wide_value

    def call(self, index):
        offsets, latent, value = self.sets[index]
        if "decode_scale" in self.part:
            value = value * self.part["decode_scale"][latent]
        if self.is_dense:
            return self.product(offsets, latent, value)
        if self.bias is None and self.dtype == torch.bfloat16:
            offsets, latent, value = self.with_bias(offsets, latent, value)
        y = torch.nn.functional.embedding_bag(latent.long(), self.weight, offsets[:-1], mode="sum",
                                              per_sample_weights=value)
        return y + self.bias if self.bias is not None else y

    def product(self, offsets, latent, value):
        n = len(offsets) - 1
        row = self.rows_of(offsets, latent)
        features = torch.zeros(n, len(self.weight), dtype=self.dtype)
        features[:, self.m:] = 1.0
        features[row, latent.long()] = value
        if self.bias is None:
            return features @ self.weight
        return torch.addmm(self.bias, features, self.weight)

    def outputs(self, y):
        return [named("y", y)]
