"""The plots: what they show, in any script, for few classes and many."""

from __future__ import annotations

import io
import re
import sys
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import matplotlib
import numpy as np
import pytest
from matplotlib import font_manager
from matplotlib.figure import Figure
from matplotlib.text import Text

from classicvis.evaluation import evaluate
from classicvis.evaluation._fonts import CJK_FAMILIES, lettering
from classicvis.exceptions import ImageError, MissingDependencyError

CHINESE = ["零", "一", "二", "三", "四", "五", "六", "七", "八", "九"]


@pytest.fixture(scope="module")
def mistaken(weak, digits):
    """Return an evaluation with many mistakes, of a model with probabilities."""
    images, target = digits
    return evaluate(weak, images[60:], target[60:])


@pytest.fixture
def no_cjk_font(monkeypatch):
    """Make the fonts of this machine look as if none had Chinese characters."""
    monkeypatch.setattr("classicvis.evaluation._fonts.CJK_FAMILIES", ())


def drawn(figure):
    """Render as a file would be, which is when fonts speak up, and return all texts."""
    figure.savefig(io.BytesIO(), format="png", dpi=40)
    return [text.get_text() for text in figure.findobj(Text) if text.get_text()]


def test_confusion_matrix_shows_names_and_counts(mistaken):
    """The cells hold the counts, row by row, and the axes the names."""
    figure = mistaken.plot_confusion_matrix()
    ax = figure.axes[0]
    cells = [int(text.get_text()) for text in ax.texts]
    assert cells == mistaken.confusion_matrix.ravel().tolist()
    assert [label.get_text() for label in ax.get_yticklabels()] == list(mistaken.target_names)
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("predicted", "true")
    shades = ax.images[0].get_array()
    np.testing.assert_allclose(np.diag(shades), mistaken.recall)
    drawn(figure)


def test_confusion_matrix_in_axes_of_the_caller(mistaken):
    """Given axes are drawn into."""
    figure = Figure()
    ax = figure.subplots(1, 2)[1]
    assert mistaken.plot_confusion_matrix(ax) is figure
    assert ax.images


def test_many_classes_stay_readable(oracle):
    """With 102 classes every name is there, none overlaps the next, and cells have no numbers."""
    rng = np.random.default_rng(0)
    y = rng.integers(0, 102, 1000)
    probabilities = rng.dirichlet(np.ones(102), 1000)
    names = [f"flower of kind {i}" for i in range(102)]
    result = evaluate(oracle(range(102)), probabilities, y, target_names=names)
    figure = result.plot_confusion_matrix()
    ax = figure.axes[0]
    assert not ax.texts
    drawn(figure)
    assert ax.get_yticklabels()[57].get_text() == "flower of kind 57"
    boxes = [label.get_window_extent() for label in ax.get_yticklabels()]
    assert len(boxes) == 102
    assert all(a.y0 >= b.y0 + 0.5 * b.height for a, b in pairwise(boxes))


def test_thousand_classes_have_fewer_ticks(oracle):
    """With very many classes only some are named and the figure stays of a printable size."""
    result = evaluate(oracle(range(600)), np.eye(600), np.arange(600))
    figure = result.plot_confusion_matrix()
    assert len(figure.axes[0].get_yticks()) <= 150
    assert figure.get_size_inches().max() <= 25


def test_mistakes_show_true_predicted_and_confidence(mistaken, digits):
    """The first picture is the most confident mistake, with both names and the confidence."""
    figure = mistaken.plot_mistakes(n=5)
    first = mistaken.mistakes[0]
    title = figure.axes[0].get_title("left")
    assert f"true: {mistaken.y_true[first]}\n" in title
    assert f"predicted: {mistaken.y_pred[first]}\n" in title
    assert f"probability {mistaken.confidences[first]:.1%}" in title
    pictures = [ax.images[0].get_array() for ax in figure.axes if ax.images]
    assert len(pictures) == 5
    np.testing.assert_array_equal(pictures[0], digits[0][60 + first])
    drawn(figure)


def test_mistakes_with_other_pictures(mistaken, digits):
    """Pictures given by the caller are shown instead; a wrong number of them is refused."""
    figure = mistaken.plot_mistakes(images=255 - digits[0][60:], n=1)
    expected = 255 - digits[0][60 + mistaken.mistakes[0]]
    np.testing.assert_array_equal(figure.axes[0].images[0].get_array(), expected)
    with pytest.raises(ImageError, match="found 3 images, expected the 240"):
        mistaken.plot_mistakes(images=digits[0][:3])


def test_mistakes_without_pictures(oracle):
    """Where features were evaluated the places are grey, and no error comes."""
    result = evaluate(oracle(), np.eye(3), [1, 1, 2])
    assert any("true: 1" in text for text in drawn(result.plot_mistakes()))


def test_no_mistakes(oracle):
    """Without mistakes the figure says so."""
    figure = evaluate(oracle(), np.eye(3), [0, 1, 2]).plot_mistakes()
    assert drawn(figure) == ["No mistakes in 3 images"]


@pytest.mark.parametrize("plot", ["plot_confusion_matrix", "plot_mistakes"])
def test_chinese_names_without_a_font(weak, digits, plot, no_cjk_font):
    """Without a font the names become row numbers with a note: no boxes, no warnings."""
    images, target = digits
    names = ["zero", *CHINESE[1:]]
    result = evaluate(weak, images[60:], target[60:], target_names=names)
    texts = " ".join(drawn(getattr(result, plot)()))
    assert re.search(r"#[1-9]", texts)
    assert "row n" in texts
    assert not set("".join(CHINESE)) & set(texts)


@pytest.mark.parametrize("plot", ["plot_confusion_matrix", "plot_mistakes"])
def test_chinese_names_with_a_font(weak, digits, plot):
    """With a font that has them, Chinese names are written, and no glyph is missing."""
    if not set(CJK_FAMILIES) & set(font_manager.get_font_names()):
        pytest.skip("no font with Chinese characters is installed")
    images, target = digits
    result = evaluate(weak, images[60:], target[60:], target_names=CHINESE)
    texts = " ".join(drawn(getattr(result, plot)()))
    assert set("".join(CHINESE)) & set(texts)
    assert "#" not in texts


def test_names_are_text_and_no_formula():
    """Dollar signs and line breaks in names are shown, not interpreted; long names are cut."""
    written = lettering(["$x$", "a\nb", "w" * 99], width=20)
    assert written.names[:2] == ["$x$", "a b"]
    assert len(written.names[2]) == 20
    assert written.style["parse_math"] is False
    assert written.note == ""


def test_plots_in_threads_leave_no_global_state(mistaken):
    """Plots drawn in threads at once are all right, pyplot is not loaded and settings stay."""
    before = dict(matplotlib.rcParams)
    had_pyplot = "matplotlib.pyplot" in sys.modules
    with ThreadPoolExecutor(4) as pool:
        texts = list(pool.map(lambda _: drawn(mistaken.plot_mistakes(n=2)), range(4)))
    assert texts[0] == texts[1] == texts[2] == texts[3]
    assert dict(matplotlib.rcParams) == before
    assert ("matplotlib.pyplot" in sys.modules) == had_pyplot


def test_missing_matplotlib_is_named(mistaken, monkeypatch):
    """Without matplotlib the error names the package."""
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(MissingDependencyError, match="pip install matplotlib"):
        mistaken.plot_confusion_matrix()
