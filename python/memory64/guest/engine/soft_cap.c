#include "soft_cap.h"

#include "exponential.h"

static v128_t hyperbolic_tangent(v128_t x) {
  v128_t twice = wasm_f32x4_add(x, x);
  return wasm_f32x4_sub(wasm_f32x4_mul(splat(2.0f), sigmoid(twice)), splat(1.0f));
}

void soft_cap(float* x, uint64_t count, float cap) {
  for (uint64_t i = 0; i < count; i += 4) {
    v128_t parts = wasm_f32x4_div(wasm_v128_load(x + i), splat(cap));
    wasm_v128_store(x + i, wasm_f32x4_mul(splat(cap), hyperbolic_tangent(parts)));
  }
}
