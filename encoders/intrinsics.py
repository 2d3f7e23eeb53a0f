"""Machine operations that Numba does not expose: unaligned loads, bit counts, prefetch.

All are usable inside kernels only. ``load_u64``/``load_u32`` do not check bounds: the caller
guarantees that the bytes exist (`encoders.buffers` keeps spare bytes for this reason).
"""

from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic


def _element_pointer(context: Any, builder: Any, array_type: Any, array: Any, index: Any) -> Any:
    view = context.make_array(array_type)(context, builder, array)
    return builder.gep(view.data, [index])


def _unaligned_load(bits: int) -> Any:
    result: Any = {32: types.uint32, 64: types.uint64}[bits]

    def typed(typingctx: Any, array: Any, index: Any) -> Any:
        def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            pointer = _element_pointer(context, builder, signature.args[0], args[0], args[1])
            pointer = builder.bitcast(pointer, ir.IntType(bits).as_pointer())
            return builder.load(pointer, align=1)

        return result(array, types.intp), codegen

    return typed


@intrinsic
def load_u64(typingctx: Any, array: Any, index: Any) -> Any:
    """``load_u64(bytes, i)``: the eight bytes from ``i`` as a little-endian uint64."""
    return _unaligned_load(64)(typingctx, array, index)


@intrinsic
def load_u32(typingctx: Any, array: Any, index: Any) -> Any:
    """``load_u32(bytes, i)``: the four bytes from ``i`` as a little-endian uint32."""
    return _unaligned_load(32)(typingctx, array, index)


@intrinsic
def store_u64(typingctx: Any, array: Any, index: Any, value: Any) -> Any:
    """``store_u64(bytes, i, value)``: the eight bytes from ``i``, little-endian, unchecked."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        pointer = _element_pointer(context, builder, signature.args[0], args[0], args[1])
        pointer = builder.bitcast(pointer, ir.IntType(64).as_pointer())
        builder.store(args[2], pointer, align=1)
        return context.get_dummy_value()

    return types.void(array, types.intp, types.uint64), codegen


def _reinterpreted(given: Any, result: Any) -> Any:
    def typed(typingctx: Any, value: Any) -> Any:
        def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            return builder.bitcast(args[0], context.get_value_type(result))

        return result(given), codegen

    return typed


@intrinsic
def u32_of_float(typingctx: Any, value: Any) -> Any:
    """The bits of a float32."""
    return _reinterpreted(types.float32, types.uint32)(typingctx, value)


@intrinsic
def float_of_u32(typingctx: Any, value: Any) -> Any:
    """The float32 of these bits."""
    return _reinterpreted(types.uint32, types.float32)(typingctx, value)


@intrinsic
def bits_of_double(typingctx: Any, value: Any) -> Any:
    """The bits of a float64, as an int64."""
    return _reinterpreted(types.float64, types.int64)(typingctx, value)


@intrinsic
def double_of_bits(typingctx: Any, value: Any) -> Any:
    """The float64 of these bits of an int64."""
    return _reinterpreted(types.int64, types.float64)(typingctx, value)


def _bit_count(name: str) -> Any:
    def typed(typingctx: Any, value: Any) -> Any:
        def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            i64 = ir.IntType(64)
            arguments = [args[0]] if name == "ctpop" else [args[0], ir.Constant(ir.IntType(1), 0)]
            kinds = [argument.type for argument in arguments]
            function = cgutils.get_or_insert_function(
                builder.module, ir.FunctionType(i64, kinds), f"llvm.{name}.i64"
            )
            return builder.call(function, arguments)

        return types.uint64(types.uint64), codegen

    return typed


@intrinsic
def ctz64(typingctx: Any, value: Any) -> Any:
    """Index of the lowest set bit; 64 for zero."""
    return _bit_count("cttz")(typingctx, value)


@intrinsic
def clz64(typingctx: Any, value: Any) -> Any:
    """Number of leading zero bits; 64 for zero."""
    return _bit_count("ctlz")(typingctx, value)


@intrinsic
def popcount64(typingctx: Any, value: Any) -> Any:
    """Number of set bits."""
    return _bit_count("ctpop")(typingctx, value)


def _prefetch(locality: int) -> Any:
    def typed(typingctx: Any, array: Any, index: Any) -> Any:
        def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            pointer = _element_pointer(context, builder, signature.args[0], args[0], args[1])
            byte_pointer = ir.IntType(8).as_pointer()
            i32 = ir.IntType(32)
            function = cgutils.get_or_insert_function(
                builder.module,
                ir.FunctionType(ir.VoidType(), [byte_pointer, i32, i32, i32]),
                "llvm.prefetch.p0i8" if "*" in str(byte_pointer) else "llvm.prefetch.p0",
            )
            constants = [ir.Constant(i32, flag) for flag in (0, locality, 1)]
            builder.call(function, [builder.bitcast(pointer, byte_pointer), *constants])
            return context.get_dummy_value()

        return types.void(array, types.intp), codegen

    return typed


@intrinsic
def prefetch(typingctx: Any, array: Any, index: Any) -> Any:
    """Ask the nearest cache for ``array[index]``; reads nothing."""
    return _prefetch(3)(typingctx, array, index)


@intrinsic
def prefetch_far(typingctx: Any, array: Any, index: Any) -> Any:
    """Ask the second cache for ``array[index]``, which is wanted only after much else."""
    return _prefetch(2)(typingctx, array, index)


@intrinsic
def min16_u32(typingctx: Any, array: Any, index: Any) -> Any:
    """The least of the sixteen uint32 from ``array[index]``, unchecked."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        vector = ir.VectorType(ir.IntType(32), 16)
        pointer = _element_pointer(context, builder, signature.args[0], args[0], args[1])
        lanes = builder.load(builder.bitcast(pointer, vector.as_pointer()), align=4)
        function = cgutils.get_or_insert_function(
            builder.module,
            ir.FunctionType(ir.IntType(32), [vector]),
            "llvm.vector.reduce.umin.v16i32",
        )
        return builder.call(function, [lanes])

    return types.uint32(array, types.intp), codegen


