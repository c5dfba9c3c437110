/* one_token_256.h: products of four rows with one token, for quant types in blocks of 256 columns.

   Rows are not transposed: lanes hold sums of arbitrary columns of one row, integers that are
   multiplied by the scales of parts or halves of parts, and only at the block's end are lanes added
   up. */

#ifndef MEMORY64_ENGINE_ONE_TOKEN_256_H
#define MEMORY64_ENGINE_ONE_TOKEN_256_H

#include "unpack_256.h"

/* ── A block's end ──────────────────────────────────────────────────────────────────────── */

/* Each row's sum of lanes, from one vector of each row. */
INLINE Vector sums_of_rows(const Vector* rows) {
  Vector ab = wasm_i32x4_add(wasm_i32x4_shuffle(rows[0], rows[1], 0, 4, 1, 5),
                             wasm_i32x4_shuffle(rows[0], rows[1], 2, 6, 3, 7));
  Vector cd = wasm_i32x4_add(wasm_i32x4_shuffle(rows[2], rows[3], 0, 4, 1, 5),
                             wasm_i32x4_shuffle(rows[2], rows[3], 2, 6, 3, 7));
  return wasm_i32x4_add(wasm_i64x2_shuffle(ab, cd, 0, 2), wasm_i64x2_shuffle(ab, cd, 1, 3));
}

/* `d` of the rows, or `dmin`, times the activations' scale. */
INLINE Vector block_scale(Vector halves, const CoarseBlock* x) {
  return wasm_f32x4_mul(halves_to_floats(halves), x->scale);
}

INLINE Vector add_scaled_sums(Vector total, Vector sums, Vector scale) {
  return multiply_add(wasm_f32x4_convert_i32x4(sums), scale, total);
}
INLINE Vector subtract_scaled_sums(Vector total, Vector sums, Vector scale) {
  return multiply_subtract(wasm_f32x4_convert_i32x4(sums), scale, total);
}

/* ── Scales ─────────────────────────────────────────────────────────────────────────────── */

/* One of eight 16-bit numbers, eight times. */
INLINE Vector splat(Vector numbers, uint32_t n) {
#define CASE(N) \
  case N:       \
    return wasm_i16x8_shuffle(numbers, numbers, N, N, N, N, N, N, N, N)
  switch (n) {
    CASE(0);
    CASE(1);
    CASE(2);
    CASE(3);
    CASE(4);
    CASE(5);
    CASE(6);
    default:
      CASE(7);
  }
#undef CASE
}

INLINE Vector scale_of_part(const PartScales* scales, uint32_t row, uint32_t part) {
  return splat(scales->pairs[part / 4 * 2 + part % 2], 2 * row + part % 4 / 2);
}

/* The rows' sums of activations, each times its part's scale. */
INLINE Vector sums_by_part(const PartScales* scales, const CoarseBlock* x) {
  Vector sum = wasm_i32x4_splat(0);
  UNROLL
  for (uint32_t i = 0; i < PARTS / 2; i++)
    sum = wasm_i32x4_add(sum, wasm_i32x4_dot_i16x8(scales->pairs[i], x->part_sums[i]));
  return sum;
}

/* Scales (or minima) of the sixteen halves of parts, of one row: 16 bits. */
typedef struct {
  Vector halves[2];
} HalfScales;

INLINE Vector scale_of_half(const HalfScales* scales, uint32_t part, uint32_t half) {
  return splat(scales->halves[part / 4], part % 4 * 2 + half);
}

/* Sums of activations, each times its half's scale, in no order. */
INLINE Vector sums_by_half(const HalfScales* scales, const CoarseBlock* x) {
  return wasm_i32x4_add(wasm_i32x4_dot_i16x8(scales->halves[0], x->sums[0]),
                        wasm_i32x4_dot_i16x8(scales->halves[1], x->sums[1]));
}

/* ── One scale for a part ───────────────────────────────────────────────────────────────── */

/* Row by row within a part, so that activations are loaded once for the four. */

/* sum + scale * the products of 32 columns. */
INLINE Vector add_part(Vector sum, Vector first, Vector last, const Vector* x, Vector scale) {
  Vector product = wasm_i16x8_add(dot_pairs(first, x[0]), dot_pairs(last, x[1]));
  return wasm_i32x4_add(sum, wasm_i32x4_dot_i16x8(product, scale));
}

