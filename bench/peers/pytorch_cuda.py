#!/usr/bin/env python3
"""PyTorch on a GPU: pytorch.py --device cuda, for `assay bench --peer`, which gives no arguments."""
import sys

sys.argv[1:] = ["--device", "cuda"]
import pytorch  # noqa: E402,F401  (it serves)
