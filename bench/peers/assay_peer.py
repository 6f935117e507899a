"""What every peer has in common: the protocol of docs/peers.md and the timing loop.

A peer is a subclass of Peer and one call of serve(). Only the standard library is used here, so
that a peer is free to bring nothing else.
"""
import ctypes
import gc
import json
import mmap
import os
import resource
import signal
import sys
import time

OUTPUTS_FD, TENSORS_FD = 3, 4
SIZE = {"f64": 8, "f32": 4, "bf16": 2, "f16": 2, "i64": 8, "i32": 4}
EMPTY_CALLS, EMPTY_ROUNDS = 2000, 5


class Unsupported(Exception):
    """A right answer: this case is not served. It becomes SKIP with the reason."""


class Tensor:
    """An operand in shared memory: to be copied before the request is answered."""

    def __init__(self, dtype, shape, data):
        self.dtype, self.shape, self.data = dtype, shape, data


class Peer:
    """name, version and implementations are what `hello` answers; the rest a peer overrides."""

    name, version, implementations = "peer", "0", []

    def open(self, request, tensors):
        """Weights (a dict of Tensor) packed for request["op"] by request["impl"]."""
        raise Unsupported("it offers nothing")

    def batch(self, case):
        """Another batch size follows."""

    def load(self, index, tensors):
        """Inputs of set `index`, copied into memory of its own. Never timed."""
        raise NotImplementedError

    def call(self, index):
        """The timed call on set `index`; what it returns goes to outputs()."""
        raise NotImplementedError

    def outputs(self, result):
        """The outputs of a call: a list of (name, dtype, shape, bytes-like)."""
        raise NotImplementedError

    def settle(self):
        """Waits for what calls have left to a device."""

    def evict(self):
        """Puts what a device's caches hold out of them."""

    def begin(self):
        """Samples follow: a device's clock is made to settle."""

    def time(self, work):
        """Seconds of work(), which makes calls, and what it returns; another clock than the host's
        gives seconds from which nothing is to be subtracted. Seconds None: it was not ready and is
        by now, so everything that comes before a sample is done once more."""
        start = clock()
        result = work()
        return (clock() - start) * 1e-9, result

    host_clock = True

    def marks(self):
        """What a device said of the sample that was timed last, by the names of the sample's lists
        (docs/peers.md); None: not known."""
        return {}

    def facts(self):
        """What the answer to `sample` says of the clock: {"gpu": ...} (docs/peers.md)."""
        return {}

    def parts(self, index):
        """Optional: first_token_seconds and token_seconds of one more call."""
        raise Unsupported("its parts are not known")


class Missing(Peer):
    """In the place of a peer whose package is not installed: says what installs it."""

    def __init__(self, name, package):
        self.name, self.package = name, package

    @property
    def implementations(self):
        raise Unsupported("package %s is missing: run ci/peers %s" % (self.package, self.name))


def device():
    """The word after --device: where the peer computes, "cpu" unless it is given."""
    words = sys.argv[1:]
    given = words[words.index("--device") + 1:] if "--device" in words else ["cpu"]
    if not given or given[0] not in ("cpu", "cuda"):
        sys.exit("--device wants cpu or cuda")
    return given[0]


def clock():
    return time.clock_gettime_ns(time.CLOCK_MONOTONIC_RAW)


def entry_bytes(entry):
    size = SIZE[entry["dtype"]]
    for extent in entry["shape"]:
        size *= extent
    return size


class _Memory:
    """The operands of one request: tensors one after another in a file."""

    def __init__(self, sets):
        total = sum(entry_bytes(entry) for tensors in sets for entry in tensors)
        self.map = mmap.mmap(TENSORS_FD, total, prot=mmap.PROT_READ) if total else None
        self.sets, at = [], 0
        view = memoryview(self.map) if self.map else memoryview(b"")
        for tensors in sets:
            named = {}
            for entry in tensors:
                size = entry_bytes(entry)
                named[entry["name"]] = Tensor(entry["dtype"], entry["shape"], view[at:at + size])
                at += size
            self.sets.append(named)


def _write_outputs(outputs):
    at, entries = 0, []
    os.ftruncate(OUTPUTS_FD, 0)
    for name, dtype, shape, data in outputs:
        view = memoryview(data).cast("B")
        done = 0
        while done < len(view):
            done += os.pwrite(OUTPUTS_FD, view[done:done + (1 << 30)], at + done)
        at += len(view)
        entries.append({"name": name, "dtype": dtype, "shape": list(shape)})
    return entries


def _steal_seconds():
    with open("/proc/stat", encoding="ascii") as stat:
        words = stat.readline().split()
    return int(words[8]) / os.sysconf("SC_CLK_TCK") if len(words) > 8 else 0.0


def _peak_bytes():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def _switches():
    return resource.getrusage(resource.RUSAGE_SELF).ru_nivcsw


