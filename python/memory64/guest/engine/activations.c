#include "activations.h"

#include <stddef.h>

uint64_t activations_bytes(uint32_t tokens, uint32_t columns) {
  uint64_t blocks = (uint64_t)tokens * (columns / BLOCK_COLUMNS);
  return blocks * (tokens == 1 ? sizeof(SpreadBlock) : sizeof(ActivationBlock));
}

Activations activations_in(void* room, const float* values, uint32_t tokens, uint32_t columns) {
  return (Activations){
      .tokens = tokens,
      .columns = columns,
      .values = values,
      .blocks = tokens == 1 ? NULL : room,
      .spread = tokens == 1 ? room : NULL,
  };
}

INLINE float largest_lane(Vector v) {
  v = wasm_f32x4_pmax(v, wasm_i32x4_shuffle(v, v, 2, 3, 0, 1));
  v = wasm_f32x4_pmax(v, wasm_i32x4_shuffle(v, v, 1, 0, 3, 2));
  return wasm_f32x4_extract_lane(v, 0);
}

/* Rounds to the nearest integer, -127…127: in a float of this size the last bit counts ones. */
INLINE Vector rounded(Vector v) {
  const float big = 12582912.0f; /* 1.5 * 2^23 */
  return wasm_i32x4_sub(wasm_f32x4_add(v, wasm_f32x4_splat(big)),
                        wasm_i32x4_splat(0x4b400000)); /* the bits of `big` */
}

/* A block while it is made. */
typedef struct {
  Vector words[4]; /* 16 bits */
  int32_t less_pairs[2];
  float scale, sum;
} Quantized;

/* Minus the sums of 16 columns, a pair of them. */
INLINE int32_t less_pairs(Vector first, Vector last) {
  Vector ones = wasm_i16x8_splat(1);
  Vector pairs = wasm_i32x4_dot_i16x8(wasm_i16x8_add(first, last), ones);
  pairs = wasm_i32x4_neg(wasm_i32x4_add(pairs, wasm_i32x4_shuffle(pairs, pairs, 2, 3, 0, 1)));
  return (wasm_i32x4_extract_lane(pairs, 0) & 0xffff) | wasm_i32x4_extract_lane(pairs, 1) << 16;
}

INLINE int32_t pair_sum(int32_t pairs) {
  return (int16_t)pairs + (pairs >> 16);
}

INLINE Quantized quantized(const float* values) {
  Vector v[8];
  for (uint32_t i = 0; i < 8; i++) v[i] = wasm_v128_load(values + 4 * i);
  Vector largest = wasm_f32x4_abs(v[0]);
  for (uint32_t i = 1; i < 8; i++) largest = wasm_f32x4_pmax(largest, wasm_f32x4_abs(v[i]));
  float amax = largest_lane(largest);
  /* Below this the factor would be infinite; such blocks count as zeros. */
  Vector factor = wasm_f32x4_splat(amax > 1e-36f ? 127 / amax : 0);
  for (uint32_t i = 0; i < 8; i++) v[i] = rounded(wasm_f32x4_mul(v[i], factor));
  Quantized block = {.scale = amax / 127};
  for (uint32_t i = 0; i < 4; i++) block.words[i] = wasm_i16x8_narrow_i32x4(v[2 * i], v[2 * i + 1]);
  block.less_pairs[0] = less_pairs(block.words[0], block.words[1]);
  block.less_pairs[1] = less_pairs(block.words[2], block.words[3]);
  int32_t sum = -pair_sum(block.less_pairs[0]) - pair_sum(block.less_pairs[1]);
  block.sum = block.scale * (float)sum;
  return block;
}

INLINE void write_block(const Quantized* block, ActivationBlock* to) {
  for (uint32_t half = 0; half < 2; half++)
    wasm_v128_store(to->values + 16 * half,
                    wasm_i8x16_narrow_i16x8(block->words[2 * half], block->words[2 * half + 1]));
  to->scale = block->scale;
  to->sum = block->sum;
  __builtin_memcpy(to->less_pairs, block->less_pairs, sizeof to->less_pairs);
}

INLINE void write_spread(const Quantized* block, SpreadBlock* to) {
  for (uint32_t half = 0; half < 2; half++) {
    Vector v = wasm_i8x16_narrow_i16x8(block->words[2 * half], block->words[2 * half + 1]);
    to->values[4 * half] = wasm_i32x4_shuffle(v, v, 0, 0, 0, 0);
    to->values[4 * half + 1] = wasm_i32x4_shuffle(v, v, 1, 1, 1, 1);
    to->values[4 * half + 2] = wasm_i32x4_shuffle(v, v, 2, 2, 2, 2);
    to->values[4 * half + 3] = wasm_i32x4_shuffle(v, v, 3, 3, 3, 3);
    to->less_pairs[half] = wasm_i32x4_splat(block->less_pairs[half]);
  }
  to->scale = wasm_f32x4_splat(block->scale);
  to->sum = wasm_f32x4_splat(block->sum);
  for (uint32_t i = 0; i < 4; i++) to->words[i] = block->words[i];
}

void quantize_blocks(const Activations* x, uint32_t token, uint32_t first_block,
                     uint32_t block_count) {
  uint64_t row_start = (uint64_t)token * (x->columns / BLOCK_COLUMNS);
  const float* values = x->values + (uint64_t)token * x->columns;
  for (uint32_t i = first_block; i < first_block + block_count; i++) {
    Quantized block = quantized(values + (uint64_t)i * BLOCK_COLUMNS);
    if (x->spread)
      write_spread(&block, x->spread + i);
    else
      write_block(&block, x->blocks + row_start + i);
  }
}
