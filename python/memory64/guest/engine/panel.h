/* panel.h: weights of four rows, unpacked into the one form that all quant types are multiplied in.

   A vector of weights holds four columns of each of the four rows, so that a product's lanes are
   the rows' and need no adding up in the end. Weights are unsigned and small. Where a type's are
   around zero they are stored plus half their range, and sums start with as much less: then all
   products of a block fit into 16 bits, though they would not if weights counted from zero. */

#ifndef MEMORY64_ENGINE_PANEL_H
#define MEMORY64_ENGINE_PANEL_H

#include "activations.h"
#include "simd.h"

/* Rows are taken four at a time, and so many groups of four lie beside each other in a panel. */
#define GROUPS 4

/* weight = scale * multiplier * (stored - middle) - minimum, where `multiplier` and `minima` are
   those of the first or of the last 16 columns. */
typedef struct {
  Vector weights[BLOCK_COLUMNS / 4];
  Vector high_weights[BLOCK_COLUMNS / 4]; /* of wide forms: 16 times these are added */
  Vector multiplier[2];                   /* of forms by halves: 16 bits, twice */
  Vector scale;
  Vector minimum;   /* a float; or, by halves, what the minima are multiplied with */
  Vector minima[2]; /* of forms by halves that have minima: 16 bits, twice */
} PanelBlock;

/* What a type needs; known when compiled. */
typedef struct {
  uint32_t middle_bits; /* middle = 1 << middle_bits (times 16 in wide forms); 0 for no middle */
  int by_halves;        /* scales are of 16 columns, else of 32 */
  int wide;             /* weights of eight bits, in two planes */
  int has_minimum;
} Form;

/* 32 columns of one token, as the products need them. */
typedef struct {
  const Vector* values;
  Vector scale, sum;
  Vector less_pairs[2];
  Anchor* anchor;
} Factors;

/* What a pair of lanes starts with, for the middle of all columns, or of one half of them. */
INLINE Vector start_of_all(Form form, const Factors* x) {
  if (!form.middle_bits) return wasm_i16x8_splat(0);
  return wasm_i16x8_shl(wasm_i16x8_add(x->less_pairs[0], x->less_pairs[1]), form.middle_bits);
}
INLINE Vector start_of_half(Form form, const Factors* x, uint32_t half) {
  if (!form.middle_bits) return wasm_i16x8_splat(0);
  return wasm_i16x8_shl(x->less_pairs[half], form.middle_bits);
}

INLINE Vector add_pairs(Vector sum, const Vector* weights, const Vector* x, uint32_t count,
                        Anchor* anchor) {
  UNROLL
  for (uint32_t i = 0; i < count; i++) {
    sum = wasm_i16x8_add(sum, dot_pairs(weights[i], x[i]));
    if (i % 2) ANCHOR(anchor, sum);
  }
  return sum;
}

INLINE Vector widened(Vector pairs, int16_t factor) {
  return wasm_i32x4_dot_i16x8(pairs, wasm_i16x8_splat(factor));
}

/* The rows' sums of weights by quantised activations, times the multipliers. */
INLINE Vector integer_product(Form form, const PanelBlock* w, const Factors* x) {
  if (form.by_halves) {
    Vector sum[2];
    UNROLL
    for (uint32_t half = 0; half < 2; half++) {
      Vector pairs = add_pairs(start_of_half(form, x, half), w->weights + 4 * half,
                               x->values + 4 * half, 4, x->anchor);
      sum[half] = wasm_i32x4_dot_i16x8(pairs, w->multiplier[half]);
    }
    return wasm_i32x4_add(sum[0], sum[1]);
  }
  Vector start = start_of_all(form, x);
  if (!form.wide) return widened(add_pairs(start, w->weights, x->values, 8, x->anchor), 1);
  Vector none = wasm_i16x8_splat(0);
  Vector low = widened(add_pairs(none, w->weights, x->values, 8, x->anchor), 1);
  Vector high = add_pairs(start, w->high_weights, x->values, 8, x->anchor);
  return wasm_i32x4_add(low, widened(high, 16));
}

/* total + the rows' products with the token's columns. */
INLINE Vector add_product(Form form, const PanelBlock* w, const Factors* x, Vector total) {
  Vector product = wasm_f32x4_convert_i32x4(integer_product(form, w, x));
  total = multiply_add(wasm_f32x4_mul(product, w->scale), x->scale, total);
  if (form.has_minimum && form.by_halves) {
    Vector minus = wasm_i32x4_add(wasm_i32x4_dot_i16x8(w->minima[0], x->less_pairs[0]),
                                  wasm_i32x4_dot_i16x8(w->minima[1], x->less_pairs[1]));
    minus = wasm_f32x4_mul(wasm_f32x4_convert_i32x4(minus), w->minimum);
    return multiply_add(minus, x->scale, total);
  }
  return form.has_minimum ? multiply_subtract(w->minimum, x->sum, total) : total;
}

/* Sixteen bytes of each row, four bytes of each in a vector. */
typedef struct {
  Vector columns[4];
} Quad;

INLINE Quad transposed(Vector a, Vector b, Vector c, Vector d) {
  Vector ab_first = wasm_i32x4_shuffle(a, b, 0, 4, 1, 5);
  Vector cd_first = wasm_i32x4_shuffle(c, d, 0, 4, 1, 5);
  Vector ab_last = wasm_i32x4_shuffle(a, b, 2, 6, 3, 7);
  Vector cd_last = wasm_i32x4_shuffle(c, d, 2, 6, 3, 7);
  return (Quad){{
      wasm_i64x2_shuffle(ab_first, cd_first, 0, 2),
      wasm_i64x2_shuffle(ab_first, cd_first, 1, 3),
      wasm_i64x2_shuffle(ab_last, cd_last, 0, 2),
      wasm_i64x2_shuffle(ab_last, cd_last, 1, 3),
  }};
}

INLINE Quad load_quad(const uint8_t* const* rows, uint64_t offset) {
  return transposed(wasm_v128_load(rows[0] + offset), wasm_v128_load(rows[1] + offset),
                    wasm_v128_load(rows[2] + offset), wasm_v128_load(rows[3] + offset));
}

/* The first four bytes of each row; sixteen are read. */
INLINE Vector first_lanes(const uint8_t* const* rows, uint64_t offset) {
  return load_quad(rows, offset).columns[0];
}

INLINE Vector low_halves(Vector bytes) {
  return wasm_v128_and(bytes, wasm_i8x16_splat(15));
}
INLINE Vector high_halves(Vector bytes) {
  return wasm_v128_and(wasm_u16x8_shr(bytes, 4), wasm_i8x16_splat(15));
}

#endif
