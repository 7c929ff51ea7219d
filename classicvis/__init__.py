"""classicvis: classical and deep image classification in one scikit-learn pipeline.

The public names are listed in ``__init__.pyi`` and loaded on first use, so that importing the
package imports neither numba, OpenCV, scikit-image, scikit-learn nor Keras.
"""

import lazy_loader

from classicvis._version import __version__

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
__all__ += ["__version__"]
