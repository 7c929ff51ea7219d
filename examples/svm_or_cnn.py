"""HOG, Fisher vectors, an embedding and a fine-tuned network as values of one parameter.

python examples/svm_or_cnn.py PHOTOS [BACKBONE WEIGHTS]

The backbone is MobileNetV2 with the weights that Keras downloads, unless others are given: a name
such as MobileNetV2-0.35, and "imagenet", "none" or a file.
"""

import sys

from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import Pipeline

from classicvis import CnnClassifier, CnnEmbedding, build_pipeline, load_image_folder


def main(folder: str, backbone: str = "MobileNetV2", weights: str | None = "imagenet") -> None:
    data = load_image_folder(folder)
    network = {"weights": None if weights == "none" else weights, "image_size": (96, 96)}
    models = {
        "HOG, SVM": build_pipeline("hog", "svm"),
        "Fisher vector, linear SVM": build_pipeline("fisher", "linear_svm", random_state=0),
        "embedding, SVM": build_pipeline(CnnEmbedding(backbone, **network), "svm"),
        "fine-tuned network": build_pipeline(
            None, CnnClassifier(backbone, **network, epochs=5, random_state=0)
        ),
    }
    model = Pipeline([("model", models["HOG, SVM"])])
    search = GridSearchCV(model, {"model": list(models.values())}, cv=3)
    search.fit(data.images, data.labels)
    results = search.cv_results_
    for name, score, seconds in zip(
        models, results["mean_test_score"], results["mean_fit_time"], strict=True
    ):
        print(f"{score:6.1%}  {seconds:6.1f} s  {name}")


if __name__ == "__main__":
    main(*sys.argv[1:])
