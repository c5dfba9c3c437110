#include "norm.h"

#include <wasm_simd128.h>

void rms_norm(float* out, const float* x, const float* weight, uint32_t count, float epsilon) {
  /* In double precision: a stream has a few very large values among thousands of small ones. */
  v128_t low = wasm_f64x2_const_splat(0), high = low;
  for (uint32_t i = 0; i < count; i += 4) {
    v128_t four = wasm_v128_load(x + i);
    v128_t first = wasm_f64x2_promote_low_f32x4(four);
    v128_t second = wasm_f64x2_promote_low_f32x4(wasm_i64x2_shuffle(four, four, 1, 1));
    low = wasm_f64x2_add(low, wasm_f64x2_mul(first, first));
    high = wasm_f64x2_add(high, wasm_f64x2_mul(second, second));
  }
  v128_t sum = wasm_f64x2_add(low, high);
  double squares = wasm_f64x2_extract_lane(sum, 0) + wasm_f64x2_extract_lane(sum, 1);
  v128_t scale = wasm_f32x4_splat((float)(1 / __builtin_sqrt(squares / count + (double)epsilon)));
  for (uint32_t i = 0; i < count; i += 4) {
    v128_t scaled = wasm_f32x4_mul(wasm_v128_load(x + i), scale);
    wasm_v128_store(out + i, wasm_f32x4_mul(scaled, wasm_v128_load(weight + i)));
  }
}
