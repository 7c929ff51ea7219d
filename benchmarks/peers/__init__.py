"""Speed against scikit-image, OpenCV and NumPy: ``python -m benchmarks.peers``."""
