"""Which of 64 numbers exceed a limit, as the bits of one integer.

A loop that appends what exceeds a limit costs three cycles a number, however few do; compared 64 at
a time, only those that do cost anything. Loops cannot express it.
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
from llvmlite import ir
from numba.core import types
from numba.extending import intrinsic

LANES = 64


def _bits_above(row: np.ndarray, start: int, limit: float) -> np.uint64:
    """Return bit i set where ``row[start + i] > limit``, for 0 <= i < 64.

    The row is C-contiguous (n,), of the type of `limit`. Nothing is checked in compiled code.
    """
    return np.packbits(row[start : start + LANES] > limit, bitorder="little").view("<u8")[0]


def _lowest_bit(bits: np.uint64) -> int:
    """Return the number of the lowest bit that is set; there must be one."""
    return (int(bits) & -int(bits)).bit_length() - 1


def _count_bits(bits: np.uint64) -> int:
    """Return how many bits are set."""
    return int(bits).bit_count()


def _compare_vectors(typing_context: Any, row: Any, start: Any, limit: Any) -> Any:
    return types.uint64(row, types.intp, row.dtype), _generate_comparison


def _generate_comparison(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
    row, start, limit = arguments
    vector = ir.VectorType(limit.type, LANES)
    data = context.make_array(signature.args[0])(context, builder, row).data
    values = builder.load(
        builder.bitcast(builder.gep(data, [start]), vector.as_pointer()),
        align=limit.type.get_abi_size(context.target_data),
    )
    limits = builder.insert_element(
        ir.Constant(vector, ir.Undefined), limit, ir.Constant(ir.IntType(32), 0)
    )
    zeros = ir.Constant(ir.VectorType(ir.IntType(32), LANES), [0] * LANES)
    limits = builder.shuffle_vector(limits, ir.Constant(vector, ir.Undefined), zeros)
    return builder.bitcast(builder.fcmp_ordered(">", values, limits), ir.IntType(LANES))


def _count_zeros(typing_context: Any, bits: Any) -> Any:
    return types.intp(types.uint64), _generate_count


def _generate_count(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
    return builder.cttz(arguments[0], ir.Constant(ir.IntType(1), 1))


def _count_ones(typing_context: Any, bits: Any) -> Any:
    return types.intp(types.uint64), _generate_ones


def _generate_ones(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
    return builder.ctpop(arguments[0])


_JIT_OFF = getattr(numba.config, "DISABLE_JIT", False)
bits_above: Any = _bits_above if _JIT_OFF else intrinsic(_compare_vectors)
lowest_bit: Any = _lowest_bit if _JIT_OFF else intrinsic(_count_zeros)
count_bits: Any = _count_bits if _JIT_OFF else intrinsic(_count_ones)
