"""Stages in Hugging Face transformers: its own forward and generate on the case's checkpoint.

Stages wait for a device themselves, as ours do: their time is a span."""
import torch
from transformers import AutoModelForCausalLM, StoppingCriteria, StoppingCriteriaList
from transformers.utils import logging

import assay_peer
from assay_peer import Unsupported
from pytorch_steps import DEVICE, named, view

torch.set_grad_enabled(False)
logging.set_verbosity_error()
logging.disable_progress_bar()


def load_model(params, dtype):
    model = AutoModelForCausalLM.from_pretrained(params["checkpoint"], dtype=dtype)
    return model.to(DEVICE).eval()


def prompts(tensors):
    """Tokens, 0 where a row is padded, and which are its own."""
    tokens, lengths = view(tensors["tokens"]), view(tensors["lengths"])
    valid = torch.arange(tokens.shape[1])[None] < lengths[:, None]
    return torch.where(valid, tokens, 0), valid


class Capture:
    """The forward without the layers after the hook; what is right of a row is never attended.
    full: all layers and every hidden state, as a script calls it that only wants one of them."""
    waits = True

    def __init__(self, tensors, params, dtype, variant):
        count = params["layer"] + (params["hook"] == "output")
        if params["hook"] not in ("input", "output") or count == 0:
            raise Unsupported("its hooks are a layer's output, or input from layer 1 on")
        self.model = load_model(params, dtype).model
        self.wanted = count if variant == "full" else None
        if self.wanted is None:
            self.model.layers = self.model.layers[:count]
            self.model.config.num_hidden_layers = count
            self.model.norm = torch.nn.Identity()
        elif count == len(self.model.layers):
            raise Unsupported("the last layer's output is normed in hidden_states")
        self.forward = torch.compile(self.model) if variant == "compile" else self.model
        self.sets = {}

    def load(self, index, tensors):
        self.sets[index] = prompts(tensors)

    def call(self, index):
        tokens, valid = self.sets[index]
        if self.wanted is not None:
            states = self.forward(input_ids=tokens, use_cache=False, output_hidden_states=True)
            return states.hidden_states[self.wanted][valid]
        return self.forward(input_ids=tokens, use_cache=False).last_hidden_state[valid]

    def outputs(self, rows):
        return [named("residual", rows)]


class Clock(StoppingCriteria):
    """Stops nothing; notes when each step's tokens were there."""

    def __init__(self):
        self.times = []

    def __call__(self, input_ids, scores, **kwargs):
        self.times.append(assay_peer.clock())
        return torch.zeros(len(input_ids), dtype=torch.bool)


class Generate:
    """Greedy, prompts padded on the left. static: the cache has its full length from the start, so
    that every step has one shape."""
    waits = True

    def __init__(self, tensors, params, dtype, variant):
        self.model, self.new_tokens, self.sets = load_model(params, dtype), params["new_tokens"], {}
        settings = self.model.generation_config
        settings.eos_token_id, settings.pad_token_id = None, 0
        settings.do_sample, settings.max_new_tokens = False, self.new_tokens
        settings.temperature = settings.top_p = settings.top_k = None
        if variant == "static":
            settings.cache_implementation = "static"

    def load(self, index, tensors):
        tokens, valid = prompts(tensors)
        order = torch.argsort(valid.long(), dim=1, stable=True)  # padding first
        self.sets[index] = (tokens.gather(1, order), valid.gather(1, order).long())

    def call(self, index, **options):
        tokens, mask = self.sets[index]
        made = self.model.generate(input_ids=tokens, attention_mask=mask, **options)
        return made[:, tokens.shape[1]:]

    def outputs(self, tokens):
        return [named("new_tokens", tokens)]

    def parts(self, index):
        clock, start = Clock(), assay_peer.clock()
        self.call(index, stopping_criteria=StoppingCriteriaList([clock]))
        times = [(time - start) * 1e-9 for time in clock.times]
        return {"first_token_seconds": times[0],
                "token_seconds": [b - a for a, b in zip(times, times[1:])]}


class Explain(Generate):
    """The published way: adapter, embeddings of the prompt with the soft tokens in their places,
    generate. Same settings as Generate."""

    def __init__(self, tensors, params, dtype, variant):
        super().__init__(tensors, params, dtype, variant)
        self.dtype, self.params = dtype, params
        self.parts_of = {name: view(tensor).float() for name, tensor in tensors.items()}
        if dtype == torch.bfloat16 and {"u", "weight"} & set(self.parts_of):
            raise Unsupported("its bf16 product is rounded before the rest is added")

    def adapter(self, x):
        has, kind, v = self.parts_of, self.params["adapter"], x.float()
        if kind == "identity":
            return x
        if "mean" in has:
            v = v - has["mean"]
        if self.params["normalize_input"]:
            v = v / (v.norm(dim=-1, keepdim=True) + 1e-8)
        y = torch.zeros_like(v)
        if kind.startswith("scal"):
            y = has["log_scale"].exp() * v
        if "u" in has:
            y = y + (v @ has["u"]) @ has["v"].T
        if "weight" in has:
            y = v @ has["weight"].T
        return (y + has["bias"] if "bias" in has and kind != "scale_only" else y).to(self.dtype)

    def load(self, index, tensors):
        self.sets[index] = [view(tensors[name]) for name in ("vectors", "prompt", "placeholder")]

    def call(self, index, **options):
        vectors, prompt, placeholder = self.sets[index]
        soft = self.adapter(vectors)
        embedded = self.model.get_input_embeddings()(prompt).repeat(len(vectors), 1, 1)
        embedded[:, placeholder] = soft[:, None]
        mask = torch.ones(embedded.shape[:2], dtype=torch.long)
        return soft, self.model.generate(inputs_embeds=embedded, attention_mask=mask, **options)

    def outputs(self, result):
        return [named("soft", result[0]), named("new_tokens", result[1])]
