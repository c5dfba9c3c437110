/* one_token.h: products of four rows with one token, for every quant type.

   What unpack_32.h and unpack_256.h write into panels is multiplied at once here, and in blocks of
   256 the scales stay integers until the block's end. */

#ifndef MEMORY64_ENGINE_ONE_TOKEN_H
#define MEMORY64_ENGINE_ONE_TOKEN_H

#include "unpack_256.h"
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

/* total + d * (scale * product), where the product is of quantised activations. */
INLINE Vector add_scaled(Vector total, Vector d, Vector product, const SpreadBlock* x) {
  return multiply_add(wasm_f32x4_mul(wasm_f32x4_convert_i32x4(product), x->scale), d, total);
}

/* ── Blocks of 32 ───────────────────────────────────────────────────────────────────────── */

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

INLINE Vector add_q4_0(const uint8_t* const* rows, const SpreadBlock* x, Vector total,
                       Anchor* anchor) {
  Vector start = start_less(x, 3);
  Vector product = four_bit_product(rows, offsetof(BlockQ4_0, weights), start, x, anchor);
  Vector d = halves_to_floats(lower_halves(first_lanes(rows, 0)));
  return add_scaled(total, d, product, x);
}

INLINE Vector add_q4_1(const uint8_t* const* rows, const SpreadBlock* x, Vector total,
                       Anchor* anchor) {
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

INLINE Vector add_q5_0(const uint8_t* const* rows, const SpreadBlock* x, Vector total,
                       Anchor* anchor) {
  Quad head = load_quad(rows, 0);
  Vector bits = q5_0_fifth_bits(head);
  Vector product = five_bit_product(rows, offsetof(BlockQ5_0, weights), bits, x, anchor);
  return add_scaled(total, halves_to_floats(lower_halves(head.columns[0])), product, x);
}

INLINE Vector add_q5_1(const uint8_t* const* rows, const SpreadBlock* x, Vector total,
                       Anchor* anchor) {
  Quad head = load_quad(rows, 0);
  Vector product = five_bit_product(rows, offsetof(BlockQ5_1, weights), head.columns[1], x, anchor);
  Vector d = halves_to_floats(lower_halves(head.columns[0]));
  Vector middle =
      multiply_add(d, wasm_f32x4_splat(16), halves_to_floats(upper_halves(head.columns[0])));
  return multiply_add(middle, x->sum, add_scaled(total, d, product, x));
}

/* Row by row in 16 bits, which takes fewer steps than two planes do. */
INLINE Vector add_q8_0(const uint8_t* const* rows, const SpreadBlock* x, Vector total,
                       Anchor* anchor) {
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

INLINE Vector add_iq4_nl(const uint8_t* const* rows, const SpreadBlock* x, Vector total,
                         Anchor* anchor) {
  Vector product = iq4_product(rows, offsetof(BlockIQ4_NL, weights), x, anchor);
  return add_scaled(total, halves_to_floats(lower_halves(first_lanes(rows, 0))), product, x);
}

/* ── Blocks of 256 ──────────────────────────────────────────────────────────────────────── */

/* A block's sums while it is gone through; each still lacks the block's `d` or `dmin`. */
typedef struct {
  Vector product, minimum;
} BlockSums;

INLINE void add_part(BlockSums* sums, Vector product, const SpreadBlock* x, Anchor* anchor) {
  sums->product = multiply_add(wasm_f32x4_convert_i32x4(product), x->scale, sums->product);
  ANCHOR(anchor, sums->product);
}

INLINE void add_minimum(BlockSums* sums, Vector minimum, Vector x, Anchor* anchor) {
  sums->minimum = multiply_add(wasm_f32x4_convert_i32x4(minimum), x, sums->minimum);
  ANCHOR(anchor, sums->minimum);
}

INLINE Vector with_block(Vector total, BlockSums sums, Vector d, Vector dmin) {
  return multiply_subtract(sums.minimum, dmin, multiply_add(sums.product, d, total));
}

/* Bytes of each lane, chosen by four indices; 128 is a zero. */
INLINE Vector chosen_bytes(Vector lanes, uint32_t indices) {
  const uint32_t next = 0x04040404 & ~(indices >> 5); /* zeros stay zeros */
  Vector all = wasm_u32x4_make(indices, indices + next, indices + 2 * next, indices + 3 * next);
  OPAQUE(all); /* else the compiler makes a general shuffle of it */
  return look_up(lanes, all);
}

/* Byte `n` of each lane as an integer, and as a pair of 16 bits. */
INLINE Vector byte_as_lane(Vector lanes, uint32_t n) {
  return chosen_bytes(lanes, 0x80808000 | n);
}
INLINE Vector byte_as_pair(Vector lanes, uint32_t n) {
  return chosen_bytes(lanes, 0x80008000 | n << 16 | n);
}

/* The same with its sign. */
INLINE Vector signed_byte_as_pair(Vector lanes, uint32_t n) {
  return wasm_i16x8_shr(chosen_bytes(lanes, 0x00800080 | n << 24 | n << 8), 8);
}

INLINE Vector add_q4_K(const uint8_t* const* rows, const SpreadBlock* x, Vector total,
                       Anchor* anchor) {
  Quad head = load_quad(rows, 0);
  SixBits six = six_bits(head);
  BlockSums sums = {wasm_f32x4_splat(0), wasm_f32x4_splat(0)};
  UNROLL
  for (uint32_t part = 0; part < PARTS; part += 2, x += 2) {
    Vector low = wasm_i16x8_splat(0), high = low;
    UNROLL
    for (uint32_t half = 0; half < 2; half++) {
      Quad quad = load_quad(rows, offsetof(BlockQ4_K, weights) + 16 * part + 16 * half);
      UNROLL
      for (uint32_t i = 0; i < 4; i++) {
        low = add_four(low, low_halves(quad.columns[i]), x[0].values[4 * half + i], anchor);
        high = add_four(high, high_halves(quad.columns[i]), x[1].values[4 * half + i], anchor);
      }
    }
    Vector scales = six.scales[part / 4], minima = six.minima[part / 4];
    add_part(&sums, wasm_i32x4_dot_i16x8(low, byte_as_pair(scales, part % 4)), x, anchor);
    add_part(&sums, wasm_i32x4_dot_i16x8(high, byte_as_pair(scales, part % 4 + 1)), x + 1, anchor);
    add_minimum(&sums, byte_as_lane(minima, part % 4), x[0].sum, anchor);
    add_minimum(&sums, byte_as_lane(minima, part % 4 + 1), x[1].sum, anchor);
  }
  return with_block(total, sums, halves_to_floats(lower_halves(head.columns[0])),
                    halves_to_floats(upper_halves(head.columns[0])));
}

/* The products of a half of a part, whose lanes start as the part says, times its scale. */
INLINE Vector half_product(Vector start, const Vector* weights, const Vector* x, Vector scale,
                           Anchor* anchor) {
  UNROLL
  for (uint32_t i = 0; i < 4; i++) start = add_four(start, weights[i], x[i], anchor);
  return wasm_i32x4_dot_i16x8(start, scale);
}

INLINE Vector add_q5_K(const uint8_t* const* rows, const SpreadBlock* x, Vector total,
                       Anchor* anchor) {
  Quad head = load_quad(rows, 0);
  SixBits six = six_bits(head);
  Quad fifth[2] = {load_quad(rows, offsetof(BlockQ5_K, fifth_bits)),
                   load_quad(rows, offsetof(BlockQ5_K, fifth_bits) + 16)};
  BlockSums sums = {wasm_f32x4_splat(0), wasm_f32x4_splat(0)};
  UNROLL
  for (uint32_t pair = 0; pair < PARTS; pair += 2, x += 2) {
    Quad quads[2] = {load_quad(rows, offsetof(BlockQ5_K, weights) + 16 * pair),
                     load_quad(rows, offsetof(BlockQ5_K, weights) + 16 * pair + 16)};
    UNROLL
    for (uint32_t part = pair; part < pair + 2; part++) {
      Vector scale = byte_as_pair(six.scales[part / 4], part % 4);
      Vector products[2];
      UNROLL
      for (uint32_t half = 0; half < 2; half++) { /* the products of a half fit into 16 bits */
        Vector weights[4];
        UNROLL
        for (uint32_t i = 0; i < 4; i++) {
          Vector bytes = quads[half].columns[i];
          weights[i] = wasm_v128_or(part % 2 ? high_halves(bytes) : low_halves(bytes),
                                    as_fifth_bit(fifth[half].columns[i], part));
        }
        products[half] = half_product(wasm_i16x8_splat(0), weights, x[part % 2].values + 4 * half,
                                      scale, anchor);
      }
      add_part(&sums, wasm_i32x4_add(products[0], products[1]), x + part % 2, anchor);
      Vector minimum = byte_as_lane(six.minima[part / 4], part % 4);
      add_minimum(&sums, minimum, x[part % 2].sum, anchor);
    }
  }
  return with_block(total, sums, halves_to_floats(lower_halves(head.columns[0])),
                    halves_to_floats(upper_halves(head.columns[0])));
}

INLINE Vector add_q6_K(const uint8_t* const* rows, const SpreadBlock* x, Vector total,
                       Anchor* anchor) {
  Quad scales = load_quad(rows, offsetof(BlockQ6_K, scales));
  BlockSums sums = {wasm_f32x4_splat(0), wasm_f32x4_splat(0)};
  UNROLL
  for (uint32_t n = 0; n < 2; n++, x += 4) { /* 128 columns, in four parts */
    Vector products[4] = {wasm_i32x4_splat(0), wasm_i32x4_splat(0), wasm_i32x4_splat(0),
                          wasm_i32x4_splat(0)};
    UNROLL
    for (uint32_t half = 0; half < 2; half++) {
      Quad high = load_quad(rows, offsetof(BlockQ6_K, high_bits) + 32 * n + 16 * half);
      UNROLL
      for (uint32_t next = 0; next < 2; next++) {
        Quad low = load_quad(rows, offsetof(BlockQ6_K, low_bits) + 64 * n + 32 * next + 16 * half);
        UNROLL
        for (uint32_t part = next; part < 4; part += 2) {
          Vector weights[4];
          UNROLL
          for (uint32_t i = 0; i < 4; i++) {
            Vector bits = part < 2 ? low_halves(low.columns[i]) : high_halves(low.columns[i]);
            weights[i] = wasm_v128_or(bits, as_upper_bits(high.columns[i], part));
          }
          Vector scale = signed_byte_as_pair(scales.columns[2 * n + part / 2], part % 2 * 2 + half);
          Vector start = wasm_i16x8_shl(x[part].less_pairs[half], 5);
          Vector product = half_product(start, weights, x[part].values + 4 * half, scale, anchor);
          products[part] = wasm_i32x4_add(products[part], product);
        }
      }
    }
    UNROLL
    for (uint32_t part = 0; part < 4; part++) add_part(&sums, products[part], x + part, anchor);
  }
  Quad tail = load_quad(rows, sizeof(BlockQ6_K) - 16);
  return multiply_add(sums.product, halves_to_floats(upper_halves(tail.columns[3])), total);
}

INLINE Vector add_q2_K(const uint8_t* const* rows, const SpreadBlock* x, Vector total,
                       Anchor* anchor) {
  Quad scales = load_quad(rows, offsetof(BlockQ2_K, scales));
  BlockSums sums = {wasm_f32x4_splat(0), wasm_f32x4_splat(0)};
  UNROLL
  for (uint32_t n = 0; n < 2; n++, x += 4) {
    Quad quads[2] = {load_quad(rows, offsetof(BlockQ2_K, weights) + 32 * n),
                     load_quad(rows, offsetof(BlockQ2_K, weights) + 32 * n + 16)};
    UNROLL
    for (uint32_t part = 0; part < 4; part++) {
      Vector lanes = scales.columns[2 * n + part / 2];
      Vector product = wasm_i32x4_splat(0), minimum = product;
      UNROLL
      for (uint32_t half = 0; half < 2; half++) {
        Vector weights[4];
        UNROLL
        for (uint32_t i = 0; i < 4; i++) weights[i] = two_bits(quads[half].columns[i], part);
        Vector scale = byte_as_pair(low_halves(lanes), part % 2 * 2 + half);
        Vector least = byte_as_pair(high_halves(lanes), part % 2 * 2 + half);
        Vector sum =
            half_product(wasm_i16x8_splat(0), weights, x[part].values + 4 * half, scale, anchor);
        product = wasm_i32x4_add(product, sum);
        minimum = wasm_i32x4_sub(minimum, wasm_i32x4_dot_i16x8(least, x[part].less_pairs[half]));
      }
      add_part(&sums, product, x + part, anchor);
      add_minimum(&sums, minimum, x[part].scale, anchor);
    }
  }
  Vector tail = load_quad(rows, sizeof(BlockQ2_K) - 16).columns[3];
  return with_block(total, sums, halves_to_floats(lower_halves(tail)),
                    halves_to_floats(upper_halves(tail)));
}

INLINE Vector add_q3_K(const uint8_t* const* rows, const SpreadBlock* x, Vector total,
                       Anchor* anchor) {
  Quad scales = q3_K_scale_bytes(rows);
  Quad third[2] = {load_quad(rows, offsetof(BlockQ3_K, third_bits)),
                   load_quad(rows, offsetof(BlockQ3_K, third_bits) + 16)};
  BlockSums sums = {wasm_f32x4_splat(0), wasm_f32x4_splat(0)};
  UNROLL
  for (uint32_t n = 0; n < 2; n++, x += 4) {
    Quad quads[2] = {load_quad(rows, offsetof(BlockQ3_K, weights) + 32 * n),
                     load_quad(rows, offsetof(BlockQ3_K, weights) + 32 * n + 16)};
    UNROLL
    for (uint32_t part = 0; part < 4; part++) {
      Vector lanes = scales.columns[2 * n + part / 2];
      Vector product = wasm_i32x4_splat(0);
      UNROLL
      for (uint32_t half = 0; half < 2; half++) {
        Vector weights[4];
        UNROLL
        for (uint32_t i = 0; i < 4; i++)
          weights[i] = wasm_v128_or(two_bits(quads[half].columns[i], part),
                                    as_third_bit(third[half].columns[i], 4 * n + part));
        Vector scale = signed_byte_as_pair(lanes, part % 2 * 2 + half);
        Vector start = wasm_i16x8_shl(x[part].less_pairs[half], 2);
        Vector sum = half_product(start, weights, x[part].values + 4 * half, scale, anchor);
        product = wasm_i32x4_add(product, sum);
      }
      add_part(&sums, product, x + part, anchor);
    }
  }
  Vector tail = load_quad(rows, sizeof(BlockQ3_K) - 16).columns[3];
  return multiply_add(sums.product, halves_to_floats(upper_halves(tail)), total);
}

INLINE Vector add_iq4_XS(const uint8_t* const* rows, const SpreadBlock* x, Vector total,
                         Anchor* anchor) {
  Quad head = load_quad(rows, 0);
  Vector d = halves_to_floats(lower_halves(head.columns[0]));
  UNROLL
  for (uint32_t part = 0; part < PARTS; part++, x++) {
    Vector product = iq4_product(rows, offsetof(BlockIQ4_XS, weights) + 16 * part, x, anchor);
    Vector scale = float_product(d, iq4_XS_scale(head, part));
    total = add_scaled(total, scale, product, x);
    ANCHOR(anchor, total);
  }
  return total;
}

#endif
