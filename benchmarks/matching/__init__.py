"""SIFT judged by what it is for: the same points found again, and matched, in changed photos.

``python -m benchmarks.matching [--json FILE] [--plot FILE]``: `classicvis.functional.sift`, plain
and as RootSIFT, against ``cv2.SIFT_create()`` with equal settings. Photos that ship with
scikit-image and scikit-learn are turned, tilted, zoomed, blurred, disturbed and compressed; the
homography from photo to view is known. Then, per photo and setting, the share of OpenCV's keypoints
that are found.

Measures, all over the part of the scene that both images show
---------------------------------------------------------------
repeatability
    Pairs of points that correspond, divided by the smaller number of points [1]_. Two points
    correspond if, mapped onto the photo, they lie within 1.5 pixels and their circles overlap by
    more than 60 % when centred on each other, which is the definition for scale-invariant points
    [2]_. The overlap of [1]_, of regions enlarged to a radius of 30 pixels, would let points 12
    pixels apart correspond, and on a photo full of points nearly all would by chance [3]_. A
    point takes part in one pair at most; several orientations of it count once.
share of correct matches
    A descriptor of the photo is matched to the nearest one of the view if the second nearest is
    at least 1 / 0.8 times as far [4]_. A match is correct if it lies within 3 pixels of the
    keypoint's place in the view. The share is that of the matches; without any it is undefined and
    left out of means.
matching score
    Correct matches, divided by the smaller number of keypoints [1]_.
correct matches
    Their number; compared as the ratio of totals.

Both methods see the same views, so differences are paired: the photos are the sample, each with
its mean over the views, and the interval is Student's, 95 %. A measure is "below" OpenCV's if the
whole interval is under zero; "not below" if it is not and excludes a loss of half a point (of
matches: half a per cent); else "undecided". RootSIFT is an option that OpenCV lacks; taken of its
descriptors by hand, it would raise OpenCV's figures as well.

References
----------
.. [1] Mikolajczyk et al., "A comparison of affine region detectors", IJCV 65, 2005,
   DOI 10.1007/s11263-005-3848-x.
.. [2] Mikolajczyk and Schmid, "Scale and affine invariant interest point detectors", IJCV 60(1),
   2004, DOI 10.1023/B:VISI.0000027790.02288.f2.
.. [3] Rey-Otero, Delbracio and Morel, "Comparing feature detectors: a bias in the repeatability
   criteria, and how to correct it", 2014, arXiv 1409.2465.
.. [4] Lowe, "Distinctive image features from scale-invariant keypoints", IJCV 60(2), 2004,
   DOI 10.1023/B:VISI.0000029664.99615.94.
"""
