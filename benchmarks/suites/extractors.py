"""Every registered extractor on a batch of small photos: time, peak memory, digest of the rows."""

from __future__ import annotations

from classicvis.features import extractor_names, make_extractor

from . import photos, projection

PARAMS = {"bovw": {"n_words": 100, "max_samples": 20_000, "random_state": 0}}


class Extractor:
    """``transform`` of fitted extractors."""

    params = (extractor_names(), (1, 2))
    param_names = ("extractor", "n_jobs")
    timeout = 300
    n_images = 200

    def setup(self, name, n_jobs):
        self.images = photos(self.n_images, 96)
        self.extractor = make_extractor(name, **PARAMS.get(name, {})).fit(self.images[:50])
        self.extractor.set_params(n_jobs=n_jobs).transform(self.images[:2])

    def time_transform(self, name, n_jobs):
        self.extractor.transform(self.images)

    def peakmem_transform(self, name, n_jobs):
        self.extractor.transform(self.images)

    def track_digest(self, name, n_jobs):
        return projection(self.extractor.transform(self.images))

    track_digest.unit = "projection"
