/* panel_product.h: products of a panel's rows with one of many tokens.

   The same integers as with a single token are added up in another order, and the same floats in
   the same order: so that a token's result is the same to the last bit, alone and among others. */

#ifndef MEMORY64_ENGINE_PANEL_PRODUCT_H
#define MEMORY64_ENGINE_PANEL_PRODUCT_H

#include "panel.h"

/* 32 columns of one token, as the products need them. */
typedef struct {
  Vector values[BLOCK_COLUMNS / 4];      /* four columns, four times over */
  Vector start_of_half[2], start_of_all; /* what pairs of lanes start with, for the middle */
} Factors;

INLINE Factors factors(Form form, const Vector* values, Vector less_pairs) {
  Factors x;
  UNROLL
  for (uint32_t half = 0; half < 2; half++) {
    Vector v = values[half];
    x.values[4 * half] = wasm_i32x4_shuffle(v, v, 0, 0, 0, 0);
    x.values[4 * half + 1] = wasm_i32x4_shuffle(v, v, 1, 1, 1, 1);
    x.values[4 * half + 2] = wasm_i32x4_shuffle(v, v, 2, 2, 2, 2);
    x.values[4 * half + 3] = wasm_i32x4_shuffle(v, v, 3, 3, 3, 3);
  }
  if (!form.middle_bits) less_pairs = wasm_i16x8_splat(0);
  less_pairs = wasm_i16x8_shl(less_pairs, form.middle_bits);
  x.start_of_half[0] = wasm_i32x4_shuffle(less_pairs, less_pairs, 0, 0, 0, 0);
  x.start_of_half[1] = wasm_i32x4_shuffle(less_pairs, less_pairs, 1, 1, 1, 1);
  x.start_of_all = wasm_i16x8_add(x.start_of_half[0], x.start_of_half[1]);
  return x;
}

/* Anchored as seldom as the registers allow. */
INLINE Vector add_pairs(Vector sum, const Vector* weights, const Vector* x, uint32_t count,
                        Anchor* anchor) {
  UNROLL
  for (uint32_t i = 0; i < count; i++) {
    sum = wasm_i16x8_add(sum, dot_pairs(weights[i], x[i]));
    if (i % 3 == 2) ANCHOR(anchor, sum);
  }
  return sum;
}

/* sum + the rows' products with weights as they are stored less the middle, times multipliers. */
INLINE Vector add_part_product(Form form, Vector sum, const PanelWeights* w,
                               const Vector* multiplier, const Factors* x, Anchor* anchor) {
  Vector pairs[2];
  if (form.by_halves) {
    UNROLL
    for (uint32_t half = 0; half < 2; half++)
      pairs[half] =
          add_pairs(x->start_of_half[half], w->low + 4 * half, x->values + 4 * half, 4, anchor);
  } else if (form.wide) {
    pairs[0] = add_pairs(wasm_i16x8_splat(0), w->low, x->values, 8, anchor);
    pairs[1] = add_pairs(x->start_of_all, w->high, x->values, 8, anchor);
  } else {
    pairs[0] = add_pairs(x->start_of_all, w->low, x->values, 8, anchor);
    return wasm_i32x4_add(sum, wasm_i32x4_dot_i16x8(pairs[0], multiplier[0]));
  }
  return wasm_i32x4_add(sum, wasm_i32x4_add(wasm_i32x4_dot_i16x8(pairs[0], multiplier[0]),
                                            wasm_i32x4_dot_i16x8(pairs[1], multiplier[1])));
}

/* Adds the products of some parts of the panel and as many of a token's blocks. */
INLINE void add_fine_token(Form form, const FinePanel* panel, uint32_t parts,
                           const ActivationBlock* x, Vector* sums, Anchor* anchor) {
  const FinePart* w = panel->parts[0];
#pragma clang loop unroll(disable)
  for (uint32_t part = 0; part < parts; part++, w += GROUPS, x++) {
    OPAQUE(w);
    OPAQUE(x);
    OPAQUE(sums);
    Vector values[2] = {wasm_v128_load(x->values), wasm_v128_load(x->values + 16)};
    Vector rest = wasm_v128_load(&x->scale);
    Factors f = factors(form, values, wasm_i32x4_shuffle(rest, rest, 2, 3, 2, 3));
    Vector scale = wasm_i32x4_shuffle(rest, rest, 0, 0, 0, 0);
    Vector sum = wasm_i32x4_shuffle(rest, rest, 1, 1, 1, 1);
    const Vector ones[2] = {wasm_i16x8_splat(1), wasm_i16x8_splat(16)};
    UNROLL
    for (uint32_t g = 0; g < GROUPS; g++) {
      Vector product = add_part_product(form, wasm_i32x4_splat(0), &w[g].weights, ones, &f, anchor);
      sums[g] = multiply_add(wasm_f32x4_convert_i32x4(product), wasm_f32x4_mul(w[g].scale, scale),
                             sums[g]);
      if (form.minima) sums[g] = multiply_subtract(w[g].minimum, sum, sums[g]);
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
  for (uint32_t i = 0; i < 2; i++) {
    Vector s = x->sums[i];
    Vector pairs[4] = {wasm_i32x4_shuffle(s, s, 0, 0, 0, 0), wasm_i32x4_shuffle(s, s, 1, 1, 1, 1),
                       wasm_i32x4_shuffle(s, s, 2, 2, 2, 2), wasm_i32x4_shuffle(s, s, 3, 3, 3, 3)};
    UNROLL
    for (uint32_t part = 0; part < 4; part++)
      sum = wasm_i32x4_add(sum, wasm_i32x4_dot_i16x8(panel->minima[4 * i + part][g], pairs[part]));
  }
  return sum;
}

/* Adds the products of a panel and a token's block. */
INLINE void add_coarse_token(Form form, const CoarsePanel* panel, const CoarseBlock* x,
                             Vector* sums, Anchor* anchor) {
  Vector products[GROUPS];
  for (uint32_t g = 0; g < GROUPS; g++) products[g] = wasm_i32x4_splat(0);
  const CoarsePart* w = panel->parts[0];
  const Vector* values = x->values;
  const int32_t* less_pairs = x->less_pairs[0];
#pragma clang loop unroll(disable)
  for (uint32_t part = 0; part < PARTS; part++, w += GROUPS, values += 2, less_pairs += 2) {
    OPAQUE(w);
    OPAQUE(values);
    OPAQUE(less_pairs);
    Factors f = factors(form, values, wasm_v128_load64_zero(less_pairs));
    UNROLL
    for (uint32_t g = 0; g < GROUPS; g++) {
      products[g] = add_part_product(form, products[g], &w[g].weights, w[g].multiplier, &f, anchor);
      ANCHOR(anchor, products[g]);
    }
  }
  OPAQUE(panel);
  OPAQUE(x);
  OPAQUE(sums);
  UNROLL
  for (uint32_t g = 0; g < GROUPS; g++) {
    Vector total = sums[g];
    if (form.minima) {
      Vector minimum = minimum_product(form, panel, x, g);
      total = multiply_subtract(wasm_f32x4_convert_i32x4(minimum),
                                wasm_f32x4_mul(panel->dmin[g], x->scale), total);
    }
    sums[g] = multiply_add(wasm_f32x4_convert_i32x4(products[g]),
                           wasm_f32x4_mul(panel->d[g], x->scale), total);
  }
}

#endif
