"""What holds for every registered extractor, and that the checker would see it broken."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.preprocessing import StandardScaler

from classicvis import (
    BagOfVisualWords,
    CnnEmbedding,
    ColorHistogramExtractor,
    FisherVector,
    GaborExtractor,
    HaralickExtractor,
    HogExtractor,
    LbpExtractor,
    MomentsExtractor,
    ParameterError,
    PatchDictionary,
    PyramidHog,
    Vlad,
)
from classicvis.features import EXTRACTORS, ExtractorUnion, extractor_names, make_extractor
from classicvis.features import _registry as registry
from classicvis.testing import check_image_extractor

VARIANTS = [
    HogExtractor(),
    HogExtractor(pixels_per_cell=(8, 8)),
    HogExtractor(9, (8, 8), (3, 3), "L1-sqrt", cell_step=(4, 4)),
    HogExtractor(variant="dalal_triggs"),
    HogExtractor(variant="uoctti"),
    ColorHistogramExtractor(),
    ColorHistogramExtractor(bins=4, color_space="hsv", joint=False, grid=(2, 2)),
    ColorHistogramExtractor(color_space="lab"),
    BagOfVisualWords(20, random_state=0),
    BagOfVisualWords(20, descriptor="sift", random_state=0),
    LbpExtractor(),
    LbpExtractor((1, 2.5), 12, "nri_uniform", grid=(2, 2), hellinger=False),
    HaralickExtractor(),
    HaralickExtractor((1,), (0, 1.5), 256, ("mean", "variance", "std", "ASM")),
    GaborExtractor((0.1, 0.3), 3),
    GaborExtractor((0.4,), 2, grid=(2, 3)),
    MomentsExtractor(),
    MomentsExtractor(hu=False, color_space="hsv", grid=(2, 2)),
    MomentsExtractor(color_space=None),
    PyramidHog(),
    PyramidHog(8, 2, signed=False),
    BagOfVisualWords(
        20, assignment="soft", n_components=16, whiten=True, layout=("1x1", "2x2"), random_state=0
    ),
    BagOfVisualWords(20, assignment="llc", pooling="max", kernel="chi2", random_state=0),
    Vlad(8, random_state=0),
    Vlad(8, normalization="power", color="opponent", layout=("1x1", "3x1"), random_state=0),
    FisherVector(8, random_state=0),
    FisherVector(8, normalization="power", descriptor="sift", n_components=None, random_state=0),
    PatchDictionary(24, stride=6, n_components=8, random_state=0),
    PatchDictionary(
        24, patch_size=(5, 9), stride=4, encoding="triangle", n_components=None, random_state=0
    ),
]


@pytest.mark.parametrize("extractor", VARIANTS, ids=repr)
def test_contract(extractor):
    """Every extractor keeps the contract of check_image_extractor."""
    check_image_extractor(extractor)


def test_every_registered_name_is_checked():
    """The variants above, and networks in tests/deep, cover the registry."""
    checked = {type(variant) for variant in VARIANTS} | {CnnEmbedding}
    assert {type(make_extractor(name)) for name in EXTRACTORS} == checked
    assert extractor_names() == sorted(EXTRACTORS)
    for variant in VARIANTS:
        assert variant.version >= 1
        assert variant.reference


class _Fickle(HogExtractor):
    """An extractor with one planted fault at a time."""

    fault = ""

    def transform(self, X):
        rows = super().transform(X)
        if self.fault == "dtype":
            return rows.astype(float)
        if self.fault == "order":
            return np.sort(rows, axis=0)
        if self.fault == "state":
            self.calls = getattr(self, "calls", 0) + 1
        if self.fault == "nan":
            return np.where(rows.sum(axis=1, keepdims=True) == 0, np.float32("nan"), rows)
        if self.fault == "zeros":
            return np.zeros_like(rows)
        if self.fault == "marked":
            return np.nan_to_num(rows)
        return rows


@pytest.mark.parametrize(
    ("fault", "rule"),
    [
        ("dtype", "float32"),
        ("order", "from image i alone"),
        ("state", "must not change"),
        ("nan", "flat images"),
        ("zeros", "different rows"),
        ("marked", "must be NaN"),
    ],
)
def test_the_checker_catches_planted_faults(fault, rule):
    """Each broken rule is found and named."""
    extractor = type("Fickle", (_Fickle,), {"fault": fault, "__init__": HogExtractor.__init__})
    globals()["Fickle"] = extractor  # so that it pickles
    extractor.__module__, extractor.__qualname__ = __name__, "Fickle"
    with pytest.raises(AssertionError, match=rule):
        check_image_extractor(extractor())


def test_unknown_name():
    """An unknown name proposes the nearest."""
    with pytest.raises(ParameterError, match="did you mean 'color_histogram'"):
        make_extractor("colour_histogram")


def test_plug_ins(monkeypatch):
    """An entry point adds a name; one that takes a name we have is an error."""
    from importlib.metadata import EntryPoint

    group = registry.ENTRY_POINT_GROUP
    plug_in = EntryPoint("edges", "classicvis.features.hog:HogExtractor", group)
    monkeypatch.setattr(registry, "entry_points", lambda group: [plug_in])
    assert "edges" in extractor_names()
    assert isinstance(make_extractor("edges", orientations=6), HogExtractor)
    clash = EntryPoint("hog", "their.package:Hog", group)
    monkeypatch.setattr(registry, "entry_points", lambda group: [clash])
    with pytest.raises(ParameterError, match="'hog' is registered twice"):
        make_extractor("edges")


def test_union_is_the_concatenation_of_unit_blocks(texture_tiles):
    """A union lays the rows of its extractors side by side, each scaled to unit length."""
    tiles = texture_tiles[0][:8]
    parts = [("hog", HogExtractor()), ("color", ColorHistogramExtractor(bins=4))]
    union = ExtractorUnion(parts, transformer_weights={"color": 0.5}).fit(tiles)
    rows = union.transform(tiles)
    expected = []
    for (_, extractor), weight in zip(parts, (1, 0.5), strict=True):
        block = extractor.fit(tiles).transform(tiles)
        expected.append(weight * block / np.linalg.norm(block, axis=1, keepdims=True))
    np.testing.assert_allclose(rows, np.hstack(expected), atol=1e-6)
    assert rows.dtype == np.float32
    assert len(union.get_feature_names_out()) == rows.shape[1]
    assert union.get_params()["hog__orientations"] is None


def test_union_decodes_every_image_once(texture_tiles):
    """Two extractors cost one decoding."""
    from classicvis import as_images

    calls = []
    images = as_images(texture_tiles[0][:5]).map(lambda image: calls.append(1) or image)
    union = ExtractorUnion([("a", HogExtractor()), ("b", ColorHistogramExtractor())]).fit(images)
    calls.clear()
    union.transform(images)
    assert len(calls) == 5


@pytest.mark.parametrize("kind", ["single", "union"])
def test_set_output(texture_tiles, kind):
    """Rows can come as a pandas frame with the names of the features."""
    pytest.importorskip("pandas")
    tiles = texture_tiles[0][:4]
    parts = [("hog", HogExtractor()), ("color", ColorHistogramExtractor(bins=4))]
    extractor = parts[0][1] if kind == "single" else ExtractorUnion(parts)
    expected = extractor.fit_transform(tiles)
    for frame in (
        extractor.set_output(transform="pandas").fit_transform(tiles),
        extractor.transform(tiles),
    ):
        assert list(frame.columns) == list(extractor.get_feature_names_out())
        np.testing.assert_array_equal(frame.to_numpy(), expected)


def test_union_takes_extractors_only(texture_tiles):
    """A transformer that is no extractor is named, with the way to join it."""
    union = ExtractorUnion([("hog", HogExtractor()), ("scaler", StandardScaler())])
    with pytest.raises(ParameterError, match=r"scaler: found StandardScaler.*FeatureUnion"):
        union.fit(texture_tiles[0][:3])
