/* panel_product.h: products of a panel's rows with two of many tokens.

   The same integers as with a single token are added up in another order, and the same floats in
   the same order: so that a token's result is the same to the last bit, alone and among others.

   What is added up lies in memory, for want of registers: those hold sixteen columns of the tokens,
   which all rows are multiplied with. And each store is an anchor, see simd.h. */

#ifndef MEMORY64_ENGINE_PANEL_PRODUCT_H
#define MEMORY64_ENGINE_PANEL_PRODUCT_H

#include "panel.h"

/* Tokens that are multiplied together, so that weights are loaded once for both. */
#define TOGETHER 2

INLINE Vector splat_lane(Vector v, uint32_t lane) {
  switch (lane) {
    case 0:
      return wasm_i32x4_shuffle(v, v, 0, 0, 0, 0);
    case 1:
      return wasm_i32x4_shuffle(v, v, 1, 1, 1, 1);
    case 2:
      return wasm_i32x4_shuffle(v, v, 2, 2, 2, 2);
    default:
      return wasm_i32x4_shuffle(v, v, 3, 3, 3, 3);
  }
}

/* Four columns, four times over, of 16 columns of each token. */
typedef struct {
  Vector fours[TOGETHER][4];
} Factors;

INLINE Factors factors(Vector one, Vector other) {
  Factors x;
  UNROLL
  for (uint32_t i = 0; i < 4; i++) {
    x.fours[0][i] = splat_lane(one, i);
    x.fours[1][i] = splat_lane(other, i);
  }
  return x;
}

/* Weights of four rows in 16 columns. */
typedef struct {
  Vector fours[4];
} Weights;

INLINE Weights load_weights(const Vector* plane, uint32_t half) {
  return *(const Weights*)(plane + 4 * half);
}

INLINE Vector add_pairs(Vector sum, Weights w, const Vector* x) {
  UNROLL
  for (uint32_t i = 0; i < 4; i++) sum = wasm_i16x8_add(sum, dot_pairs(w.fours[i], x[i]));
  return sum;
}

/* What pairs of lanes start with, for the middle: it is in two lanes of `less_pairs`. */
INLINE Vector start_of_half(Form form, Vector less_pairs, uint32_t lane) {
  if (!form.middle_bits) return wasm_i16x8_splat(0);
  return splat_lane(wasm_i16x8_shl(less_pairs, form.middle_bits), lane);
}
INLINE Vector start_of_all(Form form, Vector less_pairs, uint32_t lane) {
  return wasm_i16x8_add(start_of_half(form, less_pairs, lane),
                        start_of_half(form, less_pairs, lane + 1));
}

/* Sums of a part's products so far, in 16 bits. */
typedef struct {
  Vector low[TOGETHER], high[TOGETHER];
} Pairs;

INLINE void first_half(Form form, const PanelWeights* w, const Factors* x, const Vector* start,
                       Pairs* pairs) {
  Weights low = load_weights(w->low, 0);
  UNROLL
  for (uint32_t i = 0; i < TOGETHER; i++)
    pairs->low[i] = add_pairs(form.wide ? wasm_i16x8_splat(0) : start[i], low, x->fours[i]);
  if (!form.wide) return;
  Weights high = load_weights(w->high, 0);
  UNROLL
  for (uint32_t i = 0; i < TOGETHER; i++) pairs->high[i] = add_pairs(start[i], high, x->fours[i]);
}

/* The same of the whole part, times multipliers, in 32 bits: into `low`. */
INLINE void last_half(Form form, const PanelWeights* w, const Vector* multiplier, const Factors* x,
                      Pairs* pairs) {
  Weights low = load_weights(w->low, 1);
  UNROLL
  for (uint32_t i = 0; i < TOGETHER; i++) {
    Vector sum = add_pairs(pairs->low[i], low, x->fours[i]);
    pairs->low[i] = wasm_i32x4_dot_i16x8(sum, multiplier[0]);
  }
  if (!form.wide) return;
  Weights high = load_weights(w->high, 1);
  UNROLL
  for (uint32_t i = 0; i < TOGETHER; i++) {
    Vector sum = add_pairs(pairs->high[i], high, x->fours[i]);
    pairs->low[i] = wasm_i32x4_add(pairs->low[i], wasm_i32x4_dot_i16x8(sum, multiplier[1]));
  }
}

/* Adds the products of some parts of the panel and as many of each token's blocks. */
INLINE void add_fine_tokens(Form form, const FinePanel* panel, uint32_t parts,
                            const ActivationBlock* one, const ActivationBlock* other,
                            Vector (*sums)[GROUPS], Pairs* pairs) {
  const FinePart* w = panel->parts[0];
  const Vector ones[2] = {wasm_i16x8_splat(1), wasm_i16x8_splat(16)};
#pragma clang loop unroll(disable)
  for (uint32_t part = 0; part < parts; part++, w += GROUPS, one++, other++) {
    OPAQUE(w);
    OPAQUE(one);
    OPAQUE(other);
    OPAQUE(sums);
    OPAQUE(pairs);
    Vector rest[TOGETHER] = {wasm_v128_load(&one->scale), wasm_v128_load(&other->scale)};
    Vector start[TOGETHER] = {start_of_all(form, rest[0], 2), start_of_all(form, rest[1], 2)};
    Factors x = factors(wasm_v128_load(one->values), wasm_v128_load(other->values));
    UNROLL
    for (uint32_t g = 0; g < GROUPS; g++) first_half(form, &w[g].weights, &x, start, pairs + g);
    x = factors(wasm_v128_load(one->values + 16), wasm_v128_load(other->values + 16));
    UNROLL
    for (uint32_t g = 0; g < GROUPS; g++) {
      last_half(form, &w[g].weights, ones, &x, pairs + g);
      UNROLL
      for (uint32_t i = 0; i < TOGETHER; i++) {
        Vector scale = wasm_f32x4_mul(w[g].scale, splat_lane(rest[i], 0));
        Vector sum = multiply_add(wasm_f32x4_convert_i32x4(pairs[g].low[i]), scale, sums[i][g]);
        if (form.minima) sum = multiply_subtract(w[g].minimum, splat_lane(rest[i], 1), sum);
        sums[i][g] = sum;
      }
    }
  }
}

