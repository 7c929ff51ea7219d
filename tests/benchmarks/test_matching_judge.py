"""The judge of `benchmarks.matching`: known answers, and planted faults that it must see."""

import cv2
import numpy as np
import pytest

from benchmarks.matching._judge import (
    ROWS_AT_ONCE,
    Features,
    count_one_to_one,
    judge,
    project,
    ratio_matches,
    repeatability,
    visible,
)

SHAPE = (300, 400)
TILTED = np.array([[1.1, 0.2, 10.0], [-0.1, 0.9, 60.0], [4e-4, -2e-4, 1.0]])
SHAPES = (SHAPE, (600, 600))  # of a photo and its tilted view: everything is visible


def random_keypoints(n, seed=0):
    """Return keypoints all over the photo, with scales of 2 to 6 pixels."""
    rng = np.random.default_rng(seed)
    return rng.uniform((0, 0, 2, 0), (*SHAPE, 6, 2 * np.pi), (n, 4))


def moved(keypoints, rows=0.0, scale=1.0):
    """Return the keypoints further down, and larger."""
    return keypoints * (1, 1, scale, 1) + (rows, 0, 0, 0)


@pytest.fixture(scope="module")
def pair():
    """Features of a photo, and the same as they appear in its tilted view."""
    keypoints = random_keypoints(400)
    descriptors = np.random.default_rng(1).normal(size=(400, 128)).astype(np.float32)
    seen = np.column_stack([project(keypoints, TILTED), keypoints[:, 3]])
    return Features(keypoints, descriptors), Features(seen, descriptors)


def test_positions_are_projected_as_by_opencv():
    """Rows and columns go through the homography of (x, y)."""
    keypoints = random_keypoints(50)
    expected = cv2.perspectiveTransform(keypoints[np.newaxis, :, 1::-1], TILTED)[0]
    np.testing.assert_allclose(project(keypoints, TILTED)[:, 1::-1], expected, rtol=1e-12)


def test_scales_grow_with_the_root_of_the_area():
    """A small square around the keypoint has the squared growth as its area in the view."""
    half = 0.01
    for keypoint in random_keypoints(20):
        row, column = keypoint[:2]
        corners = [(row - half, column - half), (row - half, column + half)]
        corners += [(row + half, column + half), (row + half, column - half)]
        square = project(np.array([(*corner, 1.0, 0.0) for corner in corners]), TILTED)
        area = cv2.contourArea(((square[:, :2] - square[0, :2]) / half).astype(np.float32)) / 4
        growth = project(keypoint[np.newaxis], TILTED)[0, 2] / keypoint[2]
        assert growth**2 == pytest.approx(area, rel=1e-3)


def test_visible_keypoints_lie_on_the_pixels_of_the_other_image():
    """Half a pixel beyond the outermost centres is inside, more is not."""
    keypoints = np.array([[-0.4, 5, 1, 0], [-0.6, 5, 1, 0], [9.4, 19.4, 1, 0], [5, 19.6, 1, 0]])
    assert visible(keypoints, np.eye(3), (10, 20)).tolist() == [True, False, True, False]


def test_the_same_points_are_all_repeated():
    """Points mapped to a view and back are the same points."""
    keypoints = random_keypoints(400)
    back = project(project(keypoints, TILTED), np.linalg.inv(TILTED))
    assert repeatability(keypoints, back) == 1


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"rows": 1.4}, 1),
        ({"rows": 1.6}, 0),
        ({"scale": 1.28}, 1),  # 1 / 1.28 ** 2 is 0.61
        ({"scale": 1.30}, 0),  # 0.59
        ({"scale": 1 / 1.28}, 1),
        ({"scale": 1 / 1.30}, 0),
    ],
)
def test_the_limits_of_correspondence(change, expected):
    """1.5 pixels and 60 % of the area, for points that are far from each other."""
    grid = np.mgrid[20:300:40, 20:400:40].reshape(2, -1).T
    keypoints = np.column_stack([grid, np.full(len(grid), 3.0), np.zeros(len(grid))])
    assert repeatability(keypoints, moved(keypoints, **change)) == expected


def test_repeatability_is_of_the_smaller_number():
    """Half the points found again are all of the view's; none at all is zero."""
    keypoints = random_keypoints(100)
    assert repeatability(keypoints, keypoints[:50]) == 1
    assert repeatability(keypoints[:50], np.concatenate([keypoints[:25], keypoints[50:75]])) == 0.5
    assert repeatability(keypoints, keypoints[:0]) == 0


def test_shifted_points_are_repeated_by_chance_only():
    """With 20 pixels between the images, as few correspond as of unrelated points."""
    keypoints = random_keypoints(2000)
    shifted = repeatability(keypoints, moved(keypoints, rows=20))
    unrelated = repeatability(keypoints, random_keypoints(2000, seed=9))
    assert unrelated < 0.1
    assert shifted == pytest.approx(unrelated, abs=0.03)


