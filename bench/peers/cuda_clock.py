"""Times on a GPU by its own events, as assay times its kernels there (bench/gpu/gpu.h): a kernel
that waits in front, so that what the host enqueues lies outside; caches put out by a write of twice
the last level; NVML's word on every sample.

The gate is PyTorch's kernel that counts cycles: it opens by itself. So every sample asks whether it
was still shut when all was enqueued; where it was not, nothing is said of the sample, and it is
taken again behind a longer one. What still is not enqueued after GATE_SECONDS waits for the device
itself and has no time by this clock: an error, and no other clock is put in its place. Where that
is known beforehand (`waits`) the events lie around the calls and what their host does in between.
"""
import functools
import operator

import torch

import nvml

GATE_CYCLES = 2_000_000  # about a millisecond: longer than a few calls take to be enqueued
GATE_SECONDS = 2.0       # no gate is shut longer
GATE_GROWTH = 4
CLOCK_MOST = 4e9         # Hz; no GPU's is higher
CACHE_UNKNOWN = 256 << 20
PAIR_ROUNDS = 8
SETTLE_ROUNDS, SETTLE_CYCLES, SETTLE_SECONDS, STEADY = 20, 10_000_000, 0.2, 0.01


class CudaClock:
    def __init__(self):
        facts = torch.cuda.get_device_properties(0)
        cache = getattr(facts, "L2_cache_size", 0) or CACHE_UNKNOWN
        self.memory = torch.empty(2 * cache // 4, dtype=torch.int32, device="cuda")
        self.number = 0
        self.name, self.waits, self.marked = facts.name, False, {}
        self.cycles, self.settled, self.nvml, self.without_nvml = GATE_CYCLES, None, None, None
        try:
            self.nvml = nvml.Nvml("%04x:%02x:%02x.0" % (
                facts.pci_domain_id, facts.pci_bus_id, facts.pci_device_id))
        except (nvml.Absent, AttributeError) as why:  # an older PyTorch does not tell the bus
            self.without_nvml = str(why)
        self.behind_gate(lambda: None)  # its kernel is loaded on first use
        self.settle_clock()
        self.pair = min(self.until_held(lambda: None) for _ in range(PAIR_ROUNDS))

    def evict(self):
        self.number += 1
        self.memory.fill_(self.number)

    def look(self):
        """Energy so far, and why the clocks are held down."""
        return (self.nvml.joules(), self.nvml.throttle()) if self.nvml else (None, None)

    def behind_gate(self, work):
        """Seconds of work(), None where the gate opened before all was enqueued; what it returned;
        the clock that the gate had, in MHz."""
        shut, first, last = (torch.cuda.Event(enable_timing=True) for _ in range(3))
        torch.cuda.synchronize()
        shut.record()
        torch.cuda._sleep(self.cycles)
        first.record()
        result = work()
        last.record()
        held = not first.query()
        torch.cuda.synchronize()
        gate = shut.elapsed_time(first) * 1e-3
        if not gate * CLOCK_MOST >= self.cycles:
            raise RuntimeError("the GPU's gate does not hold: %d cycles were over after %g us, and "
                               "nothing can be timed behind it" % (self.cycles, gate * 1e6))
        seconds = first.elapsed_time(last) * 1e-3 if held else None
        return seconds, result, self.cycles / gate * 1e-6

    def lengthen(self, megahertz):
        most = int(GATE_SECONDS * megahertz * 1e6)
        if self.cycles >= most:
            raise RuntimeError("its calls were not enqueued within %g s: they wait for the device, "
                               "and cannot be timed by its events alone" % GATE_SECONDS)
        self.cycles = min(GATE_GROWTH * self.cycles, most)

    def until_held(self, work):
        while True:
            seconds, _, megahertz = self.behind_gate(work)
            if seconds is not None:
                return seconds
            self.lengthen(megahertz)

    def settle_clock(self):
        """Keeps the device busy until its clock no longer rises: an idle one is slow."""
        gate, spent = self.cycles, 0.0
        self.cycles, self.settled = max(gate, SETTLE_CYCLES), None
        for _ in range(SETTLE_ROUNDS):
            _, _, megahertz = self.behind_gate(lambda: None)
            before, self.settled = self.settled, megahertz
            spent += self.cycles / megahertz * 1e-6
            if spent >= SETTLE_SECONDS or (before and abs(megahertz / before - 1.0) <= STEADY):
                break
        self.cycles = gate

    def span(self, work):
        first, last = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        torch.cuda.synchronize()
        first.record()
        result = work()
        last.record()
        torch.cuda.synchronize()
        return first.elapsed_time(last) * 1e-3, result

    def time(self, work):
        """Seconds of work() and what it returned; seconds None: to be taken again."""
        joules, throttle = self.look()
        megahertz = None
        if self.waits:
            seconds, result = self.span(work)
        else:
            seconds, result, megahertz = self.behind_gate(work)
            if seconds is None:
                self.lengthen(megahertz)
                return None, None
        self.mark(joules, throttle, megahertz)
        return seconds, result

    def mark(self, joules, throttle, megahertz):
        """What is known of the sample that ended just now."""
        self.marked = {"sm_megahertz": megahertz}
        if self.nvml:
            after, reasons = self.look()
            told = [bits for bits in (throttle, reasons) if bits is not None]
            self.marked.update(self.nvml.state(),
                               gpu_throttle=functools.reduce(operator.or_, told) if told else None,
                               gpu_joules=None if None in (joules, after) else after - joules)

    def marks(self):
        return self.marked

    def facts(self):
        gpu = {"name": self.name, "device": 0, "timer": "span" if self.waits else "events",
               "event_pair_seconds": self.pair, "settled_megahertz": self.settled}
        if self.nvml:
            gpu.update(self.nvml.limits())
        else:
            gpu["without_nvml"] = self.without_nvml
        return {"gpu": gpu}
