"""Search over extractors and learners at once, with scikit-learn's own GridSearchCV.

python examples/grid_search.py PHOTOS
"""

import sys

from sklearn.ensemble import RandomForestClassifier
from sklearn.model_selection import GridSearchCV
from sklearn.svm import SVC

from classicvis import (
    BagOfVisualWords,
    ColorHistogramExtractor,
    HogExtractor,
    build_pipeline,
    load_image_folder,
)


def main(folder: str) -> None:
    data = load_image_folder(folder)
    grid = {
        "features": [
            HogExtractor(),
            ColorHistogramExtractor(color_space="hsv"),
            BagOfVisualWords(50, random_state=0),
        ],
        "classifier": [SVC(C=10), RandomForestClassifier(100, random_state=0)],
    }
    model = build_pipeline(image_size=(64, 64))
    search = GridSearchCV(model, grid, cv=3, n_jobs=2).fit(data.images, data.labels)
    rows = zip(search.cv_results_["mean_test_score"], search.cv_results_["params"], strict=True)
    for score, params in sorted(rows, key=lambda row: -row[0]):
        extractor, learner = (type(params[key]).__name__ for key in ("features", "classifier"))
        print(f"{score:6.1%}  {extractor} + {learner}")


if __name__ == "__main__":
    main(*sys.argv[1:])
