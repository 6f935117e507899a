"""What a GPU's management library (NVML) says of it, as bench/gpu/nvml.h has it for our own
kernels: the same functions of the driver's library, opened at run time; $ASSAY_NVML names another.

Source: the NVML API Reference Guide (docs.nvidia.com/deploy/nvml-api).
"""
import ctypes
import os

CLOCK_SM, CLOCK_MEMORY, SENSOR_GPU = 1, 2, 0
SUCCESS = 0


class Absent(Exception):
    """There is no library, or it knows no such GPU; the reason is its text."""


class Nvml:
    def __init__(self, bus, path=None):
        """bus: "0000:3b:00.0"."""
        path = path or os.environ.get("ASSAY_NVML") or "libnvidia-ml.so.1"
        try:
            self.library = ctypes.CDLL(path)
        except OSError as why:
            raise Absent("clocks and energy of the GPU cannot be read: %s" % why) from None
        self.device = ctypes.c_void_p()
        for name in ("nvmlInit_v2", "nvmlShutdown", "nvmlErrorString",
                     "nvmlDeviceGetHandleByPciBusId_v2"):
            if self.function(name) is None:
                raise Absent("%s has no %s: it is no NVML" % (path, name))
        self.library.nvmlErrorString.restype = ctypes.c_char_p
        self.expect(self.library.nvmlInit_v2(), "NVML does not start")
        found = self.library.nvmlDeviceGetHandleByPciBusId_v2(bus.encode(),
                                                              ctypes.byref(self.device))
        if found != SUCCESS:
            self.library.nvmlShutdown()
        self.expect(found, "NVML knows no GPU at %s" % bus)

    def function(self, *names):
        """The first of the names that the library has; None: none of them."""
        return next((getattr(self.library, name) for name in names
                     if hasattr(self.library, name)), None)

    def expect(self, result, words):
        if result != SUCCESS:
            raise Absent("%s: %s" % (words, self.library.nvmlErrorString(result).decode()))

    def number(self, names, *which, unit=1.0, kind=ctypes.c_uint):
        """An unsigned number of the device; None where it is not told."""
        get, value = self.function(*names), kind()
        if get is None or get(self.device, *which, ctypes.byref(value)) != SUCCESS:
            return None
        return value.value * unit

    def joules(self):
        """Since the driver was loaded."""
        return self.number(["nvmlDeviceGetTotalEnergyConsumption"], unit=1e-3,
                           kind=ctypes.c_ulonglong)

    def throttle(self):
        """Bits of nvmlClocksEventReasons."""
        return self.number(["nvmlDeviceGetCurrentClocksEventReasons",
                            "nvmlDeviceGetCurrentClocksThrottleReasons"], unit=1,
                           kind=ctypes.c_ulonglong)

    def state(self):
        """By the names of a sample's lists."""
        clock = ["nvmlDeviceGetClockInfo"]
        return {"gpu_megahertz": self.number(clock, CLOCK_SM),
                "gpu_memory_megahertz": self.number(clock, CLOCK_MEMORY),
                "gpu_celsius": self.number(["nvmlDeviceGetTemperature"], SENSOR_GPU),
                "gpu_watts": self.number(["nvmlDeviceGetPowerUsage"], unit=1e-3)}

    def limits(self):
        known = {"megahertz_most": self.number(["nvmlDeviceGetMaxClockInfo"], CLOCK_SM),
                 "watts_most": self.number(["nvmlDeviceGetEnforcedPowerLimit"], unit=1e-3)}
        return {name: value for name, value in known.items() if value is not None}