/* Adds the products of parts `part` and `part` + 1, of all rows. */
typedef void AddTwoParts(const uint8_t* const* rows, uint32_t part, const PartScales* scales,
                         const Vector* x, Vector* sums, Anchor* anchor);

INLINE void add_q4_K_parts(const uint8_t* const* rows, uint32_t part, const PartScales* scales,
                           const Vector* x, Vector* sums, Anchor* anchor) {
  UNROLL
  for (uint32_t i = 0; i < 4; i++) {
    const uint8_t* weights = rows[i] + offsetof(BlockQ4_K, weights) + 16 * part;
    Vector first = wasm_v128_load(weights), last = wasm_v128_load(weights + 16);
    Vector sum =
        add_part(sums[i], low_halves(first), low_halves(last), x, scale_of_part(scales, i, part));
    sums[i] = add_part(sum, high_halves(first), high_halves(last), x + 2,
                       scale_of_part(scales, i, part + 1));
    ANCHOR(anchor, sums[i]);
  }
}

INLINE void add_q5_K_parts(const uint8_t* const* rows, uint32_t part, const PartScales* scales,
                           const Vector* x, Vector* sums, Anchor* anchor) {
  UNROLL
  for (uint32_t i = 0; i < 4; i++) {
    const uint8_t* weights = rows[i] + offsetof(BlockQ5_K, weights) + 16 * part;
    const uint8_t* fifth_bits = rows[i] + offsetof(BlockQ5_K, fifth_bits);
    Vector four[2] = {wasm_v128_load(weights), wasm_v128_load(weights + 16)};
    Vector fifth[2] = {wasm_v128_load(fifth_bits), wasm_v128_load(fifth_bits + 16)};
    Vector low[2], high[2];
    UNROLL
    for (uint32_t half = 0; half < 2; half++) {
      low[half] = wasm_v128_or(low_halves(four[half]), as_fifth_bit(fifth[half], part));
      high[half] = wasm_v128_or(high_halves(four[half]), as_fifth_bit(fifth[half], part + 1));
    }
    Vector sum = add_part(sums[i], low[0], low[1], x, scale_of_part(scales, i, part));
    sums[i] = add_part(sum, high[0], high[1], x + 2, scale_of_part(scales, i, part + 1));
    ANCHOR(anchor, sums[i]);
  }
}

INLINE void add_iq4_XS_parts(const uint8_t* const* rows, uint32_t part, const PartScales* scales,
                             const Vector* x, Vector* sums, Anchor* anchor) {
  const Iq4Tables tables = iq4_tables();
  UNROLL
  for (uint32_t n = 0; n < 2; n++) {
    UNROLL
    for (uint32_t i = 0; i < 4; i++) {
      Vector bytes = wasm_v128_load(rows[i] + offsetof(BlockIQ4_XS, weights) + 16 * (part + n));
      Vector first = low_halves(bytes), last = high_halves(bytes);
      Vector scale = scale_of_part(scales, i, part + n);
      Vector sum = add_part(sums[i], look_up(tables.low, first), look_up(tables.low, last),
                            x + 2 * n, scale);
      sums[i] = add_part(sum, look_up(tables.high, first), look_up(tables.high, last), x + 2 * n,
                         wasm_i16x8_shl(scale, 4));
      ANCHOR(anchor, sums[i]);
    }
  }
}

/* The rows' products with the weights as they are stored. */
INLINE Vector product_by_parts(AddTwoParts add_two_parts, const uint8_t* const* rows,
                               const PartScales* scales, const CoarseBlock* block, Anchor* anchor) {
  Vector sums[4];
  UNROLL
  for (uint32_t i = 0; i < 4; i++) sums[i] = wasm_i32x4_splat(0);
  UNROLL
  for (uint32_t part = 0; part < PARTS; part += 2) {
    const Vector* values = block->values + 2 * part;
    Vector x[4] = {values[0], values[1], values[2], values[3]};
    add_two_parts(rows, part, scales, x, sums, anchor);
  }
  return sums_of_rows(sums);
}