def _call_many(call, sets, calls):
    index, result = 0, None
    for _ in range(calls):
        result = call(index)
        index = index + 1 if index + 1 < sets else 0
    return result


def _empty_call():
    """Seconds of everything in the loop but the call's work."""
    least = float("inf")
    for _ in range(EMPTY_ROUNDS):
        start = clock()
        _call_many(lambda index: None, 1, EMPTY_CALLS)
        least = min(least, (clock() - start) * 1e-9 / EMPTY_CALLS)
    return least


class Server:
    def __init__(self, peer):
        self.peer, self.sweep = peer, None

    def do_hello(self, request):
        return {"protocol": 1, "name": self.peer.name, "version": self.peer.version,
                "implementations": self.peer.implementations}

    def do_open(self, request):
        threads = request["processors"]
        os.sched_setaffinity(0, threads)
        # Read by OpenMP when a library that carries it is loaded.
        os.environ["OMP_NUM_THREADS"] = str(len(threads))
        os.environ["OMP_PROC_BIND"] = "true"
        os.environ["OMP_PLACES"] = ",".join("{%d}" % processor for processor in threads)
        self.sweep = bytearray(2 * int(request["last_cache_bytes"]) or 64 << 20)
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        memory = _Memory([request.get("tensors", [])])
        start = clock()
        self.peer.open(request, memory.sets[0])
        self.peer.settle()
        return {"threads": len(threads), "prepare_seconds": (clock() - start) * 1e-9,
                "opened_bytes": _peak_bytes() - before * 1024}

    def do_batch(self, request):
        self.peer.batch(request["case"])
        self.peer.load(0, _Memory(request["inputs"]).sets[0])
        self.peer.call(0)  # what is compiled or allocated on first use is not a call's time
        self.peer.settle()
        start = clock()
        self.peer.call(0)
        self.peer.settle()
        return {"first_call_seconds": (clock() - start) * 1e-9, "workspace_bytes": 0}

    def prepare_sample(self, inputs, cold):
        """Fresh inputs, and the caches as the sample finds them."""
        for index, tensors in enumerate(inputs):
            self.peer.load(index, tensors)
        if cold:
            half = len(self.sweep) // 2
            memoryview(self.sweep)[:half] = memoryview(self.sweep)[half:2 * half]
            self.peer.evict()
        else:
            _call_many(self.peer.call, len(inputs), len(inputs))
        gc.collect(0)
        self.peer.settle()

    def do_sample(self, request):
        samples, keep = request["samples"], request["keep"]
        cold = request["cache"] == "cold"
        calls = 1 if cold else request["calls"]
        memory = _Memory(request["inputs"])
        sets = len(memory.sets) // samples
        empty = _empty_call() if self.peer.host_clock else 0.0
        answer = {"seconds": [], "switches": [], "steal_seconds": [],
                  "empty_call_seconds": empty, "page_bytes": mmap.PAGESIZE}
        self.peer.begin()
        for i in range(samples):
            spent = None
            while spent is None:
                self.prepare_sample(memory.sets[i * sets:(i + 1) * sets], cold)
                switches, steal = _switches(), _steal_seconds()
                spent, result = self.peer.time(lambda: _call_many(self.peer.call, sets, calls))
            answer["seconds"].append(max(0.0, spent / calls - empty))
            answer["switches"].append(_switches() - switches)
            answer["steal_seconds"].append(max(0.0, _steal_seconds() - steal))
            for name, value in self.peer.marks().items():
                answer.setdefault(name, []).append(value)
            if keep == i:
                answer["outputs"] = _write_outputs(self.peer.outputs(result))
            result = None
        answer["peak_bytes"] = _peak_bytes()
        answer.update(self.peer.facts())
        return answer

    def do_parts(self, request):
        self.peer.load(0, _Memory(request["inputs"]).sets[0])
        return self.peer.parts(0)

    def answer(self, line):
        try:
            request = json.loads(line)
            return getattr(self, "do_" + request["do"])(request)
        except Unsupported as reason:
            return {"unsupported": str(reason)}
        except MemoryError:
            return {"no_memory": "it has no memory for the case"}
        except Exception as error:  # every other fault is told, and the next request waits
            if type(error).__name__ == "OutOfMemoryError":  # a device's
                return {"no_memory": "the device has no memory for the case"}
            words = (str(error).strip() or "no reason").splitlines()[0]
            return {"error": "%s: %s" % (type(error).__name__, words[:500])}


def serve(peer):
    """Answers requests until the parent closes its end."""
    try:
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG
    except OSError:
        pass
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # what a library prints must not be taken for an answer
    gc.disable()
    server = Server(peer)
    for line in sys.stdin:
        answers.write(json.dumps(server.answer(line)) + "\n")
        answers.flush()
