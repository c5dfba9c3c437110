/* e^x and what is made of it, four at a time. */
#pragma once

#include "simd.h"

static inline v128_t splat(float value) {
  return wasm_f32x4_splat(value);
}

/* Relative error below 2e-7. Below -87.3 the result would be subnormal, and is as small as e^-87.3;
   above 88 it is as large as e^88. */
static inline v128_t exponential(v128_t x) {
  x = wasm_f32x4_max(wasm_f32x4_min(x, splat(88.0f)), splat(-87.3f));
  /* x = n ln 2 + r with |r| <= ln 2 / 2; ln 2 in two parts, the first exact in few bits. In a float
     of the size of `big` the last bit counts ones. */
  v128_t big = splat(12582912.0f); /* 1.5 * 2^23 */
  v128_t rounded = multiply_add(x, splat(1.44269504f), big);
  v128_t n = wasm_f32x4_sub(rounded, big);
  v128_t r = multiply_subtract(n, splat(0.693359375f), x);
  r = multiply_add(n, splat(2.12194440e-4f), r);
  /* Taylor's series, whose seventh term is below 2e-8 here. */
  v128_t sum = splat(1.0f / 5040);
  const float terms[] = {1.0f / 720, 1.0f / 120, 1.0f / 24, 1.0f / 6, 0.5f, 1.0f, 1.0f};
  for (int i = 0; i < 7; i++) sum = multiply_add(sum, r, splat(terms[i]));
  /* Times 2^n: n is added to the exponent. */
  return wasm_i32x4_add(sum, wasm_i32x4_shl(rounded, 23));
}

static inline v128_t sigmoid(v128_t x) {
  v128_t one = splat(1.0f);
  return wasm_f32x4_div(one, wasm_f32x4_add(one, exponential(wasm_f32x4_neg(x))));
}
