#!/usr/bin/env python3
"""PyTorch and Hugging Face transformers as a peer (docs/peers.md).

Implementations: eager in f32 and bf16, decoders gathered (embedding_bag) and dense, attention by
scaled_dot_product_attention; torch.compile where shapes stay the same (not generation), in f32 and
bf16.
Weights are taken as stored, bf16 ones widened once for f32; products are f32 with f32 sums, as the
contracts say (TF32 is a GPU's, and off there too).

--device cuda: the same on a GPU, by a GPU's clock (cuda_clock.py), with _cuda behind every name;
and generation over a static cache, whose decoding step transformers compiles by itself.
pytorch_cuda.py is this. It has not run on a GPU yet.

A bf16 product is rounded before anything is added to it, which would cost an encoder's or decoder's
bias more than its contract allows. So under bf16 a bias is a part of the product: three columns
that, added up in the product's f32, are the bias in f32.
"""
import importlib.metadata
import logging
import os

import assay_peer
from assay_peer import Unsupported

F32 = {"multiply": "f32", "accumulate_bits": 24, "intermediate": "f32", "output": "f32",
       "angle": "f32"}
BF16 = {"storage": "bf16", "multiply": "bf16", "accumulate_bits": 24, "intermediate": "bf16",
        "output": "bf16", "angle": "f32", "flush": True}
ALL = ["linear", "attention", "sae_encode", "sae_decode", "capture", "generate", "explain"]
DEVICE = assay_peer.device()
# By name: ops, contract, variant.
OFFERED = {"pytorch": (ALL, F32, "eager"),
           "pytorch_dense": (["sae_decode"], F32, "dense"),
           "pytorch_compile": (["sae_encode", "capture"], F32, "compile"),
           "pytorch_bf16": (ALL, BF16, "eager"),
           "pytorch_compile_bf16": (["sae_encode", "capture"], BF16, "compile"),
           "pytorch_dense_bf16": (["sae_decode"], BF16, "dense"),
           "pytorch_full_bf16": (["capture"], BF16, "full")}


if DEVICE != "cpu":
    OFFERED["pytorch_static"] = (["generate"], F32, "static")
    OFFERED["pytorch_static_bf16"] = (["generate"], BF16, "static")
    OFFERED = {"%s_%s" % (name, DEVICE): offer for name, offer in OFFERED.items()}


class PyTorch(assay_peer.Peer):
    name = "pytorch"
    implementations = [{"name": name, "ops": ops, "precision": precision,
                        "space": "host" if DEVICE == "cpu" else DEVICE}
                       for name, (ops, precision, _) in OFFERED.items()]

    def __init__(self):
        """The libraries are imported by `open`, when the processors they may use are set."""
        self.version = ", ".join("%s %s" % (name, importlib.metadata.version(name))
                                 for name in ("torch", "transformers"))
        self.op = self.clock = None

    def on_device(self, torch):
        """A GPU's clock, and everything made from now on in its memory."""
        if not torch.cuda.is_available():
            raise Unsupported("no GPU that PyTorch can use")
        from cuda_clock import CudaClock
        torch.backends.cuda.matmul.allow_tf32 = False
        torch.backends.cuda.matmul.allow_bf16_reduced_precision_reduction = False
        torch.set_default_device(DEVICE)
        self.clock, self.host_clock = CudaClock(), False
        self.settle, self.evict = torch.cuda.synchronize, self.clock.evict
        self.begin, self.time = self.clock.settle_clock, self.clock.time
        self.marks, self.facts = self.clock.marks, self.clock.facts

    def open(self, request, tensors):
        os.environ.setdefault("THP_MEM_ALLOC_ENABLE", "1")  # large pages, as our own kernels have
        import torch
        logging.getLogger("torch").setLevel(logging.ERROR)
        torch.set_num_threads(len(request["processors"]))
        torch.set_num_interop_threads(1)
        if DEVICE == "cuda":
            self.on_device(torch)
        _, precision, variant = OFFERED[request["impl"]]
        dtype = torch.bfloat16 if precision is BF16 else torch.float32
        if request["op"] in ("capture", "generate", "explain"):
            from pytorch_stages import Capture, Explain, Generate
            made = {"capture": Capture, "generate": Generate, "explain": Explain}[request["op"]]
        else:
            from pytorch_steps import Attention, Decode, Encode, Linear
            made = {"linear": Linear, "attention": Attention, "sae_encode": Encode,
                    "sae_decode": Decode}[request["op"]]
        self.op = made(tensors, request.get("params", {}), dtype, variant)
        if self.clock:
            self.clock.waits = made.waits

    def load(self, index, tensors):
        self.op.load(index, tensors)

    def call(self, index):
        return self.op.call(index)

    def outputs(self, result):
        return self.op.outputs(result)

    def parts(self, index):
        if not hasattr(self.op, "parts"):
            raise Unsupported("its parts are not known")
        return self.op.parts(index)


try:
    PEER = PyTorch()
except importlib.metadata.PackageNotFoundError as absent:
    PEER = assay_peer.Missing("pytorch", absent.name)
assay_peer.serve(PEER)
