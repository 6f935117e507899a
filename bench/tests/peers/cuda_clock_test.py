#!/usr/bin/env python3
"""usage: cuda_clock_test.py NVML
The clock of PyTorch's peer on a GPU, judged on a GPU that is played: a stream of work that takes
its time after it is enqueued, and a host whose calls take theirs. NVML is the library of that file.
"""
import os
import sys
import types
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "..", "..", "peers"))
GHZ, ENQUEUE = 2.0, 2e-6  # of the played GPU; seconds that the host needs to enqueue anything


class Played:
    """Times in seconds since it began: the host's, and when the stream has done what it was given."""

    def __init__(self):
        self.host = self.done = 0.0
        self.written = self.sleeps_for = 0
        self.holds = True

    def enqueue(self, seconds):
        self.host += ENQUEUE
        self.done = max(self.host, self.done) + seconds

    def wait(self):
        self.host = max(self.host, self.done)


GPU = Played()


class Event:
    def __init__(self, enable_timing):
        assert enable_timing

    def record(self):
        GPU.enqueue(0.0)
        self.at = GPU.done

    def query(self):
        return self.at <= GPU.host

    def elapsed_time(self, later):
        return (later.at - self.at) * 1e3


class Memory:
    def __init__(self, count, dtype, device):
        assert (dtype, device) == ("int32", "cuda")
        self.bytes = 4 * count

    def fill_(self, number):
        GPU.written += self.bytes
        GPU.enqueue(self.bytes / 1e12)


def sleep(cycles):
    GPU.sleeps_for = cycles
    GPU.enqueue(cycles / (GHZ * 1e9) if GPU.holds else 0.0)


FACTS = types.SimpleNamespace(name="played", L2_cache_size=50 << 20, pci_domain_id=0,
                              pci_bus_id=0x3b, pci_device_id=0)
sys.modules["torch"] = types.SimpleNamespace(
    int32="int32", empty=Memory,
    cuda=types.SimpleNamespace(Event=Event, _sleep=sleep, synchronize=lambda: GPU.wait(),
                               get_device_properties=lambda index: FACTS))
import cuda_clock  # noqa: E402


def calls(device, host=0.0, waiting=False):
    """Work of so many seconds on the GPU, around which the host spends some itself."""
    def work():
        GPU.host += host
        GPU.enqueue(device)
        if waiting:
            GPU.wait()
        return "result"
    return work


class Clock(unittest.TestCase):
    def setUp(self):
        GPU.__init__()
        os.environ["ASSAY_NVML"] = "libno-such-nvml.so.1"

    def test_what_the_host_does_before_the_gate_opens_is_no_part_of_a_sample(self):
        clock = cuda_clock.CudaClock()
        seconds, result = clock.time(calls(50e-6, host=300e-6))
        self.assertEqual(result, "result")
        self.assertAlmostEqual(seconds, 50e-6, delta=1e-9)
        self.assertAlmostEqual(clock.marks()["sm_megahertz"], 1e3 * GHZ, delta=10.0)
        self.assertAlmostEqual(clock.facts()["gpu"]["settled_megahertz"], 1e3 * GHZ, delta=10.0)
        self.assertLess(clock.facts()["gpu"]["event_pair_seconds"], 1e-6)
        self.assertEqual(clock.facts()["gpu"]["timer"], "events")

    def test_a_gate_that_opened_too_early_is_noticed_and_lengthened(self):
        clock = cuda_clock.CudaClock()
        work, tries = calls(50e-6, host=9e-3), 0
        seconds = None
        while seconds is None:
            seconds, _ = clock.time(work)
            tries += 1
        self.assertEqual(tries, 3, "1, 4 and 16 ms")
        self.assertAlmostEqual(seconds, 50e-6, delta=1e-9)

    def test_calls_that_wait_for_the_device_are_an_error_and_the_gate_is_bounded(self):
        clock = cuda_clock.CudaClock()
        with self.assertRaisesRegex(RuntimeError, "not enqueued within 2 s: they wait"):
            while True:
                clock.time(calls(50e-6, waiting=True))
        self.assertLessEqual(GPU.sleeps_for, 2.1 * GHZ * 1e9)

    def test_where_waiting_is_declared_the_host_is_part_of_the_span(self):
        clock = cuda_clock.CudaClock()
        clock.waits = True
        seconds, result = clock.time(calls(50e-6, host=300e-6, waiting=True))
        self.assertEqual(result, "result")
        self.assertAlmostEqual(seconds, 350e-6, delta=5 * ENQUEUE)
        self.assertEqual(clock.facts()["gpu"]["timer"], "span")
        self.assertIsNone(clock.marks()["sm_megahertz"])

    def test_a_gate_that_does_not_hold_is_an_error(self):
        GPU.holds = False
        with self.assertRaisesRegex(RuntimeError, "gate does not hold: 2000000 cycles"):
            cuda_clock.CudaClock()

    def test_a_gate_that_holds_no_more_is_an_error(self):
        clock = cuda_clock.CudaClock()
        GPU.holds = False
        with self.assertRaisesRegex(RuntimeError, "gate does not hold"):
            clock.time(calls(50e-6))

    def test_twice_the_last_cache_is_written(self):
        clock = cuda_clock.CudaClock()
        GPU.written = 0
        clock.evict()
        self.assertGreaterEqual(GPU.written, 2 * FACTS.L2_cache_size)

    def test_a_missing_management_library_is_said(self):
        clock = cuda_clock.CudaClock()
        clock.time(calls(50e-6))
        self.assertIn("libno-such-nvml.so.1", clock.facts()["gpu"]["without_nvml"])
        self.assertEqual(list(clock.marks()), ["sm_megahertz"])

    def test_another_library_is_refused_by_the_function_it_lacks(self):
        os.environ["ASSAY_NVML"] = "libc.so.6"
        self.assertIn("no nvmlInit_v2", cuda_clock.CudaClock().facts()["gpu"]["without_nvml"])

    def test_samples_carry_what_the_library_tells(self):
        os.environ["ASSAY_NVML"] = NVML
        FACTS.pci_bus_id = 0x99
        said = cuda_clock.CudaClock().facts()["gpu"]["without_nvml"]
        self.assertIn("0000:99:00.0: Not Found", said)
        FACTS.pci_bus_id = 0x3b
        clock = cuda_clock.CudaClock()
        clock.time(calls(50e-6))
        marks = clock.marks()
        self.assertEqual(marks["gpu_megahertz"], 1755)
        self.assertEqual(marks["gpu_memory_megahertz"], 2619)
        self.assertEqual(marks["gpu_celsius"], 41)
        self.assertAlmostEqual(marks["gpu_watts"], 123.456)
        self.assertEqual(marks["gpu_throttle"], 0x24, "none before the sample, two after it")
        self.assertIsNone(marks["gpu_joules"], "it has no counter of energy")
        self.assertEqual(clock.facts()["gpu"]["megahertz_most"], 1980)
        self.assertNotIn("watts_most", clock.facts()["gpu"], "it tells of no limit")
        self.assertNotIn("without_nvml", clock.facts()["gpu"])


if __name__ == "__main__":
    NVML = sys.argv.pop(1)
    unittest.main()
