/* one_token_32.h: products of four rows with one token, for quant types in blocks of 32 columns.

   What unpack_32.h writes into panels is multiplied at once here. */

#ifndef MEMORY64_ENGINE_ONE_TOKEN_32_H
#define MEMORY64_ENGINE_ONE_TOKEN_32_H

#include "unpack_32.h"

/* sum + the products of four columns, in 16 bits. */
INLINE Vector add_four(Vector sum, Vector weights, Vector x, Anchor* anchor) {
  sum = wasm_i16x8_add(sum, dot_pairs(weights, x));
  ANCHOR(anchor, sum);
  return sum;
}

/* What the lanes of a block start with, where weights are stored plus 1 << bits. */
INLINE Vector start_less(const SpreadBlock* x, uint32_t bits) {
  return wasm_i16x8_shl(wasm_i16x8_add(x->less_pairs[0], x->less_pairs[1]), bits);
}

/* total + (d * scale) * product, where the product is of quantised activations. */
INLINE Vector add_scaled(Vector total, Vector d, Vector product, const SpreadBlock* x) {
  return multiply_add(wasm_f32x4_convert_i32x4(product), wasm_f32x4_mul(d, x->scale), total);
}

/* Sums of pairs of 16 bits, times `factor`. */
INLINE Vector widened(Vector pairs, int16_t factor) {
  return wasm_i32x4_dot_i16x8(pairs, wasm_i16x8_splat(factor));
}

INLINE Vector four_bit_product(const uint8_t* const* rows, uint64_t offset, Vector start,
                               const SpreadBlock* x, Anchor* anchor) {
  Quad quad = load_quad(rows, offset);
  UNROLL
  for (uint32_t i = 0; i < 4; i++) {
    start = add_four(start, low_halves(quad.columns[i]), x->values[i], anchor);
    start = add_four(start, high_halves(quad.columns[i]), x->values[4 + i], anchor);
  }
  return widened(start, 1);
}

INLINE Vector add_q4_0(const uint8_t* const* rows, const void* block, Vector total,
                       Anchor* anchor) {
  const SpreadBlock* x = block;
  Vector start = start_less(x, 3);
  Vector product = four_bit_product(rows, offsetof(BlockQ4_0, weights), start, x, anchor);
  Vector d = halves_to_floats(lower_halves(first_lanes(rows, 0)));
  return add_scaled(total, d, product, x);
}

INLINE Vector add_q4_1(const uint8_t* const* rows, const void* block, Vector total,
                       Anchor* anchor) {
  const SpreadBlock* x = block;
  Vector start = wasm_i16x8_splat(0);
  Vector product = four_bit_product(rows, offsetof(BlockQ4_1, weights), start, x, anchor);
  Vector head = first_lanes(rows, 0);
  total = add_scaled(total, halves_to_floats(lower_halves(head)), product, x);
  return multiply_add(halves_to_floats(upper_halves(head)), x->sum, total);
}

/* The products with weights less 16. */
INLINE Vector five_bit_product(const uint8_t* const* rows, uint64_t offset, Vector bits,
                               const SpreadBlock* x, Anchor* anchor) {
  Quad quad = load_quad(rows, offset);
  Vector moved = wasm_i32x4_shl(bits, 4);
  Vector sum = start_less(x, 4);
  UNROLL
  for (uint32_t i = 0; i < 4; i++) {
    Vector low = with_fifth_bits(low_halves(quad.columns[i]), bits, moved, i);
    Vector high = with_fifth_bits(high_halves(quad.columns[i]), bits, moved, 4 + i);
    sum = add_four(sum, low, x->values[i], anchor);
    sum = add_four(sum, high, x->values[4 + i], anchor);
  }
  return widened(sum, 1);
}

INLINE Vector add_q5_0(const uint8_t* const* rows, const void* block, Vector total,
                       Anchor* anchor) {
  const SpreadBlock* x = block;
  Quad head = load_quad(rows, 0);
  Vector bits = q5_0_fifth_bits(head);
  Vector product = five_bit_product(rows, offsetof(BlockQ5_0, weights), bits, x, anchor);
  return add_scaled(total, halves_to_floats(lower_halves(head.columns[0])), product, x);
}

INLINE Vector add_q5_1(const uint8_t* const* rows, const void* block, Vector total,
                       Anchor* anchor) {
  const SpreadBlock* x = block;
  Quad head = load_quad(rows, 0);
  Vector product = five_bit_product(rows, offsetof(BlockQ5_1, weights), head.columns[1], x, anchor);
  Vector d = halves_to_floats(lower_halves(head.columns[0]));
  Vector middle =
      multiply_add(d, wasm_f32x4_splat(16), halves_to_floats(upper_halves(head.columns[0])));
  return multiply_add(middle, x->sum, add_scaled(total, d, product, x));
}

/* Row by row in 16 bits, which takes fewer steps than two planes do. */
INLINE Vector add_q8_0(const uint8_t* const* rows, const void* block, Vector total,
                       Anchor* anchor) {
  const SpreadBlock* x = block;
  Vector sums[4];
  UNROLL
  for (uint32_t row = 0; row < 4; row++) {
    const uint8_t* weights = rows[row] + offsetof(BlockQ8_0, weights);
    Vector sum = wasm_i32x4_dot_i16x8(wasm_i16x8_load8x8(weights), x->words[0]);
    UNROLL
    for (uint32_t i = 1; i < 4; i++) {
      Vector product = wasm_i32x4_dot_i16x8(wasm_i16x8_load8x8(weights + 8 * i), x->words[i]);
      sum = wasm_i32x4_add(sum, product);
    }
    ANCHOR(anchor, sum);
    sums[row] = sum;
  }
  Quad lanes = transposed(sums[0], sums[1], sums[2], sums[3]);
  Vector product = wasm_i32x4_add(wasm_i32x4_add(lanes.columns[0], lanes.columns[1]),
                                  wasm_i32x4_add(lanes.columns[2], lanes.columns[3]));
  return add_scaled(total, halves_to_floats(lower_halves(first_lanes(rows, 0))), product, x);
}

INLINE Vector iq4_product(const uint8_t* const* rows, uint64_t offset, const SpreadBlock* x,
                          Anchor* anchor) {
  const Iq4Tables tables = iq4_tables();
  Quad quad = load_quad(rows, offset);
  Vector low = wasm_i16x8_splat(0), high = start_less(x, 3);
  UNROLL
  for (uint32_t i = 0; i < 8; i++) {
    Vector bytes = quad.columns[i % 4];
    Vector index = i < 4 ? low_halves(bytes) : high_halves(bytes);
    low = add_four(low, look_up(tables.low, index), x->values[i], anchor);
    high = add_four(high, look_up(tables.high, index), x->values[i], anchor);
  }
  return wasm_i32x4_add(widened(low, 1), widened(high, 16));
}

INLINE Vector add_iq4_nl(const uint8_t* const* rows, const void* block, Vector total,
                         Anchor* anchor) {
  const SpreadBlock* x = block;
  Vector product = iq4_product(rows, offsetof(BlockIQ4_NL, weights), x, anchor);
  return add_scaled(total, halves_to_floats(lower_halves(first_lanes(rows, 0))), product, x);
}

#endif