/* Q4_K and Q5_K differ only in their weights. */
INLINE Vector add_with_six_bits(AddTwoParts add_two_parts, const uint8_t* const* rows,
                                const CoarseBlock* x, Vector total, Anchor* anchor) {
  Quad head = load_quad(rows, 0);
  SixBits six = six_bits(head);
  PartScales scales = part_scales(six.scales), minima = part_scales(six.minima);
  Vector d = block_scale(lower_halves(head.columns[0]), x);
  Vector dmin = block_scale(upper_halves(head.columns[0]), x);
  total = subtract_scaled_sums(total, sums_by_part(&minima, x), dmin);
  ANCHOR(anchor, total);
  ANCHOR(anchor, d);
  return add_scaled_sums(total, product_by_parts(add_two_parts, rows, &scales, x, anchor), d);
}

INLINE Vector add_q4_K(const uint8_t* const* rows, const void* x, Vector total, Anchor* anchor) {
  return add_with_six_bits(add_q4_K_parts, rows, x, total, anchor);
}

INLINE Vector add_q5_K(const uint8_t* const* rows, const void* x, Vector total, Anchor* anchor) {
  return add_with_six_bits(add_q5_K_parts, rows, x, total, anchor);
}

INLINE Vector add_iq4_XS(const uint8_t* const* rows, const void* block, Vector total,
                         Anchor* anchor) {
  const CoarseBlock* x = block;
  Quad head = load_quad(rows, 0);
  PartScales scales;
  UNROLL
  for (uint32_t i = 0; i < PARTS / 2; i++) {
    uint32_t part = i / 2 * 4 + i % 2;
    Vector first = wasm_v128_and(iq4_XS_scale(head, part), wasm_i32x4_splat(0xffff));
    Vector last = wasm_i32x4_shl(iq4_XS_scale(head, part + 2), 16);
    scales.pairs[i] = wasm_v128_or(first, last);
  }
  Vector d = block_scale(lower_halves(head.columns[0]), x);
  Vector middle = wasm_i32x4_shl(sums_by_part(&scales, x), 7);
  ANCHOR(anchor, middle);
  ANCHOR(anchor, d);
  Vector product = product_by_parts(add_iq4_XS_parts, rows, &scales, x, anchor);
  return add_scaled_sums(total, wasm_i32x4_sub(product, middle), d);
}

/* ── A scale for each half of a part ────────────────────────────────────────────────────── */

/* The products of 16 columns. */
INLINE Vector half_product(Vector weights, const CoarseBlock* x, uint32_t part, uint32_t half) {
  return dot_pairs(weights, x->values[2 * part + half]);
}

INLINE Vector add_product_of_half(Vector sum, Vector weights, const HalfScales* scales,
                                  const CoarseBlock* x, uint32_t part, uint32_t half) {
  Vector product = half_product(weights, x, part, half);
  return wasm_i32x4_add(sum, wasm_i32x4_dot_i16x8(product, scale_of_half(scales, part, half)));
}

/* `d` of types that have it behind all else. */
INLINE Vector last_d(const uint8_t* const* rows, uint64_t block_bytes, const CoarseBlock* x) {
  return block_scale(upper_halves(load_quad(rows, block_bytes - 16).columns[3]), x);
}

INLINE Vector q6_K_row(const uint8_t* row, const CoarseBlock* x, Anchor* anchor) {
  const uint8_t* bytes = row + offsetof(BlockQ6_K, scales);
  HalfScales scales = {{wasm_i16x8_load8x8(bytes), wasm_i16x8_load8x8(bytes + 8)}};
  Vector sum = wasm_i32x4_neg(wasm_i32x4_shl(sums_by_half(&scales, x), 5));
  UNROLL
  for (uint32_t n = 0; n < 4; n++) { /* one half of four parts */
    uint32_t first = n / 2 * 4, half = n % 2;
    const uint8_t* low_bits = row + offsetof(BlockQ6_K, low_bits) + n / 2 * 64 + half * 16;
    Vector low = wasm_v128_load(low_bits), next = wasm_v128_load(low_bits + 32);
    Vector high = wasm_v128_load(row + offsetof(BlockQ6_K, high_bits) + n * 16);
    UNROLL
    for (uint32_t i = 0; i < 4; i++) {
      Vector four = i % 2 ? next : low;
      Vector six =
          wasm_v128_or(i < 2 ? low_halves(four) : high_halves(four), as_upper_bits(high, i));
      sum = add_product_of_half(sum, six, &scales, x, first + i, half);
      if (i % 2) ANCHOR(anchor, sum);
    }
  }
  return sum;
}

