"""Whole pipelines on the 200 face patches that scikit-image ships: fit, predict, save, load."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
from skimage import data

from classicvis import build_pipeline, load_model, save_model
from classicvis.classifiers import classifier_names


class Pipeline:
    """HOG and every registered classifier."""

    params = (classifier_names(),)
    param_names = ("classifier",)
    timeout = 300

    def setup(self, classifier):
        faces = (data.lfw_subset() * 255).astype(np.uint8)
        labels = np.repeat(["face", "other"], 100)
        order = np.random.default_rng(0).permutation(200)
        self.images, self.labels = faces[order], labels[order]
        self.model = self.fitted(classifier)
        self.folder = tempfile.TemporaryDirectory()
        self.path = Path(self.folder.name, "model.cvis")
        save_model(self.model, self.path)

    def teardown(self, classifier):
        self.folder.cleanup()

    def fitted(self, classifier):
        model = build_pipeline("hog", classifier, image_size=(48, 48), random_state=0)
        return model.fit(self.images[:150], self.labels[:150])

    def time_fit(self, classifier):
        self.fitted(classifier)

    def time_predict(self, classifier):
        self.model.predict(self.images)

    def time_predict_one(self, classifier):
        self.model.predict(self.images[:1])

    def time_load(self, classifier):
        load_model(self.path)

    def peakmem_fit(self, classifier):
        self.fitted(classifier)

    def track_accuracy(self, classifier):
        return float(self.model.score(self.images[150:], self.labels[150:]))

    track_accuracy.unit = "share of 50 test images"
