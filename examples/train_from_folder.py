"""Train on a folder of photos, look at what the model scores, save it.

python examples/train_from_folder.py PHOTOS MODEL [REPORT]

PHOTOS has one folder per class. The scores come from cross-validation: every photo is judged by a
model that has not seen it.
"""

import sys

from classicvis import build_pipeline, cross_evaluate, load_image_folder, save_model


def main(folder: str, model_file: str, report: str | None = None) -> None:
    data = load_image_folder(folder, on_error="skip")
    print(data)
    for entry in data.skipped:
        print("left out:", entry.reason)

    model = build_pipeline(["hog", "color_histogram"], "svm", n_jobs=2, random_state=0)
    result = cross_evaluate(model, data.images, data.labels, cv=5)
    print(result.summary())
    if report:
        print("report:", result.save_report(report))

    model.fit(data.images, data.labels)
    print("model:", save_model(model, model_file, metrics=result))


if __name__ == "__main__":
    main(*sys.argv[1:])