@intrinsic
def match4(typingctx: Any, array: Any, index: Any, key: Any) -> Any:
    """The bitwise or of those of ``array[index + 4 : index + 8]`` (uint64) whose partners in
    ``array[index : index + 4]`` equal ``key``; without a branch, unchecked."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        i64 = ir.IntType(64)
        vector = ir.VectorType(i64, 4)
        pointer = _element_pointer(context, builder, signature.args[0], args[0], args[1])
        pointer = builder.bitcast(pointer, vector.as_pointer())
        keys = builder.load(pointer, align=8)
        values = builder.load(builder.gep(pointer, [ir.Constant(ir.IntType(32), 1)]), align=8)
        lane = ir.Constant(ir.IntType(32), 0)
        wanted = builder.insert_element(ir.Constant(vector, ir.Undefined), args[2], lane)
        zeros = ir.Constant(ir.VectorType(ir.IntType(32), 4), [0] * 4)
        wanted = builder.shuffle_vector(wanted, ir.Constant(vector, ir.Undefined), zeros)
        same = builder.icmp_unsigned("==", keys, wanted)
        found = builder.select(same, values, ir.Constant(vector, [0] * 4))
        function = cgutils.get_or_insert_function(
            builder.module, ir.FunctionType(i64, [vector]), "llvm.vector.reduce.or.v4i64"
        )
        return builder.call(function, [found])

    return types.uint64(array, types.intp, types.uint64), codegen


@intrinsic
def multiply_add(typingctx: Any, a: Any, b: Any, c: Any) -> Any:
    """``a * b + c`` in float64, rounded once where the processor has an instruction for it."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        double = ir.DoubleType()
        function = cgutils.get_or_insert_function(
            builder.module, ir.FunctionType(double, [double] * 3), "llvm.fmuladd.f64"
        )
        return builder.call(function, args)

    return types.float64(types.float64, types.float64, types.float64), codegen
