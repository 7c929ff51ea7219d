"""From a network's map of features to one row for the image."""

from __future__ import annotations

from itertools import product
from typing import Any

from classicvis.backbones.keras import load_keras
from classicvis.exceptions import ParameterError, unknown_name

POOLINGS = ("avg", "max", "gem", "flatten")


def pooled(model: Any, pooling: str, grid: tuple[int, int] = (1, 1)) -> Any:
    """Return a network from images to rows: the map of features, pooled over the image.

    Parameters
    ----------
    model : keras.Model
        From images to (None, rows, columns, channels); a network of rows stays as it is.
    pooling : {"avg", "max", "gem", "flatten"}
        The mean of each channel; its maximum; its generalised mean, the cube root of the mean of
        cubes [1]_; or all values of the map side by side.
    grid : (int, int), default=(1, 1)
        Rows and columns of regions that are pooled each on its own, and laid side by side row by
        row. Where the map cannot be divided evenly, neighbours share a row or column of it.

    Returns
    -------
    keras.Model
        From images to (None, n_features).

    Raises
    ------
    ParameterError
        For an unknown pooling, or a map that is no map or has fewer rows or columns than the grid.

    References
    ----------
    .. [1] Radenovic, Tolias and Chum, "Fine-tuning CNN image retrieval with no human annotation",
       TPAMI 41(7), 2019, DOI 10.1109/TPAMI.2018.2846566; with their initial exponent of 3.
    """
    if pooling not in POOLINGS:
        raise unknown_name("pooling", pooling, POOLINGS)
    keras = load_keras()
    features = model.output
    if features.ndim == 2:
        return model
    if features.ndim != 4:
        raise ParameterError(
            f"found a layer with output of shape {features.shape}, expected a map (None, rows, "
            "columns, channels) to pool, or rows; name another layer."
        )
    if pooling == "flatten":
        return keras.Model(model.input, keras.layers.Flatten()(features))
    _, n_rows, n_cols, _ = features.shape
    if grid[0] > n_rows or grid[1] > n_cols:
        raise ParameterError(
            f"grid={grid!r}: the map of features has {n_rows}x{n_cols} values only; take a smaller "
            "grid, a larger image_size or an earlier layer."
        )
    regions = [features]
    if max(grid) > 1:
        windows = product(_parts(n_rows, grid[0]), _parts(n_cols, grid[1]))
        crop = keras.layers.Cropping2D  # every file format holds layers, but not every one slices
        regions = [
            crop(((top, n_rows - bottom), (left, n_cols - right)))(features)
            for (top, bottom), (left, right) in windows
        ]
    blocks = [_summary(keras, region, pooling) for region in regions]
    rows = blocks[0] if len(blocks) == 1 else keras.layers.Concatenate()(blocks)
    return keras.Model(model.input, rows)


def with_mirror_image(model: Any) -> Any:
    """Return a network whose output is averaged over an image and its mirror image.

    A map of the mirror image is mirrored back, so that both are those of the same place.
    """
    keras = load_keras()
    flip = keras.ops.flip
    images = keras.Input(model.input_shape[1:], name="images")
    other = model(flip(images, 2))
    if other.ndim == 4:
        other = flip(other, 2)
    return keras.Model(images, keras.layers.Average()([model(images), other]))


def in_mixed_precision(model: Any) -> Any:
    """Return a copy of a network whose layers compute in float16, with weights of float32."""
    keras = load_keras()

    def mixed(operation: Any) -> Any:
        config = operation.get_config()
        if isinstance(operation, keras.Layer):  # and not an operation such as a slice
            config["dtype"] = "mixed_float16"
        return type(operation).from_config(config)

    copy = keras.models.clone_model(model, clone_function=mixed)
    copy.set_weights(model.get_weights())
    return copy


def _parts(length: int, n_parts: int) -> list[tuple[int, int]]:
    """Return the start and the end of each part of an axis."""
    return [(i * length // n_parts, -(-(i + 1) * length // n_parts)) for i in range(n_parts)]


def _summary(keras: Any, region: Any, pooling: str) -> Any:
    layers, ops = keras.layers, keras.ops
    if pooling == "gem":
        cubes = ops.power(ops.maximum(region, 1e-6), 3.0)
        return ops.power(layers.GlobalAveragePooling2D()(cubes), 1 / 3)
    if pooling == "max":
        return layers.GlobalMaxPooling2D()(region)
    return layers.GlobalAveragePooling2D()(region)
