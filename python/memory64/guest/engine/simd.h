/* simd.h: 128-bit vectors, and the instructions that the two builds have in different forms.

   Vectors have no element type of their own here: a name says what the lanes are. */

#ifndef MEMORY64_ENGINE_SIMD_H
#define MEMORY64_ENGINE_SIMD_H

#include <stdint.h>
#include <wasm_simd128.h>

#define INLINE static inline __attribute__((always_inline))

/* Before a loop whose vectors are to be registers, not an array. */
#define UNROLL _Pragma("clang loop unroll(full)")

typedef v128_t Vector;

/* The sums of two adjacent products, as 16-bit lanes: weights in 0…127, x in -127…127. */
INLINE Vector dot_pairs(Vector weights, Vector x) {
#ifdef __wasm_relaxed_simd__
  return wasm_i16x8_relaxed_dot_i8x16_i7x16(x, weights);
#else
  Vector low =
      wasm_i32x4_dot_i16x8(wasm_i16x8_extend_low_i8x16(weights), wasm_i16x8_extend_low_i8x16(x));
  Vector high =
      wasm_i32x4_dot_i16x8(wasm_i16x8_extend_high_i8x16(weights), wasm_i16x8_extend_high_i8x16(x));
  return wasm_i16x8_narrow_i32x4(low, high);
#endif
}

/* a * b + c. */
INLINE Vector multiply_add(Vector a, Vector b, Vector c) {
#ifdef __wasm_relaxed_simd__
  return wasm_f32x4_relaxed_madd(a, b, c);
#else
  return wasm_f32x4_add(wasm_f32x4_mul(a, b), c);
#endif
}

/* c - a * b. */
INLINE Vector multiply_subtract(Vector a, Vector b, Vector c) {
#ifdef __wasm_relaxed_simd__
  return wasm_f32x4_relaxed_nmadd(a, b, c);
#else
  return wasm_f32x4_sub(c, wasm_f32x4_mul(a, b));
#endif
}

/* The sums of the lanes of four vectors. */
INLINE Vector lane_sums(const Vector* v) {
  Vector ab = wasm_f32x4_add(wasm_i32x4_shuffle(v[0], v[1], 0, 4, 1, 5),
                             wasm_i32x4_shuffle(v[0], v[1], 2, 6, 3, 7));
  Vector cd = wasm_f32x4_add(wasm_i32x4_shuffle(v[2], v[3], 0, 4, 1, 5),
                             wasm_i32x4_shuffle(v[2], v[3], 2, 6, 3, 7));
  return wasm_f32x4_add(wasm_i64x2_shuffle(ab, cd, 0, 2), wasm_i64x2_shuffle(ab, cd, 1, 3));
}

/* table[index] for each byte; an index is in 0…15, or 128 and more for a zero. */
INLINE Vector look_up(Vector table, Vector indices) {
#ifdef __wasm_relaxed_simd__
  return wasm_i8x16_relaxed_swizzle(table, indices);
#else
  return wasm_i8x16_swizzle(table, indices);
#endif
}

/* A value, or an address, that the compiler may not look through. Addresses so made are used with
   constant offsets, which need one bounds check together; without it, the compiler derives one
   address from another, and each gets a check. */
#define OPAQUE(value) __asm__ volatile("" : "+r"(value))

/* Stores `value` where nobody reads it. Cranelift computes a value as late as it can but loads as
   early as the program says, so that a long run of loads and products would load everything first
   and run out of registers. A store is an end to that: what it needs is computed before it. */
typedef struct {
  Vector room;
} Anchor;

#define ANCHOR(address, value)                                                               \
  __asm__ volatile("local.get %0\n\tlocal.get %1\n\tv128.store 0" ::"r"(address), "r"(value) \
                   : "memory")

#endif
