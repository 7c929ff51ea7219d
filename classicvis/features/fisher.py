"""Fisher vectors: how an image's descriptors would move a mixture of Gaussians."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from classicvis.features._base import check_choice
from classicvis.features._layout import Layout
from classicvis.features._local import NORMALIZATIONS, Floats, LocalEncoder, normalize_regions
from classicvis.features._mixture import fit_mixture
from classicvis.kernels.fisher import add_statistics, fisher_gradients, fisher_tables


class FisherVector(LocalEncoder):
    """Gradients of a mixture of Gaussians' log-likelihood at an image's descriptors.

    A mixture with diagonal covariances is learnt from a sample of descriptors. The row of an image
    says how means and standard deviations of its modes would have to move to suit the image's own
    descriptors better [1]_.

    Parameters
    ----------
    n_modes : int, default=128
        Gaussians of the mixture.
    normalization : {"intra", "power"}, default="intra"
        What keeps a few modes from drowning the others in a region: unit length for the gradients
        of each mean and of each standard deviation, as in VLAD [3]_, or signed square roots of
        all values [2]_. The region then gets unit length.
    descriptor : {"dense_sift", "sift"}, default="dense_sift"
        Descriptors on a regular grid, or at the keypoints that SIFT detects.
    step : float, default=4
        Pixels between descriptors of the grid.
    bin_size : float or sequence of float, default=(4, 6, 8, 12, 16, 24)
        Pixels of a spatial bin of the grid's descriptors, at least 1; 4 x 4 bins make one. Several
        sizes give a grid each, with modes in common.
    color : {"gray", "rgb", "opponent"}, default="gray"
        Describe the grey image; or several channels, their descriptors side by side: red, green
        and blue, or intensity and two opponent colours. "sift" takes "gray" only.
    min_norm : float, default=0.005
        Leave out descriptors of the grid whose norm before normalisation is above this in no
        channel, with intensities in [0, 1] (`functional.dense_sift`); 0 leaves out flat patches.
    root : bool, default=True
        Compare descriptors by the Hellinger kernel (RootSIFT).
    n_components : int or None, default=48
        Reduce descriptors to so many principal components; None keeps them as they are.
    whiten : bool, default=False
        Scale the components to unit variance (for Fisher vectors a
        change of units only).
    positions : bool, default=True
        Append its row and column, from -0.5 to 0.5 over the image, to each descriptor, so that
        modes have their place in the image.
    layout : str or sequence of str, default=("1x1", "3x1", "2x2")
        Spatial pyramid: grids, rows x columns, such as ``("1x1", "2x2")``. Every region of every
        grid has a part of the row.
    max_samples : int, default=200_000
        Descriptors that the mixture is learnt from, drawn evenly over all images: the bound of
        the memory that `fit` takes (512 bytes each, or 1536 in colour).
    n_jobs : int, default=None
        Threads over chunks of images; None means 1.
    random_state : int, RandomState or None, default=None
        For the sample and for the start of the mixture.

    Attributes
    ----------
    weights_ : ndarray of shape (n_modes,), float32
        Mixing weights.
    means_, variances_ : ndarray of shape (n_modes, d), float32
        Of the modes: d is 128 (384 in colour) or `n_components`, and 2 more with `positions`.
    components_ : ndarray of shape (n_components, 128 or 384), float32
        With `n_components`: the principal axes of descriptors, whitened if asked for.
    mean_ : ndarray of shape (128 or 384,), float32
        With `n_components`: the mean descriptor.

    Notes
    -----
    A row is region after region: the gradients for the means, mode after mode, then those for the
    standard deviations; ``2 * n_modes * d`` values for each region. As in VLFeat, and unlike
    scikit-image, there are none for the weights, and deviations that should grow have positive
    gradients. "intra" departs from [2]_: on images to learn from of Caltech-101 it was 3 points
    better. A region without descriptors is zero, and so is the row of an image without any (flat,
    or smaller than one descriptor).

    References
    ----------
    .. [1] Perronnin and Dance, "Fisher kernels on visual vocabularies for image categorization",
       CVPR 2007, DOI 10.1109/CVPR.2007.383266; positions: Sanchez, Perronnin and de Campos,
       "Modeling the spatial layout of images beyond spatial pyramids", Pattern Recognition
       Letters 33(16), 2012, DOI 10.1016/j.patrec.2012.07.019.
    .. [2] Perronnin, Sanchez and Mensink, "Improving the Fisher kernel for large-scale image
       classification", ECCV 2010, DOI 10.1007/978-3-642-15561-1_11.
    .. [3] Arandjelovic and Zisserman, "All about VLAD", CVPR 2013, DOI 10.1109/CVPR.2013.207.
    """

    version: ClassVar[int] = 1
    reference: ClassVar[str] = "skimage.feature.fisher_vector, to 1e-4"
    _size: ClassVar[str] = "n_modes"

    def __init__(
        self,
        n_modes: int = 128,
        *,
        normalization: str = "intra",
        descriptor: str = "dense_sift",
        step: float = 4,
        bin_size: float | Sequence[float] = (4, 6, 8, 12, 16, 24),
        color: str = "gray",
        min_norm: float = 0.005,
        root: bool = True,
        n_components: int | None = 48,
        whiten: bool = False,
        positions: bool = True,
        layout: str | Sequence[str] = ("1x1", "3x1", "2x2"),
        max_samples: int = 200_000,
        n_jobs: int | None = None,
        random_state: Any = None,
    ) -> None:
        self.n_modes = n_modes
        self.normalization = normalization
        self.descriptor = descriptor
        self.step = step
        self.bin_size = bin_size
        self.color = color
        self.min_norm = min_norm
        self.root = root
        self.n_components = n_components
        self.whiten = whiten
        self.positions = positions
        self.layout = layout
        self.max_samples = max_samples
        self.n_jobs = n_jobs
        self.random_state = random_state

    def _check_params(self) -> None:
        super()._check_params()
        check_choice("normalization", self.normalization, NORMALIZATIONS)

    def _n_values(self) -> int:
        return 2 * self.means_.size

    def _learn_words(self, descriptors: Floats, random_state: np.random.RandomState) -> None:
        self.weights_, self.means_, self.variances_ = fit_mixture(
            descriptors, self.n_modes, random_state
        )

    def _encode(self, descriptors: Floats, atoms: NDArray[np.intp], layout: Layout) -> Floats:
        mixture = self.weights_, self.means_, self.variances_
        n_modes, length = self.means_.shape
        statistics = np.zeros((layout.n_atoms, n_modes, 1 + 2 * length), np.float32)
        add_statistics(descriptors, atoms, fisher_tables(*mixture), statistics)
        gradients = fisher_gradients(layout.regions(statistics), *mixture, len(descriptors))
        gradients = gradients.reshape(layout.n_regions, 2 * n_modes, length)
        return normalize_regions(gradients, self.normalization)