INLINE Vector add_q6_K(const uint8_t* const* rows, const void* x, Vector total, Anchor* anchor) {
  Vector sums[4];
  UNROLL
  for (uint32_t i = 0; i < 4; i++) sums[i] = q6_K_row(rows[i], x, anchor);
  return add_scaled_sums(total, sums_of_rows(sums), last_d(rows, sizeof(BlockQ6_K), x));
}

/* `minimum` becomes the row's sums with the minima. */
INLINE Vector q2_K_row(const uint8_t* row, const CoarseBlock* x, Vector* minimum, Anchor* anchor) {
  const uint8_t* bytes = row + offsetof(BlockQ2_K, scales);
  Vector both[2] = {wasm_u16x8_load8x8(bytes), wasm_u16x8_load8x8(bytes + 8)};
  HalfScales minima = {{wasm_u16x8_shr(both[0], 4), wasm_u16x8_shr(both[1], 4)}};
  *minimum = sums_by_half(&minima, x);
  ANCHOR(anchor, *minimum);
  HalfScales scales = {{low_halves(both[0]), low_halves(both[1])}};
  Vector sum = wasm_i32x4_splat(0);
  UNROLL
  for (uint32_t n = 0; n < 4; n++) {
    Vector weights = wasm_v128_load(row + offsetof(BlockQ2_K, weights) + n * 16);
    UNROLL
    for (uint32_t i = 0; i < 4; i++) {
      sum = add_product_of_half(sum, two_bits(weights, i), &scales, x, n / 2 * 4 + i, n % 2);
      if (i % 2) ANCHOR(anchor, sum);
    }
  }
  return sum;
}

INLINE Vector add_q2_K(const uint8_t* const* rows, const void* block, Vector total,
                       Anchor* anchor) {
  const CoarseBlock* x = block;
  Vector sums[4], minima[4];
  UNROLL
  for (uint32_t i = 0; i < 4; i++) sums[i] = q2_K_row(rows[i], x, minima + i, anchor);
  Vector tail = load_quad(rows, sizeof(BlockQ2_K) - 16).columns[3];
  total = subtract_scaled_sums(total, sums_of_rows(minima), block_scale(upper_halves(tail), x));
  return add_scaled_sums(total, sums_of_rows(sums), block_scale(lower_halves(tail), x));
}

/* The scales are a row's sixteen bytes. */
INLINE Vector q3_K_row(const uint8_t* row, Vector bytes, const CoarseBlock* x, Anchor* anchor) {
  HalfScales scales = {{wasm_i16x8_extend_low_i8x16(bytes), wasm_i16x8_extend_high_i8x16(bytes)}};
  Vector sum = wasm_i32x4_neg(wasm_i32x4_shl(sums_by_half(&scales, x), 2));
  const uint8_t* bits = row + offsetof(BlockQ3_K, third_bits);
  Vector third[2] = {wasm_v128_load(bits), wasm_v128_load(bits + 16)};
  UNROLL
  for (uint32_t n = 0; n < 4; n++) {
    Vector weights = wasm_v128_load(row + offsetof(BlockQ3_K, weights) + n * 16);
    UNROLL
    for (uint32_t i = 0; i < 4; i++) {
      uint32_t part = n / 2 * 4 + i, half = n % 2;
      Vector three = wasm_v128_or(two_bits(weights, i), as_third_bit(third[half], part));
      sum = add_product_of_half(sum, three, &scales, x, part, half);
      if (i % 2) ANCHOR(anchor, sum);
    }
  }
  return sum;
}

INLINE Vector add_q3_K(const uint8_t* const* rows, const void* x, Vector total, Anchor* anchor) {
  Quad lanes = q3_K_scale_bytes(rows);
  Quad bytes = transposed(lanes.columns[0], lanes.columns[1], lanes.columns[2], lanes.columns[3]);
  UNROLL
  for (uint32_t i = 0; i < 4; i++) ANCHOR(anchor, bytes.columns[i]);
  Vector sums[4];
  UNROLL
  for (uint32_t i = 0; i < 4; i++) sums[i] = q3_K_row(rows[i], bytes.columns[i], x, anchor);
  return add_scaled_sums(total, sums_of_rows(sums), last_d(rows, sizeof(BlockQ3_K), x));
}

#endif
