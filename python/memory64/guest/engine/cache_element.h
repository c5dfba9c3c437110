/* cache_element.h: keys and values are kept as 16-bit floats, half of what they take otherwise. */
#pragma once

#include <stdint.h>

#include "half.h"

/* Rounded to the nearest, to the even one of two; too large becomes infinity. */
static inline v128_t halves_of(v128_t x) {
  v128_t size = wasm_v128_and(x, wasm_i32x4_splat(0x7fffffff));
  v128_t odd = wasm_v128_and(wasm_u32x4_shr(size, 13), wasm_i32x4_splat(1));
  v128_t rounded = wasm_i32x4_add(wasm_i32x4_add(size, wasm_i32x4_splat(0xfff)), odd);
  v128_t normal = wasm_u32x4_shr(wasm_i32x4_sub(rounded, wasm_i32x4_splat(112 << 23)), 13);
  normal = wasm_u32x4_min(normal, wasm_i32x4_splat(0x7c00));
  /* The last bit of 0.5 is worth what the last bit of a subnormal half is. */
  v128_t shifted = wasm_f32x4_add(size, wasm_f32x4_splat(0.5f));
  v128_t subnormal = wasm_i32x4_sub(shifted, wasm_f32x4_splat(0.5f));
  v128_t is_small = wasm_i32x4_lt(size, wasm_i32x4_splat(113 << 23));
  v128_t is_nan = wasm_i32x4_gt(size, wasm_i32x4_splat(0x7f800000));
  v128_t half = wasm_v128_bitselect(subnormal, normal, is_small);
  half = wasm_v128_bitselect(wasm_i32x4_splat(0x7e00), half, is_nan);
  v128_t sign = wasm_v128_and(wasm_u32x4_shr(x, 16), wasm_i32x4_splat(0x8000));
  return wasm_v128_or(half, sign);
}

/* count is a multiple of 8. */
static inline void write_halves(uint16_t* halves, const float* x, uint64_t count) {
  for (uint64_t i = 0; i < count; i += 8) {
    v128_t low = halves_of(wasm_v128_load(x + i)), high = halves_of(wasm_v128_load(x + i + 4));
    wasm_v128_store(halves + i, wasm_u16x8_narrow_i32x4(low, high));
  }
}
