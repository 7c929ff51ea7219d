"""The contract of extractors, as a function that plug-ins can run on their own."""

from __future__ import annotations

import pickle
import warnings
from typing import Any

import numpy as np
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

from classicvis.exceptions import ClassicVisError, ImageError
from classicvis.features import ImageExtractor
from classicvis.images import ImageSequence, as_images


def check_image_extractor(extractor: ImageExtractor, images: Any = None) -> None:
    """Check that an extractor keeps the contract that pipelines rely on.

    Parameters
    ----------
    extractor : ImageExtractor
        With parameters that suit the images; it is cloned and stays as it is.
    images : images, default=None
        At least three different pictures of one size, as anything that `as_images` accepts; None
        makes eight of 64 x 64 pixels, RGB.

    Raises
    ------
    AssertionError
        Naming the rule that is broken.

    Examples
    --------
    >>> from classicvis import HogExtractor
    >>> from classicvis.testing import check_image_extractor
    >>> check_image_extractor(HogExtractor())
    """
    sequence = as_images(_pictures() if images is None else images)
    for check in (
        _check_constructor_only_assigns,
        _check_must_be_fitted,
        _check_rows,
        _check_transform_changes_nothing,
        _check_set_params_equals_a_new_object,
        _check_threads,
        _check_input_is_untouched,
        _check_pickle,
        _check_flat_images,
        _check_marked_images,
        _check_refuses_what_is_no_image,
    ):
        check(clone(extractor), sequence)


def _pictures() -> list[np.ndarray]:
    """Blurred noise: like photos, it has structure at every scale."""
    rng = np.random.default_rng(0)
    coarse = rng.integers(0, 256, (8, 8, 8, 3))
    fine = np.repeat(np.repeat(coarse, 8, axis=1), 8, axis=2)
    noise = rng.integers(-20, 21, fine.shape)
    return list(np.clip(fine + noise, 0, 255).astype(np.uint8))


def _check_constructor_only_assigns(extractor: ImageExtractor, images: ImageSequence) -> None:
    params = extractor.get_params(deep=False)
    assert set(vars(extractor)) == set(params), "__init__ must assign its parameters and no more"
    copy = clone(extractor).get_params(deep=False)
    assert all(copy[name] is value or copy[name] == value for name, value in params.items()), (
        "clone must keep every parameter"
    )


def _check_must_be_fitted(extractor: ImageExtractor, images: ImageSequence) -> None:
    try:
        extractor.transform(images)
    except NotFittedError:
        return
    raise AssertionError("transform before fit must raise NotFittedError")


def _check_rows(extractor: ImageExtractor, images: ImageSequence) -> None:
    assert extractor.fit(images) is extractor, "fit must return self"
    rows = extractor.transform(images)
    assert isinstance(rows, np.ndarray), "transform must return an array"
    assert rows.shape == (len(images), extractor.n_features_out_), "one row per image"
    assert rows.dtype == np.float32, "rows must be float32"
    assert rows.flags.c_contiguous, "rows must be C-contiguous"
    assert np.isfinite(rows).all(), "rows must be finite"
    assert len(np.unique(rows, axis=0)) > 1, "different images must have different rows"
    names = extractor.get_feature_names_out()
    assert len(set(names)) == rows.shape[1], "feature names must be as many as features, unique"
    order = np.arange(len(images))[::-1]
    np.testing.assert_array_equal(
        extractor.transform(images[order]), rows[order], "row i must come from image i alone"
    )


def _check_transform_changes_nothing(extractor: ImageExtractor, images: ImageSequence) -> None:
    before = pickle.dumps(extractor.fit(images))
    first = extractor.transform(images)
    assert pickle.dumps(extractor) == before, "transform must not change the extractor"
    np.testing.assert_array_equal(extractor.transform(images), first, "transform must repeat")


def _check_set_params_equals_a_new_object(extractor: ImageExtractor, images: ImageSequence) -> None:
    params = extractor.get_params()
    used = type(extractor)().set_params(**params).fit(images)
    fresh = type(extractor)(**params).fit(images)
    np.testing.assert_array_equal(
        used.transform(images), fresh.transform(images), "set_params then fit must equal a new one"
    )


def _check_threads(extractor: ImageExtractor, images: ImageSequence) -> None:
    many = as_images(list(images) * 20)
    rows = [
        clone(extractor).set_params(n_jobs=n_jobs).fit(many).transform(many)
        for n_jobs in (None, 1, 2, 3)
    ]
    for other in rows[1:]:
        np.testing.assert_array_equal(other, rows[0], "rows must not depend on n_jobs")


def _check_input_is_untouched(extractor: ImageExtractor, images: ImageSequence) -> None:
    stack = np.stack([np.asarray(image) for image in images])
    read_only = stack.copy()
    read_only.flags.writeable = False
    reversed_twice = np.ascontiguousarray(stack[..., ::-1, :])[..., ::-1, :]
    expected = extractor.fit(images).transform(images)
    for X in (read_only, list(read_only), reversed_twice):
        np.testing.assert_array_equal(
            extractor.transform(X), expected, "read-only and strided input must give the same rows"
        )


def _check_pickle(extractor: ImageExtractor, images: ImageSequence) -> None:
    expected = extractor.fit(images).transform(images)
    copy = pickle.loads(pickle.dumps(extractor))
    np.testing.assert_array_equal(
        copy.transform(images), expected, "a pickled extractor must give the same rows"
    )


def _check_flat_images(extractor: ImageExtractor, images: ImageSequence) -> None:
    extractor.fit(images)
    flat = [np.full_like(images[0], value) for value in (0, 127, 255)]
    assert np.isfinite(extractor.transform(flat)).all(), "flat images must have finite rows"


def _check_marked_images(extractor: ImageExtractor, images: ImageSequence) -> None:
    extractor.fit(images)
    sources = [images[0], b"no image", images[1]]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        rows = extractor.transform(as_images(sources, on_error="mark"))
    assert np.isnan(rows[1]).all(), "the row of an unreadable image must be NaN"
    np.testing.assert_array_equal(
        rows[[0, 2]], extractor.transform(sources[::2]), "the other rows must stay aligned"
    )


def _check_refuses_what_is_no_image(extractor: ImageExtractor, images: ImageSequence) -> None:
    for X in ([b"no image"], []):
        try:
            extractor.fit(X)
        except ImageError:
            continue
        except ClassicVisError as error:
            raise AssertionError(f"expected an ImageError for {X!r}, found {error!r}") from error
        raise AssertionError(f"fit must raise ImageError for {X!r}")
