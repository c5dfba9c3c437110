#include "activations.h"

#include <stddef.h>

static int has_coarse_form(uint32_t columns) {
  return columns % COARSE_COLUMNS == 0;
}

static uint64_t fine_bytes(uint32_t tokens, uint32_t columns) {
  uint64_t blocks = (uint64_t)tokens * (columns / BLOCK_COLUMNS);
  return blocks * (tokens == 1 ? sizeof(SpreadBlock) : sizeof(ActivationBlock));
}

uint64_t activations_bytes(uint32_t tokens, uint32_t columns) {
  uint64_t coarse_blocks = has_coarse_form(columns) ? tokens * (columns / COARSE_COLUMNS) : 0;
  return fine_bytes(tokens, columns) + coarse_blocks * sizeof(CoarseBlock);
}

Activations activations_in(void* room, const float* values, uint32_t tokens, uint32_t columns) {
  uint8_t* behind = (uint8_t*)room + fine_bytes(tokens, columns);
  return (Activations){
      .tokens = tokens,
      .columns = columns,
      .values = values,
      .fine = tokens == 1 ? NULL : room,
      .spread = tokens == 1 ? room : NULL,
      .coarse = has_coarse_form(columns) ? (CoarseBlock*)behind : NULL,
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

INLINE float largest(const float* values, uint32_t count) {
  Vector v = wasm_f32x4_splat(0);
  for (uint32_t i = 0; i < count; i += 4)
    v = wasm_f32x4_pmax(v, wasm_f32x4_abs(wasm_v128_load(values + i)));
  return largest_lane(v);
}

/* 32 columns, of which `amax` is to become 127. */
INLINE Quantized quantized(const float* values, float amax) {
  /* Below this the factor would be infinite; such blocks count as zeros. */
  Vector factor = wasm_f32x4_splat(amax > 1e-36f ? 127 / amax : 0);
  Vector v[8];
  for (uint32_t i = 0; i < 8; i++)
    v[i] = rounded(wasm_f32x4_mul(wasm_v128_load(values + 4 * i), factor));
  Quantized block = {.scale = amax / 127};
  for (uint32_t i = 0; i < 4; i++) block.words[i] = wasm_i16x8_narrow_i32x4(v[2 * i], v[2 * i + 1]);
  block.less_pairs[0] = less_pairs(block.words[0], block.words[1]);
  block.less_pairs[1] = less_pairs(block.words[2], block.words[3]);
  int32_t sum = -pair_sum(block.less_pairs[0]) - pair_sum(block.less_pairs[1]);
  block.sum = block.scale * (float)sum;
  return block;
}

/* The first or the last 16 columns. */
INLINE Vector values_of(const Quantized* block, uint32_t half) {
  return wasm_i8x16_narrow_i16x8(block->words[2 * half], block->words[2 * half + 1]);
}

INLINE void write_block(const Quantized* block, ActivationBlock* to) {
  for (uint32_t half = 0; half < 2; half++)
    wasm_v128_store(to->values + 16 * half, values_of(block, half));
  to->scale = block->scale;
  to->sum = block->sum;
  __builtin_memcpy(to->less_pairs, block->less_pairs, sizeof to->less_pairs);
}

INLINE void write_spread(const Quantized* block, SpreadBlock* to) {
  for (uint32_t half = 0; half < 2; half++) {
    Vector v = values_of(block, half);
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

static void quantize_fine(const Activations* x, const float* values, uint32_t token,
                          uint32_t first) {
  for (uint32_t i = 0; i < blocks_together(x, first); i++, values += BLOCK_COLUMNS) {
    Quantized block = quantized(values, largest(values, BLOCK_COLUMNS));
    if (x->spread)
      write_spread(&block, x->spread + first + i);
    else
      write_block(&block, fine_blocks(x, token, first) + i);
  }
}

static void write_coarse_block(const Quantized* parts, CoarseBlock* to) {
  int16_t sums[2 * PARTS], part_sums[PARTS];
  for (uint32_t part = 0; part < PARTS; part++) {
    for (uint32_t half = 0; half < 2; half++) {
      to->values[2 * part + half] = values_of(parts + part, half);
      to->less_pairs[part][half] = parts[part].less_pairs[half];
      sums[2 * part + half] = (int16_t)-pair_sum(parts[part].less_pairs[half]);
    }
    part_sums[part] = sums[2 * part] + sums[2 * part + 1];
  }
  __builtin_memcpy(to->sums, sums, sizeof sums);
  for (uint32_t i = 0; i < PARTS / 2; i++) {
    uint32_t part = i / 2 * 4 + i % 2;
    to->part_sums[i] = wasm_i32x4_splat((part_sums[part] & 0xffff) | part_sums[part + 2] << 16);
  }
  to->scale = wasm_f32x4_splat(parts->scale);
}

static void quantize_coarse(const float* values, CoarseBlock* to) {
  float amax = largest(values, COARSE_COLUMNS);
  Quantized parts[PARTS];
  for (uint32_t part = 0; part < PARTS; part++)
    parts[part] = quantized(values + part * BLOCK_COLUMNS, amax);
  write_coarse_block(parts, to);
}

void quantize_blocks(const Activations* x, uint32_t token, uint32_t first_block,
                     uint32_t block_count) {
  const float* values = x->values + (uint64_t)token * x->columns;
  for (uint32_t first = first_block; first < first_block + block_count; first += PARTS) {
    const float* columns = values + (uint64_t)first * BLOCK_COLUMNS;
    quantize_fine(x, columns, token, first);
    if (x->coarse) quantize_coarse(columns, coarse_block(x, token, first));
  }
}
