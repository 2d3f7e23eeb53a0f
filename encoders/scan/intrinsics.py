"""Sixty-four bytes at a time: which of them are letters, digits, white space, and so on."""

from typing import Any

import llvmlite.ir as ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

_BYTE = ir.IntType(8)
_VECTOR = ir.VectorType(_BYTE, 64)


def _splat(value: int) -> Any:
    return ir.Constant(_VECTOR, [ir.Constant(_BYTE, value)] * 64)


def _between(builder: Any, block: Any, low: int, high: int) -> Any:
    offset = builder.sub(block, _splat(low))
    return builder.icmp_unsigned("<=", offset, _splat(high - low))


def _equal(builder: Any, block: Any, byte: str) -> Any:
    return builder.icmp_unsigned("==", block, _splat(ord(byte)))


@intrinsic
def ascii_masks(typingctx: Any, text: Any, position: Any) -> Any:
    """``ascii_masks(text, p)`` → ten uint64; bit i of each tells of the byte ``text[p + i]``.

    In order: upper-case letter, lower-case letter, digit, white space, blank (0x20), line break
    (CR, LF), apostrophe, slash, not ASCII, UTF-8 continuation byte. Reads 64 bytes unchecked.
    """
    result = types.UniTuple(types.uint64, 10)

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        view = context.make_array(signature.args[0])(context, builder, args[0])
        pointer = builder.bitcast(builder.gep(view.data, [args[1]]), _VECTOR.as_pointer())
        block = builder.load(pointer, align=1)
        blank = _equal(builder, block, " ")
        line_break = builder.or_(_equal(builder, block, "\r"), _equal(builder, block, "\n"))
        masks = (
            _between(builder, block, ord("A"), ord("Z")),
            _between(builder, block, ord("a"), ord("z")),
            _between(builder, block, ord("0"), ord("9")),
            builder.or_(blank, _between(builder, block, 9, 13)),
            blank,
            line_break,
            _equal(builder, block, "'"),
            _equal(builder, block, "/"),
            _between(builder, block, 0x80, 0xFF),
            _between(builder, block, 0x80, 0xBF),
        )
        bits = [builder.bitcast(mask, ir.IntType(64)) for mask in masks]
        return cgutils.pack_array(builder, bits)

    return result(text, types.intp), codegen
