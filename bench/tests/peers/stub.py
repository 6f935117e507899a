#!/usr/bin/env python3
"""A peer for tests: it computes linear and sae_decode in plain Python, and misbehaves as the name
it is called by says (right, lying, fast, hanging, dying, babbling, short, unknown; idle
generates nothing but token 0, mumbling too from right soft tokens, deaf from wrong ones; throttled
says that a GPU took its times and was held down for two of three, clockless says it without naming
the GPU)."""
import array
import math
import os
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "..", "..", "peers"))
import assay_peer

KIND = os.path.basename(sys.argv[0])


def floats(tensor):
    if tensor.dtype == "bf16":
        wide = array.array("I", (word << 16 for word in tensor.data.cast("H")))
        return array.array("f", wide.tobytes())
    return tensor.data.cast({"f32": "f", "f64": "d", "i64": "q", "i32": "i"}[tensor.dtype])


class Stub(assay_peer.Peer):
    name, version = KIND, "1"
    implementations = [{"name": "stub_" + KIND, "ops": ["linear", "sae_decode"],
                        "precision": {"multiply": "f32", "accumulate_bits": 24,
                                      "intermediate": "f32", "output": "f32"}}]

    def open(self, request, tensors):
        if KIND == "hanging":
            time.sleep(3600)
        self.op, self.sets = request["op"], {}
        weight = tensors["weight" if self.op == "linear" else "decoder"]
        rows, columns = weight.shape
        flat = floats(weight)
        self.rows = [list(flat[i * columns:(i + 1) * columns]) for i in range(rows)]
        bias = tensors.get("bias" if self.op == "linear" else "decode_bias")
        self.bias = list(floats(bias)) if bias else [0.0] * rows
        if self.op == "sae_decode":
            self.columns = list(zip(*self.rows))

    def load(self, index, tensors):
        if self.op == "linear":
            n, k = tensors["x"].shape
            flat = list(floats(tensors["x"]))
            self.sets[index] = [flat[i * k:(i + 1) * k] for i in range(n)]
        else:
            self.sets[index] = [list(floats(tensors[name]))
                                for name in ("row_offsets", "latent", "value")]

    def decode(self, offsets, latent, value):
        for begin, end in zip(offsets, offsets[1:]):
            row = list(self.bias)
            for e in range(begin, end):
                row = [sum_ + value[e] * w for sum_, w in zip(row, self.columns[latent[e]])]
            yield row

    def call(self, index):
        if KIND == "dying":
            os.kill(os.getpid(), 11)
        if self.op == "linear":
            return [[sum(a * b for a, b in zip(x, row)) + bias
                     for row, bias in zip(self.rows, self.bias)] for x in self.sets[index]]
        return list(self.decode(*self.sets[index]))

    def outputs(self, result):
        if KIND == "lying":
            result[-1][0] += 1e-3
        flat = array.array("f", (value for row in result for value in row))
        if KIND == "short":
            return [("y", "f32", [len(result), len(result[0])], flat.tobytes()[:-4])]
        return [("y", "f32", [len(result), len(result[0])], flat)]


class Throttled(Stub):
    """Reasons are nvmlClocksEventReasons: idle, power cap, thermal; the third clock is low."""
    taken = 0

    def marks(self):
        self.taken += 1
        return {"gpu_throttle": [0x1, 0x4, 0x0][self.taken % 3],
                "sm_megahertz": [1700.0, 1700.0, 900.0][self.taken % 3], "gpu_watts": None}

    def facts(self):
        gpu = {"name": "stub", "device": 0, "timer": "events", "settled_megahertz": 1700.0}
        return {"gpu": gpu if KIND == "throttled" else {"timer": "events"}}


class Idle(assay_peer.Peer):
    name, version = KIND, "1"
    implementations = [dict(Stub.implementations[0], name="stub_idle", ops=["generate"])]

    def open(self, request, tensors):
        self.steps = request["params"]["new_tokens"]

    def load(self, index, tensors):
        self.rows = len(tensors["lengths"].data.cast("q"))

    def call(self, index):
        return array.array("q", [0] * self.rows * self.steps)

    def outputs(self, result):
        return [("new_tokens", "i64", [self.rows, self.steps], result)]


class Explain(Idle):
    """Soft tokens are right, e^log_scale x / (|x| + 1e-8) + bias, unless it is deaf."""
    implementations = [dict(Stub.implementations[0], name="stub_" + KIND, ops=["explain"])]

    def open(self, request, tensors):
        super().open(request, tensors)
        params = request["params"]
        if (params["adapter"], params["normalize_input"]) != ("scalar_affine", True):
            raise assay_peer.Unsupported("another adapter")
        self.scale = math.exp(floats(tensors["log_scale"])[0])
        self.bias = list(floats(tensors["bias"]))

    def load(self, index, tensors):
        self.rows, width = tensors["vectors"].shape
        flat = list(floats(tensors["vectors"]))
        self.vectors = [flat[i * width:(i + 1) * width] for i in range(self.rows)]
        places = tensors["placeholder"].data.cast("q")
        assert max(places) < tensors["prompt"].shape[0] and len(self.bias) == width

    def outputs(self, result):
        soft = array.array("f")
        for x in self.vectors:
            factor = self.scale / (math.sqrt(sum(value * value for value in x)) + 1e-8)
            soft.extend(0.0 if KIND == "deaf" else factor * value + bias
                        for value, bias in zip(x, self.bias))
        shape = [self.rows, len(self.bias)]
        return [("soft", "f32", shape, soft)] + super().outputs(result)


class Fast(assay_peer.Server):
    """Claims a nanosecond for whatever it does."""

    def do_sample(self, request):
        answer = super().do_sample(request)
        answer["seconds"] = [1e-9] * len(answer["seconds"])
        return answer


if KIND == "fast":
    assay_peer.Server = Fast
if KIND == "babbling":
    print("hello, this is not JSON", flush=True)
if KIND == "throttled":
    Stub.implementations[0]["space"] = "cuda"
if KIND == "unknown":
    Stub.implementations[0]["ops"] = ["teleport"]
MADE = {"idle": Idle, "mumbling": Explain, "deaf": Explain, "throttled": Throttled,
        "clockless": Throttled}
assay_peer.serve(MADE.get(KIND, Stub)())
