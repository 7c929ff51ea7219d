"""The report: one file that a real browser opens, sorts and filters."""

from __future__ import annotations

import html
import re
import shutil

import numpy as np
import pytest
from PIL import Image

from classicvis.comparison import compare
from classicvis.exceptions import ClassicVisError, ParameterError
from tests.comparison.conftest import FailsInOneFold, small

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(scope="module")
def report(models, digits, tmp_path_factory):
    """Return a written report on classes whose names need care."""
    X, y = digits
    names = {"0": "零", "1": "<script>alert(1)</script>", "2": "two & more"}
    found = compare(
        {**models, "fails": FailsInOneFold()},
        X,
        y,
        costs=False,
        groups=None,
        target_names=names,
    )
    folder = tmp_path_factory.mktemp("报告")
    return found, found.report(folder / "比较.html", title="A & B <i>")


@pytest.fixture(scope="module")
def browser():
    """Return a headless Chromium."""
    playwright = pytest.importorskip("playwright.sync_api")
    if CHROMIUM is None:
        pytest.skip("no Chromium on this machine")
    with playwright.sync_playwright() as started:
        running = started.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield running
        running.close()


@pytest.fixture
def page(browser, report):
    """Return the opened report; anything that it fetches or complains of fails the test."""
    opened = browser.new_page(viewport={"width": 1200, "height": 900})
    wrong = []
    opened.on("pageerror", lambda error: wrong.append(str(error)))
    opened.on("console", lambda message: wrong.append(message.text))
    opened.on("dialog", lambda dialog: (wrong.append(dialog.message), dialog.dismiss()))
    opened.on(
        "request",
        lambda request: (
            wrong.append(request.url) if not request.url.startswith(("file:", "data:")) else None
        ),
    )
    opened.goto(report[1].absolute().as_uri())
    yield opened
    assert wrong == []
    opened.close()


def test_one_file_with_everything(report):
    """No other file, no address of another place, names escaped, the failure told."""
    found, path = report
    assert [other.name for other in path.parent.iterdir()] == ["比较.html"]
    text = path.read_text("utf-8")
    assert not re.search(r"(src|href)=[\"']?https?:", text)
    assert "<script>alert" not in text
    assert "A &amp; B &lt;i&gt;" in text
    assert "no such image" in text
    assert "零" in text
    assert "<b>HOG, neighbours</b> cannot be told apart" in text
    assert found.verdict in html.unescape(re.sub("</?(b|wbr)>", "", text))


def test_sorting(page):
    """A click on a heading sorts by number, another one turns it; missing figures stay last."""
    rows = page.locator("#models tbody tr")
    first = page.locator("#models tbody th")
    heading = page.locator("#models thead th", has_text="accuracy")
    heading.locator("button").click()
    assert heading.get_attribute("aria-sort") == "descending"
    values = [float(rows.nth(i).locator("td").first.get_attribute("data-value")) for i in range(4)]
    assert values == sorted(values, reverse=True)
    assert first.nth(4).inner_text() == "fails"
    heading.locator("button").focus()
    page.keyboard.press("Enter")
    assert heading.get_attribute("aria-sort") == "ascending"
    assert first.nth(0).inner_text() == "guess"
    assert first.nth(4).inner_text() == "fails"


def test_filters(page, report):
    """The gallery shows what the filters ask for, and says how many that are."""
    found, _ = report
    shown = page.locator("figure:visible")
    n_all = shown.count()
    assert n_all > 200
    page.select_option("#wrong", label="HOG, 线性")
    wrong = ~found["HOG, 线性"].evaluation.correct
    assert shown.count() == wrong.sum()
    page.select_option("#right", label="HOG, neighbours")
    both = wrong & found["HOG, neighbours"].evaluation.correct
    assert shown.count() == both.sum() > 0
    assert page.inner_text("#count") == f"{both.sum()} of {n_all} shown."
    page.select_option("#right", index=0)
    page.select_option("#wrong", index=0)
    page.select_option("#true", label="零")
    guess = found["guess"].evaluation
    zeros = guess.y_true == "0"
    some = [~found[name].evaluation.correct for name in ("HOG, 线性", "HOG, neighbours", "pixels")]
    assert shown.count() == (zeros & (some[0] | some[1] | some[2] | ~guess.correct)).sum()


def test_on_a_phone_and_in_the_dark(browser, report, tmp_path):
    """Nothing is wider than the screen; the dark page is dark."""
    phone = browser.new_page(viewport={"width": 390, "height": 844}, color_scheme="dark")
    phone.goto(report[1].absolute().as_uri())
    assert phone.evaluate("document.documentElement.scrollWidth") <= 390
    phone.screenshot(path=tmp_path / "phone.png")
    with Image.open(tmp_path / "phone.png") as picture:
        assert picture.convert("L").resize((1, 1)).getpixel((0, 0)) < 90
    phone.close()


def test_nothing_half_written_stays(report, tmp_path):
    """A disk that takes no more is told in a sentence; the older report is as it was."""
    resource = pytest.importorskip("resource")
    found, _ = report
    path = tmp_path / "report.html"
    path.write_text("older")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, hard))
    try:
        with pytest.raises(ClassicVisError, match="the report cannot be written"):
            found.report(path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert path.read_text() == "older"
    assert [other.name for other in tmp_path.iterdir()] == ["report.html"]
    with pytest.raises(ClassicVisError, match="found a folder"):
        found.report(tmp_path)


def test_a_single_model_and_no_mistakes(tmp_path, digits):
    """The page has what there is."""
    X, y = digits
    easy = np.isin(y, ["0", "1"])
    found = compare([small()], X[easy], y[easy], cv=2, costs=False, groups=None)
    assert found.best.accuracy == 1.0
    text = found.report(tmp_path / "r.html").read_text("utf-8")
    assert "<p>None.</p>" in text
    assert "Is the difference real?" not in text


def test_plots(report):
    """Figures have a mark per model; costs that were not measured are asked for."""
    found, _ = report
    assert len(found.plot_accuracy().axes[0].get_yticklabels()) == 4
    assert found.plot_confusion_matrix("guess").axes
    figure = found.plot_disagreements("HOG, 线性", "pixels", n=3)
    assert len(figure.axes) == 3
    with pytest.raises(ParameterError, match="costs=True"):
        found.plot_pareto()
    with pytest.raises(ParameterError, match="expected one of"):
        found.plot_pareto("price")
