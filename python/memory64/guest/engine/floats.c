#include "floats.h"

#include "half.h"
#include "quants.h"
#include "rows.h"

/* Four weights from column `column` on. */
typedef Vector Load(const uint8_t* row, uint64_t column);

INLINE Vector load_f32(const uint8_t* row, uint64_t column) {
  return wasm_v128_load(row + 4 * column);
}

INLINE Vector load_f16(const uint8_t* row, uint64_t column) {
  return load_halves(row + 2 * column);
}

INLINE Vector load_bf16(const uint8_t* row, uint64_t column) {
  return wasm_i32x4_shl(wasm_u32x4_load16x4(row + 2 * column), 16);
}

/* The products of four rows' last columns, of which there are fewer than four. A function of its
   own, as registers would run out where it is inlined. */
static __attribute__((noinline)) Vector last_products(Load* load, uint32_t bytes,
                                                      const FourRows* rows, const float* values,
                                                      uint64_t column, uint32_t count) {
  uint8_t room[16] = {0};
  Vector x, products[4];
  __builtin_memcpy(room, values + column, count * sizeof(float));
  x = wasm_v128_load(room);
  for (uint32_t i = 0; i < 4; i++) {
    __builtin_memset(room, 0, sizeof room);
    __builtin_memcpy(room, rows->start[i] + column * bytes, count * bytes);
    products[i] = wasm_f32x4_mul(load(room, 0), x);
  }
  return lane_sums(products);
}

#define TILE_TOKENS 2

/* The sums of four rows' products with `tokens` tokens, no more than TILE_TOKENS. */
INLINE void multiply_tile(Load load, const FourRows* rows, uint32_t columns, const float* values,
                          uint32_t tokens, Vector* out) {
  const uint8_t* x[TILE_TOKENS];
  Vector sums[TILE_TOKENS][4];
  UNROLL
  for (uint32_t token = 0; token < tokens; token++) {
    x[token] = (const uint8_t*)(values + (uint64_t)token * columns);
    UNROLL
    for (uint32_t i = 0; i < 4; i++) sums[token][i] = wasm_f32x4_splat(0);
  }
  uint32_t whole = columns & ~3u;
  for (uint64_t column = 0; column < whole; column += 4) {
    UNROLL
    for (uint32_t i = 0; i < 4; i++) {
      Vector weights = load(rows->start[i], column);
      UNROLL
      for (uint32_t token = 0; token < tokens; token++)
        sums[token][i] = multiply_add(weights, load_f32(x[token], column), sums[token][i]);
    }
  }
  UNROLL
  for (uint32_t token = 0; token < tokens; token++) out[token] = lane_sums(sums[token]);
}

INLINE void multiply_rows(Load load, uint32_t bytes, const Matrix* weights, uint32_t first_row,
                          uint32_t row_count, const Activations* x, float* out,
                          uint64_t out_stride) {
  uint32_t cols = weights->cols;
  uint32_t step = (row_count + 3) / 4, last = first_row + row_count - 1;
  for (uint32_t row = first_row; row < first_row + step; row++) {
    FourRows rows = four_rows(weights, row, step, last);
    for (uint32_t token = 0; token < x->tokens; token += TILE_TOKENS) {
      const float* values = x->values + (uint64_t)token * cols;
      uint32_t count = x->tokens - token < TILE_TOKENS ? 1 : TILE_TOKENS;
      Vector sums[TILE_TOKENS];
      if (count == 1)
        multiply_tile(load, &rows, cols, values, 1, sums);
      else
        multiply_tile(load, &rows, cols, values, TILE_TOKENS, sums);
      for (uint32_t i = 0; i < count; i++) {
        if (cols % 4) {
          const float* row_values = values + (uint64_t)i * cols;
          Vector rest = last_products(load, bytes, &rows, row_values, cols & ~3u, cols % 4);
          sums[i] = wasm_f32x4_add(sums[i], rest);
        }
        store_rows(out + (token + i) * out_stride, row, step, last, sums[i]);
      }
    }
  }
}

void times_floats(const Matrix* weights, uint32_t first_row, uint32_t row_count,
                  const Activations* x, float* out, uint64_t out_stride) {
  switch (weights->type) {
    case F32:
      multiply_rows(load_f32, 4, weights, first_row, row_count, x, out, out_stride);
      return;
    case F16:
      multiply_rows(load_f16, 2, weights, first_row, row_count, x, out, out_stride);
      return;
    case BF16:
      multiply_rows(load_bf16, 2, weights, first_row, row_count, x, out, out_stride);
      return;
  }
}
