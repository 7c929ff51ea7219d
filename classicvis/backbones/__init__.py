"""Networks: which ones there are, what they expect, and the one door to Keras."""
