"""A hint to the processor: this record will be read soon.

Items of a large catalogue lie anywhere in memory. Asking for them while the next candidate is still
being drawn hides most of the wait.
"""

from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

_CACHE_LINE = 64


@intrinsic
def prefetch(typing_context: Any, array: Any, index: Any) -> Any:
    """Asks for ``array[index]`` of a 1-D array of records; reads nothing and cannot fail."""
    size = array.dtype.size

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        view = context.make_array(array)(context, builder, arguments[0])
        pointer = cgutils.get_item_pointer(
            context, builder, array, view, [arguments[1]], wraparound=False
        )
        pointer = builder.bitcast(pointer, cgutils.voidptr_t)
        number = ir.IntType(32)
        hint = builder.module.declare_intrinsic(
            "llvm.prefetch",
            [cgutils.voidptr_t],
            ir.FunctionType(ir.VoidType(), [cgutils.voidptr_t, number, number, number]),
        )
        for offset in range(0, size, _CACHE_LINE):
            line = cgutils.pointer_add(builder, pointer, offset)
            builder.call(hint, [line, number(0), number(3), number(1)])
        return context.get_dummy_value()

    return types.void(array, index), generate
