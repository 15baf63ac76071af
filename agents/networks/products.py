"""Products of matrices in compiled loops, as fast as the processor multiplies.

Libraries of linear algebra are made for large matrices, and of some processors they use half. Those
of a network of 32 numbers are small and many: here a tile of the result stays in registers while
the factors pass, and a call costs nothing. Import this module where it is used: it compiles.
"""

from typing import Any

import llvmlite.binding as llvm
import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from recsim_env.compiler.kernel_cache import compiled_freely


def _n_lanes() -> int:
    """Returns how many numbers of 32 bits this processor multiplies at once."""
    try:
        features = llvm.get_host_cpu_features()
    except RuntimeError:  # of some processors nothing is known
        return 8
    return 16 if features.get("avx512f") else 8


_LANES = _n_lanes()

# A tile is so many rows, and so many registers of columns.
_ROWS, _REGISTERS = 6, 2

_TILE = _LANES * _REGISTERS

_FLOAT, _INT, _INT32 = ir.FloatType(), ir.IntType(64), ir.IntType(32)
_VECTOR = ir.VectorType(_FLOAT, _LANES)
_MASK = ir.VectorType(ir.IntType(1), _LANES)
_ALIGNED = ir.Constant(_INT32, 4)
_ZEROS = ir.Constant(_VECTOR, [0.0] * _LANES)


def _number(value: int) -> ir.Constant:
    return ir.Constant(_INT, value)


class _Tile:
    """Writes the code of a tile, `n_rows` of a result; see `product`.

    Args:
      builder: where it is written.
      n_rows: of the tile.
      left: how many columns there are, from the first of the tile.
    """

    def __init__(self, builder: Any, n_rows: int, left: Any) -> None:
        self.builder, self.n_rows = builder, n_rows
        self.places = [(row, part) for row in range(n_rows) for part in range(_REGISTERS)]
        of_columns = ir.VectorType(_INT, _LANES)
        self.masks = [
            builder.icmp_signed(
                "<",
                ir.Constant(of_columns, [part * _LANES + lane for lane in range(_LANES)]),
                self.spread(left, of_columns),
            )
            for part in range(_REGISTERS)
        ]
        pointer, text = _VECTOR.as_pointer(), f"v{_LANES}f32"
        self._declared = {
            name: builder.module.declare_intrinsic(full, (), ir.FunctionType(result, given))
            for name, full, result, given in (
                ("load", f"llvm.masked.load.{text}.p0", _VECTOR, [pointer, _INT32, _MASK, _VECTOR]),
                (
                    "store",
                    f"llvm.masked.store.{text}.p0",
                    ir.VoidType(),
                    [_VECTOR, pointer, _INT32, _MASK],
                ),
                ("fma", f"llvm.fma.{text}", _VECTOR, [_VECTOR] * 3),
            )
        }

    def spread(self, value: Any, kind: Any) -> Any:
        """Returns a number in all lanes."""
        nothing = ir.Constant(kind, ir.Undefined)
        first = self.builder.insert_element(nothing, value, ir.Constant(_INT32, 0))
        lanes = ir.Constant(ir.VectorType(_INT32, _LANES), [0] * _LANES)
        return self.builder.shuffle_vector(first, nothing, lanes)

    def _at(self, address: Any, stride: Any, row: int, part: int, kind: Any) -> Any:
        """Returns where a part of a row begins."""
        offset = self.builder.add(
            self.builder.mul(stride, _number(row)), _number(4 * _LANES * part)
        )
        return self.builder.inttoptr(self.builder.add(address, offset), kind.as_pointer())

    def load(self, address: Any, stride: Any, row: int, part: int) -> Any:
        """Returns a part of a row, with zeros beyond its end."""
        place = self._at(address, stride, row, part, _VECTOR)
        return self.builder.call(
            self._declared["load"], [place, _ALIGNED, self.masks[part], _ZEROS]
        )

    def store(self, value: Any, address: Any, stride: Any, row: int, part: int) -> None:
        """Writes a part of a row, but nothing beyond its end."""
        place = self._at(address, stride, row, part, _VECTOR)
        self.builder.call(self._declared["store"], [value, place, _ALIGNED, self.masks[part]])

    def added(self, old: list[Any], a: Any, a_stride: Any, b: Any) -> list[Any]:
        """Returns a tile with the product of a column of a and a row of b."""
        rows = [self.load(b, _number(0), 0, part) for part in range(_REGISTERS)]
        factors = [
            self.spread(self.builder.load(self._at(a, a_stride, row, 0, _FLOAT)), _VECTOR)
            for row in range(self.n_rows)
        ]
        return [
            self.builder.call(self._declared["fma"], [factors[row], rows[part], sum_so_far])
            for (row, part), sum_so_far in zip(self.places, old, strict=True)
        ]


