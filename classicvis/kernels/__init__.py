"""Numba kernels: pure functions on arrays, serial, without the GIL, ``out`` last."""
