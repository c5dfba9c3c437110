#include "gating.h"

#include "exponential.h"

/* 0.5 x (1 + tanh(u)) = x sigmoid(2 u), with u = sqrt(2 / pi) (x + 0.044715 x³) */
static v128_t gelu(v128_t x) {
  v128_t cube = wasm_f32x4_mul(wasm_f32x4_mul(x, x), x);
  v128_t inner = wasm_f32x4_add(x, wasm_f32x4_mul(splat(0.044715f), cube));
  return wasm_f32x4_mul(x, sigmoid(wasm_f32x4_mul(splat(1.5957691216f), inner)));
}

static v128_t silu(v128_t x) {
  return wasm_f32x4_mul(x, sigmoid(x));
}

void apply_gate(float* gate, const float* up, uint32_t count, Gating gating) {
  for (uint32_t i = 0; i < count; i += 4) {
    v128_t x = wasm_v128_load(gate + i);
    v128_t active = gating == SILU ? silu(x) : gelu(x);
    wasm_v128_store(gate + i, wasm_f32x4_mul(active, wasm_v128_load(up + i)));
  }
}