def _tile_of(n_rows: int) -> Any:
    """Returns the code of a tile of so many rows, for compiled loops."""

    @intrinsic
    def tile(context, a, a_row, a_column, b, b_row, out, out_row, n_inner, left, adds):  # type: ignore[no-untyped-def] # Numba reads the names
        """Multiplies into a tile; addresses, strides in bytes, sizes, and whether it adds."""

        def written(context: Any, builder: Any, signature: Any, given: Any) -> Any:
            a, a_row, a_column, b, b_row, out, out_row, n_inner, left, adds = given
            made = _Tile(builder, n_rows, left)
            before = builder.block
            reading, loop, end = map(builder.append_basic_block, ("reading", "loop", "end"))
            builder.cbranch(adds, reading, loop)
            builder.position_at_end(reading)
            old = [made.load(out, out_row, *place) for place in made.places]
            builder.branch(loop)
            builder.position_at_end(loop)
            counters = [builder.phi(_INT) for _ in range(3)]
            sums = [builder.phi(_VECTOR) for _ in made.places]
            _, column, row = counters
            new = made.added(sums, column, a_row, row)
            steps = zip(counters, (_number(1), a_column, b_row), strict=True)
            stepped = [builder.add(each, step) for each, step in steps]
            starts = [_number(0), a, b]
            for phi, zero, first, following in zip(
                [*counters, *sums],
                starts + [_ZEROS] * len(sums),
                starts + old,
                stepped + new,
                strict=True,
            ):
                phi.add_incoming(zero, before)
                phi.add_incoming(first, reading)
                phi.add_incoming(following, loop)
            builder.cbranch(builder.icmp_signed("<", stepped[0], n_inner), loop, end)
            builder.position_at_end(end)
            for value, place in zip(new, made.places, strict=True):
                made.store(value, out, out_row, *place)
            return context.get_dummy_value()

        return types.void(*[types.intp] * 9, types.boolean), written

    return tile


_tile, _row = _tile_of(_ROWS), _tile_of(1)


def _product(a: Any, b: Any, out: Any, adds: bool) -> None:
    """Writes the product of two matrices of 32-bit numbers, or adds it to what is there.

    Args:
      a: (n, m), of any strides: the transpose of an array, say.
      b: (m, k), whose rows are without gaps; m is 1 or more.
      out: (n, k), likewise; is written.
      adds: whether it is added.
    """
    n_rows, n_inner = a.shape
    n_columns, n_full = out.shape[1], n_rows - n_rows % _ROWS
    of_a, of_b, of_out = a.ctypes.data, b.ctypes.data, out.ctypes.data
    a_row, a_column = a.strides
    b_row, out_row = b.strides[0], out.strides[0]
    for column in range(0, n_columns, _TILE):
        b_here, out_here, left = of_b + 4 * column, of_out + 4 * column, n_columns - column
        for row in range(0, n_full, _ROWS):
            a_here, tile = of_a + row * a_row, out_here + row * out_row
            _tile(a_here, a_row, a_column, b_here, b_row, tile, out_row, n_inner, left, adds)
        for row in range(n_full, n_rows):
            a_here, tile = of_a + row * a_row, out_here + row * out_row
            _row(a_here, a_row, a_column, b_here, b_row, tile, out_row, n_inner, left, adds)


def _interpreted(a: Any, b: Any, out: Any, adds: bool) -> None:
    """As `_product`, where nothing is compiled."""
    out[...] = a @ b + (out if adds else np.float32(0.0))


_compiled = compiled_freely(_product)

product = _compiled if hasattr(_compiled, "py_func") else _interpreted  # NUMBA_DISABLE_JIT=1
