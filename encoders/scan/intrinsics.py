"""Sixty-four bytes at a time: which of them are letters, digits, white space, and so on."""

from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

_BYTE = ir.IntType(8)
_VECTOR = ir.VectorType(_BYTE, 64)
_INT = ir.IntType(32)
_INDICES = ir.VectorType(_INT, 64)


def _splat(value: int) -> Any:
    return ir.Constant(_VECTOR, [ir.Constant(_BYTE, value)] * 64)


def _between(builder: Any, block: Any, low: int, high: int) -> Any:
    offset = builder.sub(block, _splat(low))
    return builder.icmp_unsigned("<=", offset, _splat(high - low))


def _equal(builder: Any, block: Any, byte: str) -> Any:
    return builder.icmp_unsigned("==", block, _splat(ord(byte)))


@intrinsic
def ascii_masks(typingctx: Any, text: Any, position: Any, left: Any) -> Any:
    """``ascii_masks(text, p, left)`` → ten uint64; bit i of each tells of the byte ``text[p + i]``.

    In order: upper-case letter, lower-case letter, digit, white space, blank (0x20), line break
    (CR, LF), apostrophe, slash, not ASCII, UTF-8 continuation byte. Reads 64 bytes unchecked; of
    these, those from ``left`` on count as blanks.
    """
    result = types.UniTuple(types.uint64, 10)

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        block = _block_until(context, builder, signature.args[0], *args)
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

    return result(text, types.intp, types.intp), codegen


@intrinsic
def control_masks(typingctx: Any, text: Any, position: Any) -> Any:
    """``control_masks(text, p)`` → two uint64, as `ascii_masks`: ASCII controls that are not white
    space, and low lines (0x5F). Reads 64 bytes unchecked."""
    result = types.UniTuple(types.uint64, 2)

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        block = builder.load(_vector_at(context, builder, signature.args[0], *args), align=1)
        ranges = ((0, 8), (14, 31), (127, 127))
        control = [_between(builder, block, low, high) for low, high in ranges]
        masks = (builder.or_(builder.or_(*control[:2]), control[2]), _equal(builder, block, "_"))
        return cgutils.pack_array(builder, [builder.bitcast(m, ir.IntType(64)) for m in masks])

    return result(text, types.intp), codegen


def _block_until(
    context: Any, builder: Any, array: Any, text: Any, position: Any, left: Any
) -> Any:
    """Sixty-four bytes, blanks in place of those from ``left`` on."""
    block = builder.load(_vector_at(context, builder, array, text, position), align=1)
    whole = ir.Constant(left.type, 64)
    count = builder.select(builder.icmp_signed("<", left, whole), left, whole)
    counts = builder.insert_element(_splat(0), builder.trunc(count, _BYTE), ir.Constant(_INT, 0))
    counts = builder.shuffle_vector(counts, _splat(0), ir.Constant(_INDICES, [0] * 64))
    places = ir.Constant(_VECTOR, [ir.Constant(_BYTE, i) for i in range(64)])
    inside = builder.icmp_unsigned("<", places, counts)
    return builder.select(inside, block, _splat(ord(" ")))


def _vector_at(context: Any, builder: Any, array_type: Any, array: Any, index: Any) -> Any:
    view = context.make_array(array_type)(context, builder, array)
    return builder.bitcast(builder.gep(view.data, [index]), _VECTOR.as_pointer())


@intrinsic
def lead_masks(typingctx: Any, text: Any, position: Any, left: Any) -> Any:
    """``lead_masks(text, p, left)`` → three uint64, as `ascii_masks`: the bytes that begin a
    character of two, three and four bytes. Reads 64 bytes unchecked."""
    result = types.UniTuple(types.uint64, 3)

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        block = _block_until(context, builder, signature.args[0], *args)
        ranges = ((0xC2, 0xDF), (0xE0, 0xEF), (0xF0, 0xF4))
        masks = [_between(builder, block, low, high) for low, high in ranges]
        return cgutils.pack_array(builder, [builder.bitcast(m, ir.IntType(64)) for m in masks])

    return result(text, types.intp, types.intp), codegen


@intrinsic
def clear_64(typingctx: Any, array: Any) -> Any:
    """``clear_64(bytes)``: 64 zeros at the beginning, unchecked."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        zero = ir.Constant(context.get_value_type(types.intp), 0)
        pointer = _vector_at(context, builder, signature.args[0], args[0], zero)
        builder.store(_splat(0), pointer, align=1)
        return context.get_dummy_value()

    return types.void(array), codegen


@intrinsic
def flag_masks(typingctx: Any, array: Any) -> Any:
    """``flag_masks(bytes)`` → six uint64: bit i of the k-th is bit k of ``bytes[i]``; unchecked."""
    result = types.UniTuple(types.uint64, 6)

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        zero = ir.Constant(context.get_value_type(types.intp), 0)
        pointer = _vector_at(context, builder, signature.args[0], args[0], zero)
        block = builder.load(pointer, align=1)
        masks = []
        for flag in range(6):
            bit = builder.and_(block, _splat(1 << flag))
            mask = builder.icmp_unsigned("!=", bit, _splat(0))
            masks.append(builder.bitcast(mask, ir.IntType(64)))
        return cgutils.pack_array(builder, masks)

    return result(array), codegen


@intrinsic
def wide_space_leads(typingctx: Any, text: Any, position: Any) -> Any:
    """``wide_space_leads(text, p)`` → uint64, as `ascii_masks`: the bytes that begin a white-space
    character beyond ASCII, or another character (0xC2, 0xE1 to 0xE3). Reads 64 bytes unchecked."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        block = builder.load(_vector_at(context, builder, signature.args[0], *args), align=1)
        two = builder.icmp_unsigned("==", block, _splat(0xC2))
        leads = builder.or_(two, _between(builder, block, 0xE1, 0xE3))
        return builder.bitcast(leads, ir.IntType(64))

    return types.uint64(text, types.intp), codegen
