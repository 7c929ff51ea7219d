"""What ``import classicvis`` costs: medians of fresh processes, and what it loads.

``python -m benchmarks.import_time [--json FILE] [--runs N]``.
"""

from __future__ import annotations

import json
import subprocess
import sys
from statistics import median

from benchmarks._timing import parse_arguments, write_json

HEAVY = {"numba", "cv2", "skimage", "sklearn", "keras", "tensorflow", "numpy", "scipy"}
CODE = """
import sys, time
start = time.perf_counter()
import classicvis
seconds = time.perf_counter() - start
import json
print(json.dumps([seconds, sorted({name.split(".")[0] for name in sys.modules})]))
"""


def main() -> None:
    args = parse_arguments(__doc__)
    runs = [
        json.loads(subprocess.check_output([sys.executable, "-c", CODE])) for _ in range(args.runs)
    ]
    seconds = median(run[0] for run in runs)
    loaded = sorted(HEAVY & set(runs[0][1]))
    print(f"import classicvis: {seconds * 1000:.0f} ms; heavy libraries loaded: {loaded or 'none'}")
    if args.json:
        write_json(args.json, {"seconds": seconds, "heavy_libraries_loaded": loaded})


if __name__ == "__main__":
    main()