/* The rows' sums of minima by activations. */
INLINE Vector minimum_product(Form form, const CoarsePanel* panel, const CoarseBlock* x,
                              uint32_t g) {
  Vector sum = wasm_i32x4_splat(0);
  if (form.minima == MINIMA_OF_PARTS) {
    UNROLL
    for (uint32_t i = 0; i < PARTS / 2; i++)
      sum = wasm_i32x4_add(sum, wasm_i32x4_dot_i16x8(panel->minima[i][g], x->part_sums[i]));
    return sum;
  }
  UNROLL
  for (uint32_t part = 0; part < PARTS; part++) {
    Vector pairs = splat_lane(x->sums[part / 4], part % 4);
    sum = wasm_i32x4_add(sum, wasm_i32x4_dot_i16x8(panel->minima[part][g], pairs));
  }
  return sum;
}

/* The sums of a panel's products, in 32 bits. */
typedef struct {
  Vector of[GROUPS][TOGETHER];
} PanelProducts;

INLINE void add_halves(Form form, const CoarsePart* w, const Vector* one, const Vector* other,
                       const Vector* less_pairs, PanelProducts* products) {
  UNROLL
  for (uint32_t half = 0; half < 2; half++) {
    Factors x = factors(one[half], other[half]);
    Vector start[TOGETHER] = {start_of_half(form, less_pairs[0], half),
                              start_of_half(form, less_pairs[1], half)};
    UNROLL
    for (uint32_t g = 0; g < GROUPS; g++) {
      Weights weights = load_weights(w[g].weights.low, half);
      Vector multiplier = w[g].multiplier[half];
      UNROLL
      for (uint32_t i = 0; i < TOGETHER; i++) {
        Vector sum = wasm_i32x4_dot_i16x8(add_pairs(start[i], weights, x.fours[i]), multiplier);
        products->of[g][i] = wasm_i32x4_add(products->of[g][i], sum);
      }
    }
  }
}

INLINE void add_parts(Form form, const CoarsePart* w, const Vector* one, const Vector* other,
                      const Vector* less_pairs, PanelProducts* products, Pairs* pairs) {
  Vector start[TOGETHER] = {start_of_all(form, less_pairs[0], 0),
                            start_of_all(form, less_pairs[1], 0)};
  Factors x = factors(one[0], other[0]);
  UNROLL
  for (uint32_t g = 0; g < GROUPS; g++) first_half(form, &w[g].weights, &x, start, pairs + g);
  x = factors(one[1], other[1]);
  UNROLL
  for (uint32_t g = 0; g < GROUPS; g++) {
    last_half(form, &w[g].weights, w[g].multiplier, &x, pairs + g);
    UNROLL
    for (uint32_t i = 0; i < TOGETHER; i++)
      products->of[g][i] = wasm_i32x4_add(products->of[g][i], pairs[g].low[i]);
  }
}

/* Adds the products of a panel and a block of each token. */
INLINE void add_coarse_tokens(Form form, const CoarsePanel* panel, const CoarseBlock* one,
                              const CoarseBlock* other, Vector (*sums)[GROUPS],
                              PanelProducts* products, Pairs* pairs) {
  for (uint32_t g = 0; g < GROUPS; g++)
    products->of[g][0] = products->of[g][1] = wasm_i32x4_splat(0);
  const CoarsePart* w = panel->parts[0];
#pragma clang loop unroll(disable)
  for (uint32_t part = 0; part < PARTS; part++, w += GROUPS) {
    const Vector *values = one->values + 2 * part, *others = other->values + 2 * part;
    const int32_t *less = one->less_pairs[part], *others_less = other->less_pairs[part];
    OPAQUE(w);
    OPAQUE(values);
    OPAQUE(others);
    OPAQUE(products);
    OPAQUE(pairs);
    Vector less_pairs[TOGETHER];
    if (form.middle_bits) {
      OPAQUE(less);
      OPAQUE(others_less);
      less_pairs[0] = wasm_v128_load64_zero(less);
      less_pairs[1] = wasm_v128_load64_zero(others_less);
    }
    if (form.by_halves)
      add_halves(form, w, values, others, less_pairs, products);
    else
      add_parts(form, w, values, others, less_pairs, products, pairs);
  }
  const CoarseBlock* x[TOGETHER] = {one, other};
  OPAQUE(panel);
  UNROLL
  for (uint32_t i = 0; i < TOGETHER; i++) {
    OPAQUE(x[i]);
    OPAQUE(sums);
    UNROLL
    for (uint32_t g = 0; g < GROUPS; g++) {
      Vector total = sums[i][g];
      if (form.minima) {
        Vector minimum = minimum_product(form, panel, x[i], g);
        total = multiply_subtract(wasm_f32x4_convert_i32x4(minimum),
                                  wasm_f32x4_mul(panel->dmin[g], x[i]->scale), total);
      }
      sums[i][g] = multiply_add(wasm_f32x4_convert_i32x4(products->of[g][i]),
                                wasm_f32x4_mul(panel->d[g], x[i]->scale), total);
    }
  }
}

#endif
