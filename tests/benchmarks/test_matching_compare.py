"""Differences, verdicts, agreement and the command of `benchmarks.matching`."""

import json
import sys

import numba
import numpy as np
import pytest
from scipy import stats
from skimage import data

from benchmarks.matching import __main__ as command
from benchmarks.matching import _compare as compare
from benchmarks.matching._judge import Judgement
from benchmarks.matching._methods import METHODS, OPENCV, OURS, agreement, opencv, share_found
from benchmarks.matching._views import CASES

FOUND = {"keypoints": 9, "keypoints of OpenCV": 9, "share found": 1.0}
SHARE, COUNT = (Judgement._fields.index(name) for name in ("correct_share", "correct_matches"))


def scores_with(change, spread, n_photos=10):
    """Return scores where ours are OpenCV's plus a change that differs between photos."""
    rng = np.random.default_rng(0)
    theirs = rng.uniform(0.4, 0.9, (n_photos, len(CASES), len(Judgement._fields)))
    by_photo = rng.normal(size=n_photos)
    by_photo = change + spread * (by_photo - by_photo.mean()) / by_photo.std()
    return {OPENCV: theirs, OURS: theirs + by_photo[:, np.newaxis, np.newaxis]}


@pytest.mark.parametrize(
    ("change", "spread", "verdict"),
    [
        (0.0, 0.001, "not below"),
        (-0.002, 0.003, "not below"),
        (0.02, 0.01, "not below"),
        (-0.02, 0.01, "BELOW"),
        (-0.002, 0.0001, "BELOW"),
        (-0.002, 0.02, "undecided"),
        (0.002, 0.02, "undecided"),
    ],
)
def test_verdicts(change, spread, verdict):
    """Certainly less is below, however little; what may be half a point less is undecided."""
    for transformation in (None, "blur"):
        found = compare.differences(scores_with(change, spread), OURS, transformation)[SHARE]
        assert found.mean == pytest.approx(change, abs=1e-12)
        assert found.verdict == verdict


def test_intervals_are_those_of_the_paired_t_test():
    """The confidence interval is scipy's."""
    values = np.random.default_rng(1).normal(0.1, 1, 9)
    expected = stats.ttest_1samp(values, 0).confidence_interval(0.95)
    found = compare.paired_difference(values)
    np.testing.assert_allclose(found, (values.mean(), *expected), rtol=1e-12)


def test_numbers_of_matches_are_compared_as_ratios():
    """A fifth more correct matches on every photo is 0.2."""
    scores = scores_with(0, 0)
    scores[OURS][:, :, COUNT] *= 1.2
    assert compare.differences(scores, OURS)[COUNT] == pytest.approx((0.2, 0.2, 0.2))


def test_undefined_shares_are_left_out():
    """A view without matches leaves the difference of the others."""
    scores = scores_with(0.01, 0)
    scores[OURS][3, 5, SHARE] = np.nan
    assert compare.differences(scores, OURS)[SHARE].mean == pytest.approx(0.01)
    assert np.isfinite(compare.means(scores)[OURS]).all()


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ((0, 0.9, 0), 1),
        ((0, 1.1, 0), 0),
        ((0.8, 0.8, 0), 0),
        ((0, 0, 9), 1),
        ((0, 0, -9), 1),
        ((0, 0, 11), 0),
        ((0, 0, 360), 1),
    ],
)
def test_keypoints_agree_within_a_pixel_and_ten_degrees(change, expected):
    """Row, column and degrees of a grid of keypoints changed by less or more than allowed."""
    grid = np.mgrid[10:100:20, 10:100:20].reshape(2, -1).T
    wanted = np.column_stack([grid, np.full(len(grid), 2.0), np.linspace(0, 6.2, len(grid))])
    row, column, degrees = change
    assert share_found(wanted + (row, column, 0, np.deg2rad(degrees)), wanted) == expected


def test_keypoints_agree_within_ten_percent_of_scale_and_once():
    """9 % larger or smaller is found, 11 % is not; one keypoint is not two."""
    wanted = np.array([[10, 10, 2, 1.0], [50, 50, 2, 1.0]])
    for factor, expected in ((1.09, 1), (1 / 1.09, 1), (1.11, 0), (1 / 1.11, 0)):
        assert share_found(wanted * (1, 1, factor, 1), wanted) == expected
    twice = np.repeat(wanted[:1], 2, axis=0)
    assert share_found(wanted, twice) == 0.5


def test_opencv_is_read_in_our_units():
    """A round blob lies at its row and column, with its sigma as the scale."""
    rows, columns = np.indices((80, 120))
    disc = 200 * np.exp(-((rows - 30) ** 2 + (columns - 70) ** 2) / (2 * 6**2))
    keypoints = opencv(disc.astype(np.uint8)).keypoints
    row, column, scale, orientation = keypoints[np.argmax(keypoints[:, 2])]
    assert (row, column) == pytest.approx((30, 70), abs=0.5)
    assert scale == pytest.approx(6, rel=0.15)
    assert 0 <= orientation <= 2 * np.pi


@pytest.mark.skipif(numba.config.DISABLE_JIT, reason="slow when the kernels are interpreted")
@pytest.mark.parametrize("setting", compare.SETTINGS, ids=str)
def test_settings_mean_the_same_to_both(setting):
    """On a piece of a photo, every setting finds OpenCV's keypoints."""
    found = agreement(np.ascontiguousarray(data.gravel()[:120, :120]), **setting)
    assert found["keypoints of OpenCV"] > 20
    assert found["share found"] >= compare.LEAST_FOUND


def test_the_command_finds_no_difference_of_a_method_to_itself(tmp_path, monkeypatch, capsys):
    """With OpenCV under every name: tables, results file, plot, and differences of zero."""
    pieces = {name: getattr(data, name)()[:100, :120] for name in ("coins", "grass", "gravel")}
    monkeypatch.setattr(command, "photos", lambda: pieces)
    monkeypatch.setattr(command, "pin_to_one_core", lambda: None)
    for name in METHODS:
        monkeypatch.setitem(METHODS, name, opencv)
    monkeypatch.setattr(compare, "agreement", lambda photo, **setting: FOUND)
    results, plot = tmp_path / "results.json", tmp_path / "plot.png"
    monkeypatch.setattr(sys, "argv", ["matching", "--json", str(results), "--plot", str(plot)])
    command.main()
    figures = json.loads(results.read_text())["figures"]
    for by_title in figures["differences to OpenCV"].values():
        for row in (row for by_measure in by_title.values() for row in by_measure.values()):
            assert row == {"mean": 0, "low": 0, "high": 0, "verdict": "not below"}
    assert figures["means"]["JPEG"]["90"][OURS]["repeatability"] > 0.5
    assert plot.read_bytes().startswith(b"\x89PNG")
    printed = capsys.readouterr().out
    assert printed.count("not below\n") == 2 * 4 * 7  # methods, measures, transformations and all
    assert "at least 95% found on every photo: met" in printed
