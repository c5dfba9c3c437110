/* half.h: 16-bit floats to 32-bit ones, four at once.

   By integers alone but for one subtraction: on numbers below the normal range (and the scales of
   real models are), the usual multiplication by 2^112 is many times slower. */

#ifndef MEMORY64_ENGINE_HALF_H
#define MEMORY64_ENGINE_HALF_H

#include "simd.h"

/* The halves lie in the upper 16 bits of the lanes, with zeros or anything finite below. */
INLINE Vector half_magnitude(Vector halves) {
  Vector shifted = wasm_u32x4_shr(wasm_i32x4_shl(halves, 1), 4);
  Vector normal = wasm_i32x4_add(shifted, wasm_i32x4_splat(112 << 23));
  Vector small = wasm_f32x4_sub(wasm_i32x4_add(shifted, wasm_i32x4_splat(113 << 23)),
                                wasm_f32x4_splat(0x1p-14f));
  /* `small` is twice `normal` less 2^-14: below the normal range the right one, and the smaller. */
  return wasm_f32x4_pmin(normal, small);
}

/* For scales: infinities and NaNs become large numbers. */
INLINE Vector halves_to_floats(Vector halves) {
  Vector sign = wasm_v128_and(halves, wasm_i32x4_splat((int32_t)0x80000000));
  return wasm_v128_or(half_magnitude(halves), sign);
}

/* Right for every half, infinities and NaNs too. */
INLINE Vector any_halves_to_floats(Vector halves) {
  Vector sign = wasm_v128_and(halves, wasm_i32x4_splat((int32_t)0x80000000));
  Vector exponent = wasm_i32x4_splat(0x7c000000);
  Vector special = wasm_i32x4_eq(wasm_v128_and(halves, exponent), exponent);
  Vector raised = wasm_v128_and(special, wasm_i32x4_splat(0x7f800000));
  return wasm_v128_or(wasm_v128_or(half_magnitude(halves), raised), sign);
}

/* Right for those that are in the normal range, of which a model's weights are nearly all. */
INLINE Vector normal_halves_to_floats(Vector halves) {
  Vector shifted = wasm_v128_and(wasm_i32x4_shr(halves, 3), wasm_i32x4_splat((int32_t)0x8fffe000));
  return wasm_i32x4_add(shifted, wasm_i32x4_splat(112 << 23));
}

/* Zero in lanes of 16 bits for halves that are below the normal range, infinite or NaN: one more
   than their exponents, 0 and 31, is no more than its lowest bit. */
INLINE Vector zero_unless_normal(Vector halves) {
  return wasm_v128_and(wasm_i16x8_add(halves, wasm_i16x8_splat(1 << 10)), wasm_i16x8_splat(0x7800));
}

/* Four from memory, few of which are below the normal range, where this multiplication is slow.
   Infinities and NaNs become large numbers. */
INLINE Vector load_halves(const void* halves) {
  Vector moved = wasm_i32x4_shl(wasm_i32x4_load16x4(halves), 13);
  Vector bits = wasm_v128_and(moved, wasm_i32x4_splat((int32_t)0x8fffffff));
  return wasm_f32x4_mul(bits, wasm_f32x4_splat(0x1p112f));
}

/* The lower and the upper halves of dwords, as halves_to_floats wants them. */
INLINE Vector lower_halves(Vector dwords) {
  return wasm_i32x4_shl(dwords, 16);
}
INLINE Vector upper_halves(Vector dwords) {
  return wasm_v128_and(dwords, wasm_i32x4_splat((int32_t)0xffff0000));
}

#endif
