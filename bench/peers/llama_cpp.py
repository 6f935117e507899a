#!/usr/bin/env python3
"""llama.cpp as a peer (docs/peers.md): greedy generation by its own batches of sequences, through
llama-cpp-python, on a GGUF written from the case's checkpoint (gguf.py).

llama_cpp: weights, cache and products in f32. llama_cpp_bf16: weights and cache in bf16, and
operands of products rounded to it, sums in f32."""
import ctypes
import importlib.metadata
import os
import sys

# This file is called as the library's package is: its folder must not come first.
HERE = sys.path.pop(0)
sys.path.append(HERE)
import assay_peer
from assay_peer import Unsupported

F32 = {"multiply": "f32", "accumulate_bits": 24, "intermediate": "f32", "output": "f32",
       "angle": "f32"}
BF16 = dict(F32, storage="bf16", multiply="bf16", flush=True)
OFFERED = {"llama_cpp": (F32, "f32"), "llama_cpp_bf16": (BF16, "bf16")}
CACHE_STEP = 256  # a sequence's cache is a multiple of so many positions


class LlamaCpp(assay_peer.Peer):
    name = "llama_cpp"
    implementations = [{"name": name, "ops": ["generate"], "precision": precision}
                       for name, (precision, _) in OFFERED.items()]

    def __init__(self):
        self.version = "llama-cpp-python " + importlib.metadata.version("llama-cpp-python")
        self.sets, self.context, self.room = {}, None, None
        self.memory = self.model = self.batch_ = None

    def open(self, request, tensors):
        global llama, numpy
        import llama_cpp as llama
        import numpy
        import gguf
        quiet = llama.llama_log_callback(lambda level, words, data: None)
        self.quiet = quiet  # it must live as long as the library
        llama.llama_log_set(quiet, ctypes.c_void_p(0))
        self.storage = OFFERED[request["impl"]][1]
        self.threads = len(request["processors"])
        self.new_tokens = request["params"]["new_tokens"]
        llama.llama_backend_init()
        with os.fdopen(os.memfd_create("gguf"), "wb") as file:
            self.vocab = gguf.write(request["params"]["checkpoint"], self.storage, file)
            settings = llama.llama_model_default_params()
            settings.n_gpu_layers = 0
            path = "/proc/self/fd/%d" % file.fileno()
            self.model = llama.llama_model_load_from_file(path.encode(), settings)
        if not self.model:
            raise RuntimeError("the GGUF was refused")

    def load(self, index, tensors):
        lengths = tensors["lengths"].data.cast("q").tolist()
        batch, width = tensors["tokens"].shape
        flat = numpy.frombuffer(tensors["tokens"].data, numpy.int64).reshape(batch, width)
        self.sets[index] = [flat[b, :length].astype(numpy.int32) for b, length in
                            enumerate(lengths)]
        self.make_context(batch, width, sum(lengths))

    def make_context(self, batch, width, total):
        """One for every batch size: caches and work space are kept from call to call."""
        if self.room == (batch, width, total):
            return
        if self.context:
            llama.llama_batch_free(self.batch_)
            llama.llama_free(self.context)
        settings = llama.llama_context_default_params()
        each = -(-(width + self.new_tokens) // CACHE_STEP) * CACHE_STEP
        settings.n_ctx, settings.n_seq_max = each * batch, batch
        settings.n_batch = settings.n_ubatch = max(total, batch)
        settings.n_threads = settings.n_threads_batch = self.threads
        settings.type_k = settings.type_v = 30 if self.storage == "bf16" else 0
        settings.flash_attn_type = 0
        settings.offload_kqv = False
        self.context = llama.llama_init_from_model(self.model, settings)
        if not self.context:
            raise Unsupported("llama.cpp makes no context for %d sequences" % batch)
        self.memory = llama.llama_get_memory(self.context)
        self.batch_ = llama.llama_batch_init(max(total, batch), 0, 1)
        self.room = (batch, width, total)

    def fill(self, entries):
        """(token, position, sequence, whether logits are wanted) of every token."""
        batch = self.batch_
        batch.n_tokens = len(entries)
        for i, (token, position, sequence, wanted) in enumerate(entries):
            batch.token[i], batch.pos[i] = token, position
            batch.n_seq_id[i], batch.seq_id[i][0] = 1, sequence
            batch.logits[i] = wanted

    def best(self, count):
        """The greatest logit's token of each sequence."""
        if llama.llama_decode(self.context, self.batch_) != 0:
            raise RuntimeError("llama_decode failed")
        logits = llama.llama_get_logits(self.context)
        return numpy.ctypeslib.as_array(logits, (count, self.vocab)).argmax(axis=1)

    def call(self, index, step=lambda: None):
        prompts = self.sets[index]
        count = len(prompts)
        llama.llama_memory_clear(self.memory, False)
        self.fill([(token, at, b, at + 1 == len(prompt)) for b, prompt in enumerate(prompts)
                   for at, token in enumerate(prompt.tolist())])
        made = numpy.empty((count, self.new_tokens), numpy.int64)
        for n in range(self.new_tokens):
            made[:, n] = self.best(count)
            step()
            if n + 1 < self.new_tokens:
                self.fill([(token, len(prompts[b]) + n, b, True)
                           for b, token in enumerate(made[:, n].tolist())])
        return made

    def outputs(self, made):
        return [("new_tokens", "i64", made.shape, made.tobytes())]

    def parts(self, index):
        times, start = [], assay_peer.clock()
        self.call(index, lambda: times.append((assay_peer.clock() - start) * 1e-9))
        return {"first_token_seconds": times[0],
                "token_seconds": [b - a for a, b in zip(times, times[1:])]}


if __name__ == "__main__":
    try:
        PEER = LlamaCpp()
    except importlib.metadata.PackageNotFoundError as absent:
        PEER = assay_peer.Missing("llama_cpp", absent.name)
    assay_peer.serve(PEER)
