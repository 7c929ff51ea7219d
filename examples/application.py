"""An application that knows nothing of training: it loads a model file and names new photos.

python examples/application.py MODEL PHOTO...
"""

import sys

from classicvis import ClassicVisError, as_images, classify, load_model


def main(model_file: str, *photos: str) -> None:
    try:
        model = load_model(model_file)
    except ClassicVisError as error:
        sys.exit(f"no model: {error}")

    # "mark": one unreadable photo costs its own row and no other
    result = classify(model, as_images(photos, on_error="mark"))
    for photo, label in zip(photos, result.labels, strict=True):
        print(photo, "->", "unreadable" if label is None else label)


if __name__ == "__main__":
    main(*sys.argv[1:])
