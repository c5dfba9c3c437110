/* one_token_256.h: products of four rows with one token, for quant types in blocks of 256 columns.

   Row by row: lanes hold sums of arbitrary columns, integers that are multiplied by the scales of
   parts or halves of parts as they are, and are added up across the lanes at the block's end. */

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

/* Scales (or minima) of the eight parts, of four rows: 16 bits, a pair for each row. The pairs are
   of parts 0 and 2, 1 and 3, 4 and 6, 5 and 7, as they come out of bytes in the fewest steps. */
typedef struct {
  Vector pairs[PARTS / 2];
} PartScales;

INLINE PartScales part_scales(const Vector* bytes) {
  PartScales scales;
  UNROLL
  for (uint32_t i = 0; i < 2; i++) {
    scales.pairs[2 * i] = wasm_v128_and(bytes[i], wasm_i16x8_splat(255));
    scales.pairs[2 * i + 1] = wasm_u16x8_shr(bytes[i], 8);
  }
  return scales;
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

/* The products of 16 columns. */
INLINE Vector half_product(Vector weights, const CoarseBlock* x, uint32_t part, uint32_t half) {
  return dot_pairs(weights, x->values[2 * part + half]);
}

INLINE Vector add_product_of_part(Vector sum, Vector first, Vector last, Vector scale) {
  return wasm_i32x4_add(sum, wasm_i32x4_dot_i16x8(wasm_i16x8_add(first, last), scale));
}

INLINE Vector q4_K_row(const uint8_t* row, const PartScales* scales, uint32_t number,
                       const CoarseBlock* x, Anchor* anchor) {
  Vector sum = wasm_i32x4_splat(0);
  UNROLL
  for (uint32_t part = 0; part < PARTS; part += 2) {
    const uint8_t* weights = row + offsetof(BlockQ4_K, weights) + 16 * part;
    Vector first = wasm_v128_load(weights), last = wasm_v128_load(weights + 16);
    sum = add_product_of_part(sum, half_product(low_halves(first), x, part, 0),
                              half_product(low_halves(last), x, part, 1),
                              scale_of_part(scales, number, part));
    sum = add_product_of_part(sum, half_product(high_halves(first), x, part + 1, 0),
                              half_product(high_halves(last), x, part + 1, 1),
                              scale_of_part(scales, number, part + 1));
    ANCHOR(anchor, sum);
  }
  return sum;
}

INLINE Vector q5_K_row(const uint8_t* row, const PartScales* scales, uint32_t number,
                       const CoarseBlock* x, Anchor* anchor) {
  const uint8_t* bits = row + offsetof(BlockQ5_K, fifth_bits);
  Vector first_fifth = wasm_v128_load(bits), last_fifth = wasm_v128_load(bits + 16);
  Vector sum = wasm_i32x4_splat(0);
  UNROLL
  for (uint32_t pair = 0; pair < PARTS; pair += 2) {
    const uint8_t* weights = row + offsetof(BlockQ5_K, weights) + 16 * pair;
    Vector first = wasm_v128_load(weights), last = wasm_v128_load(weights + 16);
    UNROLL
    for (uint32_t part = pair; part < pair + 2; part++) {
      Vector four_first = part % 2 ? high_halves(first) : low_halves(first);
      Vector four_last = part % 2 ? high_halves(last) : low_halves(last);
      Vector five_first = wasm_v128_or(four_first, as_fifth_bit(first_fifth, part));
      Vector five_last = wasm_v128_or(four_last, as_fifth_bit(last_fifth, part));
      sum = add_product_of_part(sum, half_product(five_first, x, part, 0),
                                half_product(five_last, x, part, 1),
                                scale_of_part(scales, number, part));
      ANCHOR(anchor, sum);
    }
  }
  return sum;
}

typedef Vector PartsRow(const uint8_t* row, const PartScales* scales, uint32_t number,
                        const CoarseBlock* x, Anchor* anchor);

/* Q4_K and Q5_K differ only in their weights. */
INLINE Vector add_six_bit_scaled(PartsRow product_of_row, const uint8_t* const* rows,
                                 const CoarseBlock* x, Vector total, Anchor* anchor) {
  Quad head = load_quad(rows, 0);
  SixBits six = six_bits(head);
  PartScales scales = part_scales(six.scales), minima = part_scales(six.minima);
  Vector d = block_scale(lower_halves(head.columns[0]), x);
  Vector dmin = block_scale(upper_halves(head.columns[0]), x);
  total = subtract_scaled_sums(total, sums_by_part(&minima, x), dmin);
  ANCHOR(anchor, total);
  ANCHOR(anchor, d);
  Vector sums[4];
  UNROLL
  for (uint32_t i = 0; i < 4; i++) sums[i] = product_of_row(rows[i], &scales, i, x, anchor);
  return add_scaled_sums(total, sums_of_rows(sums), d);
}

INLINE Vector add_q4_K(const uint8_t* const* rows, const void* x, Vector total, Anchor* anchor) {
  return add_six_bit_scaled(q4_K_row, rows, x, total, anchor);
}

INLINE Vector add_q5_K(const uint8_t* const* rows, const void* x, Vector total, Anchor* anchor) {
  return add_six_bit_scaled(q5_K_row, rows, x, total, anchor);
}

INLINE Vector iq4_XS_row(const uint8_t* row, const PartScales* scales, uint32_t number,
                         const CoarseBlock* x, Anchor* anchor) {
  const Iq4Tables tables = iq4_tables();
  Vector sum = wasm_i32x4_splat(0);
  UNROLL
  for (uint32_t part = 0; part < PARTS; part++) {
    Vector bytes = wasm_v128_load(row + offsetof(BlockIQ4_XS, weights) + 16 * part);
    Vector first = low_halves(bytes), last = high_halves(bytes);
    Vector scale = scale_of_part(scales, number, part);
    sum = add_product_of_part(sum, half_product(look_up(tables.low, first), x, part, 0),
                              half_product(look_up(tables.low, last), x, part, 1), scale);
    sum = add_product_of_part(sum, half_product(look_up(tables.high, first), x, part, 0),
                              half_product(look_up(tables.high, last), x, part, 1),
                              wasm_i16x8_shl(scale, 4));
    ANCHOR(anchor, sum);
  }
  return sum;
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
  Vector sums[4];
  UNROLL
  for (uint32_t i = 0; i < 4; i++) sums[i] = iq4_XS_row(rows[i], &scales, i, x, anchor);
  return add_scaled_sums(total, wasm_i32x4_sub(sums_of_rows(sums), middle), d);
}

/* ── A scale for each half of a part ────────────────────────────────────────────────────── */

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
