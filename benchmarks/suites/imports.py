"""What it costs to import, and to call for the first time; every run is a fresh process."""

CALL = """
import numpy as np
from classicvis.functional import {name}
{name}(np.zeros((64, 64{channels}), np.uint8))
"""


class Import:
    """The lazy package, and its first rooms."""

    timeout = 120

    def timeraw_package(self):
        return "import classicvis"

    def timeraw_functional(self):
        return "import classicvis.functional"

    def timeraw_build_pipeline(self):
        return "from classicvis import build_pipeline"


class FirstCall:
    """A first call with imports, kernels from the disk cache."""

    params = ("hog", "dense_sift", "sift", "color_histogram")
    param_names = ("descriptor",)
    timeout = 300

    def timeraw_filled_cache(self, name):
        return CALL.format(name=name, channels=", 3" if name == "color_histogram" else "")
