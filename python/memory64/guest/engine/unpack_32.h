/* unpack_32.h: quant types in blocks of 32 columns, into panels. */

#ifndef MEMORY64_ENGINE_UNPACK_32_H
#define MEMORY64_ENGINE_UNPACK_32_H

#include <stddef.h>

#include "half.h"
#include "iq4.h"
#include "panel.h"
#include "quants.h"

INLINE void unpack_halves_of_bytes(const uint8_t* const* rows, uint64_t offset, FinePart* to) {
  Quad quad = load_quad(rows, offset);
  for (uint32_t i = 0; i < 4; i++) {
    to->weights.low[i] = low_halves(quad.columns[i]);
    to->weights.low[4 + i] = high_halves(quad.columns[i]);
  }
}

INLINE void unpack_q4_0(const uint8_t* const* rows, FinePart* to) {
  Vector d = halves_to_floats(lower_halves(first_lanes(rows, 0)));
  unpack_halves_of_bytes(rows, offsetof(BlockQ4_0, weights), to);
  to->scale = d;
}

INLINE void unpack_q4_1(const uint8_t* const* rows, FinePart* to) {
  Vector head = first_lanes(rows, 0);
  unpack_halves_of_bytes(rows, offsetof(BlockQ4_1, weights), to);
  to->scale = halves_to_floats(lower_halves(head));
  to->minimum = wasm_f32x4_neg(halves_to_floats(upper_halves(head)));
}

/* Weights of columns 4 `i`… with their fifth bits. The lanes of `bits` have a bit for each of a
   row's columns, those of `moved` the same bits four places further up. */
INLINE Vector with_fifth_bits(Vector weights, Vector bits, Vector moved, uint32_t i) {
  /* Four bits get into the upper half of all four bytes, of which each keeps its own. */
  const Vector own = wasm_i32x4_splat((int32_t)0x80402010);
  Vector index = wasm_i32x4_make(0, 0x04040404, 0x08080808, 0x0c0c0c0c);
  index = wasm_i8x16_add(index, wasm_i8x16_splat((int8_t)(i / 2)));
  OPAQUE(index);
  Vector four = wasm_v128_and(look_up(i % 2 ? bits : moved, index), own);
  return wasm_v128_or(weights, wasm_u8x16_min(four, wasm_i8x16_splat(16)));
}

INLINE void add_fifth_bits(Vector bits, FinePart* to) {
  Vector moved = wasm_i32x4_shl(bits, 4);
  for (uint32_t i = 0; i < 8; i++)
    to->weights.low[i] = with_fifth_bits(to->weights.low[i], bits, moved, i);
}

/* They follow the two bytes of `d`. */
INLINE Vector q5_0_fifth_bits(Quad head) {
  return wasm_v128_or(wasm_u32x4_shr(head.columns[0], 16), wasm_i32x4_shl(head.columns[1], 16));
}

INLINE void unpack_q5_0(const uint8_t* const* rows, FinePart* to) {
  Quad head = load_quad(rows, 0);
  Vector d = halves_to_floats(lower_halves(head.columns[0]));
  unpack_halves_of_bytes(rows, offsetof(BlockQ5_0, weights), to);
  add_fifth_bits(q5_0_fifth_bits(head), to);
  to->scale = d;
}

INLINE void unpack_q5_1(const uint8_t* const* rows, FinePart* to) {
  Quad head = load_quad(rows, 0);
  unpack_halves_of_bytes(rows, offsetof(BlockQ5_1, weights), to);
  add_fifth_bits(head.columns[1], to);
  to->scale = halves_to_floats(lower_halves(head.columns[0]));
  Vector min = halves_to_floats(upper_halves(head.columns[0]));
  to->minimum = wasm_f32x4_neg(multiply_add(to->scale, wasm_f32x4_splat(16), min));
}

INLINE void unpack_q8_0(const uint8_t* const* rows, FinePart* to) {
  Vector d = halves_to_floats(lower_halves(first_lanes(rows, 0)));
  for (uint32_t half = 0; half < 2; half++) {
    Quad quad = load_quad(rows, offsetof(BlockQ8_0, weights) + 16 * half);
    for (uint32_t i = 0; i < 4; i++) {
      Vector stored = wasm_v128_xor(quad.columns[i], wasm_i8x16_splat(-128));
      to->weights.low[4 * half + i] = low_halves(stored);
      to->weights.high[4 * half + i] = high_halves(stored);
    }
  }
  to->scale = d;
}

INLINE void unpack_iq4_nl(const uint8_t* const* rows, FinePart* to) {
  Vector d = halves_to_floats(lower_halves(first_lanes(rows, 0)));
  unpack_iq4_weights(rows, offsetof(BlockIQ4_NL, weights), &to->weights);
  to->scale = d;
}

#endif
