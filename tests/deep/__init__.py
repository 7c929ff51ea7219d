"""Tests of the networks, on the engine that KERAS_BACKEND names."""