def test_orientations_of_a_point_count_once():
    """A point with three orientations is one point."""
    keypoints = random_keypoints(10)
    turned = np.concatenate([keypoints] + [keypoints[:5] + (0, 0, 0, k) for k in (1, 2)])
    assert repeatability(turned, keypoints[5:]) == 1
    assert repeatability(turned, np.concatenate([keypoints[5:], moved(keypoints[:5], 50)])) == 0.5


def test_pairs_are_one_to_one():
    """One point close to three others repeats one of them; a chain is paired best."""
    crowd = np.array([[10, 10, 3, 0], [10, 10.5, 3, 0], [10, 11, 3, 0]])
    others = np.array([[10, 10, 3, 0], [90, 10, 3, 0], [50, 10, 3, 0]])
    assert repeatability(crowd, others) == pytest.approx(1 / 3)
    assert count_one_to_one(np.array([0, 0, 1]), np.array([0, 1, 0])) == 2


def test_ratio_matches_are_those_of_opencv():
    """The same matches as by ``BFMatcher.knnMatch`` and the ratio of distances."""
    rng = np.random.default_rng(2)
    others = rng.random((700, 128), np.float32)
    noise = rng.uniform(0, 0.9, (ROWS_AT_ONCE + 200, 1)) * rng.normal(size=(1, 128))
    descriptors = (others[rng.integers(0, 700, len(noise))] + noise).astype(np.float32)
    nearest = cv2.BFMatcher(cv2.NORM_L2).knnMatch(descriptors, others, k=2)
    expected = [(m.queryIdx, m.trainIdx) for m, n in nearest if m.distance < 0.8 * n.distance]
    assert 100 < len(expected) < len(descriptors) - 100
    assert list(zip(*ratio_matches(descriptors, others), strict=True)) == expected


@pytest.mark.parametrize("n", [0, 1])
def test_without_a_second_nearest_there_is_no_match(n):
    """The ratio needs two descriptors to choose from."""
    descriptors = np.ones((3, 128), np.float32)
    assert [len(part) for part in ratio_matches(descriptors, descriptors[:n])] == [0, 0]
    assert [len(part) for part in ratio_matches(descriptors[:0], descriptors)] == [0, 0]


def test_a_perfect_method_gets_full_marks(pair):
    """Everything is repeated and matched."""
    result = judge(*pair, TILTED, SHAPES)
    assert result == (1, 1, 1, 400)


def test_shares_of_known_faults(pair):
    """A fourth of the descriptors swapped: wrong matches; half of them alike: no matches."""
    photo, view = pair
    swapped = photo.descriptors.copy()
    swapped[:100] = np.roll(swapped[:100], 1, axis=0)
    result = judge(photo, Features(view.keypoints, swapped), TILTED, SHAPES)
    assert result == pytest.approx((1, 0.75, 0.75, 300), abs=0.02)
    alike = photo.descriptors.copy()
    alike[:200] = 1
    result = judge(
        Features(photo.keypoints, alike), Features(view.keypoints, alike), TILTED, SHAPES
    )
    assert result == (1, 1, 0.5, 200)


def test_matches_are_correct_within_three_pixels_of_the_view(pair):
    """2.9 pixels off all are correct, 3.1 pixels off none."""
    photo, view = pair
    for rows, expected in ((2.9, 1), (3.1, 0)):
        off = Features(moved(view.keypoints, rows), view.descriptors)
        assert judge(photo, off, TILTED, SHAPES).correct_share == expected


def test_a_wrong_homography_leaves_nothing_correct(pair):
    """The same features under another homography: chance."""
    turned = np.diag([-1.0, -1.0, 1.0])
    turned[:2, 2] = SHAPE[1], SHAPE[0]
    result = judge(*pair, turned, SHAPES)
    assert result.repeatability < 0.05
    assert result.correct_share < 0.02
    assert result.matching_score < 0.02


def test_only_the_common_part_of_the_scene_counts(pair):
    """Keypoints that the other image does not show change nothing, though described alike."""
    photo, view = pair
    middle = (200, 200)
    inside = visible(photo.keypoints, TILTED, middle)
    assert 50 < inside.sum() < 350
    shared = photo.descriptors[inside]
    cut_off = photo.descriptors.copy()
    cut_off[~inside] = np.resize(shared, (np.sum(~inside), 128))
    mirrored = np.tile([5.0, 0.0, 4.0, 0.0], (90, 1))
    mirrored[:, 1] = np.linspace(20, 180, 90)
    assert not visible(mirrored, np.linalg.inv(TILTED), SHAPE).any()
    result = judge(
        Features(photo.keypoints, cut_off),
        Features(
            np.concatenate([view.keypoints[inside], mirrored]),
            np.concatenate([shared, np.resize(shared, (90, 128))]),
        ),
        TILTED,
        (SHAPE, middle),
    )
    assert result == (1, 1, 1, inside.sum())


def test_nothing_found_is_defined(pair):
    """Without keypoints nothing is repeated, and the share of no matches is undefined."""
    photo, _ = pair
    nothing = Features(photo.keypoints[:0], photo.descriptors[:0])
    result = judge(photo, nothing, TILTED, SHAPES)
    assert (result.repeatability, result.matching_score, result.correct_matches) == (0, 0, 0)
    assert np.isnan(result.correct_share)
