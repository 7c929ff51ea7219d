"""Colour spaces of the colour histogram: OpenCV's 8-bit conversions, value for value.

OpenCV computes in fixed point. The same numbers come out of float32 here, because whatever OpenCV
rounds is a multiple of a power of two that fits into 24 bits: sums and products of such values are
exact. In float32 the loops vectorise.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from classicvis.kernels._jit import kernel

u8, u16, i32, f32 = np.uint8, np.uint16, np.int32, np.float32

COLOR_SPACES = {"rgb": 0, "hsv": 1, "lab": 2}
"""Numbers of the spaces: RGB itself, OpenCV's COLOR_RGB2HSV_FULL and its COLOR_RGB2LAB."""
HSV, LAB = COLOR_SPACES["hsv"], COLOR_SPACES["lab"]


def _linear_light() -> npt.NDArray[np.float32]:
    """Return linear light, 0 to 2040, of the 256 values of an sRGB channel."""
    x = np.arange(256) / 255
    light = np.where(x <= 0.04045, x / 12.92, ((x + 0.055) / 1.055) ** 2.4)
    return np.rint(f32(2040) * light.astype(f32))


def _lab_f() -> npt.NDArray[np.float32]:
    """Return the function f of CIE Lab at X, Y or Z over white, 0 to 2040, in steps of 2**-15."""
    t = np.arange(2041) / 2040
    f = np.where(t > 216 / 24389, np.cbrt(t), t * (841 / 108) + 16 / 116)
    return np.rint(f.astype(f32) * f32(2**15)) / f32(2**15)


def _rgb_to_xyz() -> npt.NDArray[np.float32]:
    """Return the matrix from linear sRGB to XYZ over white (D65), in steps of 2**-12."""
    x, y = [0.412453, 0.357580, 0.180423], [0.212671, 0.715160, 0.072169]
    z, white = [0.019334, 0.119193, 0.950227], [[0.950456], [1.0], [1.088754]]
    return (np.rint(np.array([x, y, z]) / white * 2**12) / 2**12).astype(f32)


_LIGHT, _F, _XYZ = _linear_light(), _lab_f(), _rgb_to_xyz()


# A fused multiply-add rounds once where two steps round twice; what is exact stays the same.
@kernel(error_model="numpy", fastmath={"contract"})
def split_channels(samples, n, space, first, second, third):
    """Convert ``n`` RGB pixels, channels interleaved, to three arrays of channels of a space.

    One function for all spaces, as each function more costs compile time. Tests compare all
    256**3 colours with OpenCV.
    """
    half = f32(0.5)
    if space == HSV:
        # saturation = 255 * chroma / value and hue = 256 / 6 * arc / chroma. OpenCV takes
        # 255 / value and 256 / (6 * chroma) from tables rounded to multiples of 2**-12: adding and
        # taking away 3072 rounds so, as float32 has steps of 2**-12 from 2048 to 4096. Both come
        # from one division: they lie at least 2**-13 / value and 2**-13 / (3 * chroma) from a tie,
        # four times the error of the products. The tiny summand keeps grey finite.
        unit = f32(3072)
        for x in range(n):
            r, g, b = samples[3 * x], samples[3 * x + 1], samples[3 * x + 2]
            v = r if r > g else g
            v = v if v > b else b
            low = r if r < g else g
            low = low if low < b else b
            red, green, blue, value, chroma = f32(r), f32(g), f32(b), f32(v), f32(u8(v - low))
            arc = blue - red + f32(2) * chroma if g == v else red - green + f32(4) * chroma
            arc = green - blue if r == v else arc
            ratio = f32(255) / (value * chroma + f32(1e-20))
            per_value = (ratio * chroma + unit) - unit
            per_chroma = (ratio * value * f32(256 / 6 / 255) + unit) - unit
            first[x] = u8(i32(arc * per_chroma + f32(256.5)))  # a turn is 256
            second[x] = i32(chroma * per_value + half)
            third[x] = v
    elif space == LAB:
        # L = 255 / 100 * (116 * f(Y) - 16), with factor and shift as OpenCV rounds them,
        # a = 500 * (f(X) - f(Y)) + 128 and b = 200 * (f(Y) - f(Z)) + 128.
        shift = f32(0.5 - 1336934 / 2**15)
        for x in range(n):
            red, green = _LIGHT[samples[3 * x]], _LIGHT[samples[3 * x + 1]]
            blue = _LIGHT[samples[3 * x + 2]]
            fx = _F[u16(_XYZ[0, 0] * red + _XYZ[0, 1] * green + _XYZ[0, 2] * blue + half)]
            fy = _F[u16(_XYZ[1, 0] * red + _XYZ[1, 1] * green + _XYZ[1, 2] * blue + half)]
            fz = _F[u16(_XYZ[2, 0] * red + _XYZ[2, 1] * green + _XYZ[2, 2] * blue + half)]
            first[x] = i32(f32(296) * fy + shift)
            second[x] = i32(f32(500) * (fx - fy) + f32(128.5))
            third[x] = i32(f32(200) * (fy - fz) + f32(128.5))
    else:
        for x in range(n):
            first[x] = samples[3 * x]
            second[x] = samples[3 * x + 1]
            third[x] = samples[3 * x + 2]
