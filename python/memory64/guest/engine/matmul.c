#include "matmul.h"

#include "floats.h"
#include "one_token_256.h"
#include "one_token_32.h"
#include "quants.h"
#include "rows.h"

_Static_assert(ROW_CHUNK == 4 * GROUPS, "a panel holds a chunk");

#define SLAB_TOKENS 128 /* whose sums are kept beside a chunk's panel */

/* Unpacks as many panel blocks as a quant block has columns for. */
typedef void Unpack(const uint8_t* const* rows, PanelBlock* to);

INLINE void splat_columns(const ActivationBlock* x, Vector* splats) {
  for (uint32_t half = 0; half < 2; half++) {
    Vector v = wasm_v128_load(x->values + 16 * half);
    splats[4 * half] = wasm_i32x4_shuffle(v, v, 0, 0, 0, 0);
    splats[4 * half + 1] = wasm_i32x4_shuffle(v, v, 1, 1, 1, 1);
    splats[4 * half + 2] = wasm_i32x4_shuffle(v, v, 2, 2, 2, 2);
    splats[4 * half + 3] = wasm_i32x4_shuffle(v, v, 3, 3, 3, 3);
  }
}

/* Adds the products of four rows' blocks and a SpreadBlock or CoarseBlock. */
typedef Vector AddBlock(const uint8_t* const* rows, const void* x, Vector total, Anchor* anchor);

/* One token: the rows are as far apart as they can be, since memory is read ahead along them. */
INLINE void times_one(AddBlock add_block, BlockShape shape, const Matrix* weights,
                      uint32_t first_row, uint32_t row_count, const Activations* x, float* out) {
  Anchor anchor_room, *anchor = &anchor_room;
  OPAQUE(anchor);
  int coarse = shape.columns == COARSE_COLUMNS;
  uint32_t blocks = weights->cols / shape.columns;
  uint32_t step = (row_count + 3) / 4, last = first_row + row_count - 1;
  for (uint32_t row = first_row; row < first_row + step; row++) {
    FourRows rows = four_rows(weights, row, step, last);
    const uint8_t* xs = coarse ? (const void*)x->one_coarse : (const void*)x->one_fine;
    Vector total = wasm_f32x4_splat(0);
    for (uint32_t block = 0; block < blocks; block++) {
      for (uint32_t i = 0; i < 4; i++) OPAQUE(rows.start[i]);
      OPAQUE(xs);
      total = add_block(rows.start, xs, total, anchor);
      for (uint32_t i = 0; i < 4; i++) rows.start[i] += shape.bytes;
      xs += coarse ? sizeof(CoarseBlock) : sizeof(SpreadBlock);
    }
    store_rows(out, row, step, last, total);
  }
}

typedef struct {
  PanelBlock panel[8][GROUPS];
  Vector sums[SLAB_TOKENS][GROUPS];
} Slab;

/* Adds the products of the panel's blocks and as many of a token's. */
INLINE void add_token(Form form, const PanelBlock* panel, uint32_t blocks, const ActivationBlock* x,
                      Vector* sums, Anchor* anchor) {
#pragma clang loop unroll(disable)
  for (uint32_t block = 0; block < blocks; block++, panel += GROUPS, x++) {
    OPAQUE(panel);
    OPAQUE(x);
    OPAQUE(sums);
    Vector splats[8];
    splat_columns(x, splats);
    Vector rest = wasm_v128_load(&x->scale);
    Factors factors = {
        .values = splats,
        .scale = wasm_i32x4_shuffle(rest, rest, 0, 0, 0, 0),
        .sum = wasm_i32x4_shuffle(rest, rest, 1, 1, 1, 1),
        .less_pairs = {wasm_i32x4_shuffle(rest, rest, 2, 2, 2, 2),
                       wasm_i32x4_shuffle(rest, rest, 3, 3, 3, 3)},
        .anchor = anchor,
    };
    UNROLL
    for (uint32_t g = 0; g < GROUPS; g++) sums[g] = add_product(form, panel + g, &factors, sums[g]);
  }
}

/* A chunk of rows times up to SLAB_TOKENS tokens. */
INLINE void times_slab(Unpack unpack, Form form, BlockShape shape, const Matrix* weights,
                       uint32_t first_row, uint32_t last_row, const Activations* x,
                       uint32_t first_token, uint32_t tokens, float* out, uint64_t out_stride) {
  Slab slab;
  Anchor anchor_room, *anchor = &anchor_room;
  OPAQUE(anchor);
  FourRows rows[GROUPS];
  for (uint32_t g = 0; g < GROUPS; g++)
    rows[g] = four_rows(weights, first_row + 4 * g, 1, last_row);
  for (uint32_t token = 0; token < tokens; token++)
    for (uint32_t g = 0; g < GROUPS; g++) slab.sums[token][g] = wasm_f32x4_splat(0);
  const ActivationBlock* form_of_x = shape.columns == COARSE_COLUMNS ? x->coarse : x->fine;
  uint32_t row_blocks = weights->cols / BLOCK_COLUMNS, parts = shape.columns / BLOCK_COLUMNS;
  for (uint32_t block = 0; block < row_blocks; block += 8) {
    uint32_t count = row_blocks - block < 8 ? row_blocks - block : 8;
    for (uint32_t g = 0; g < GROUPS; g++)
      for (uint32_t part = 0; part < count; part += parts) {
        unpack(rows[g].start, &slab.panel[part][g]);
        for (uint32_t i = 0; i < 4; i++) rows[g].start[i] += shape.bytes;
      }
    const ActivationBlock* xs = form_of_x + (uint64_t)first_token * row_blocks + block;
    for (uint32_t token = 0; token < tokens; token++, xs += row_blocks)
      add_token(form, slab.panel[0], count, xs, slab.sums[token], anchor);
  }
  for (uint32_t token = 0; token < tokens; token++)
    for (uint32_t g = 0; g < GROUPS; g++)
      store_rows(out + (first_token + token) * out_stride, first_row + 4 * g, 1, last_row,
                 slab.sums[token][g]);
}

INLINE void times(AddBlock add_block, Unpack unpack, Form form, BlockShape shape,
                  const Matrix* weights, uint32_t first_row, uint32_t row_count,
                  const Activations* x, float* out, uint64_t out_stride) {
  if (x->tokens == 1) {
    times_one(add_block, shape, weights, first_row, row_count, x, out);
    return;
  }
  uint32_t end = first_row + row_count;
  for (uint32_t row = first_row; row < end; row += ROW_CHUNK) {
    uint32_t last = end - row < ROW_CHUNK ? end - 1 : row + ROW_CHUNK - 1;
    for (uint32_t token = 0; token < x->tokens; token += SLAB_TOKENS) {
      uint32_t left = x->tokens - token;
      times_slab(unpack, form, shape, weights, row, last, x, token,
                 left < SLAB_TOKENS ? left : SLAB_TOKENS, out, out_stride);
    }
  }
}

#define TIMES(NAME, COLUMNS, BLOCK, ...)                                                        \
  static void times_##NAME(const Matrix* weights, uint32_t first_row, uint32_t row_count,       \
                           const Activations* x, float* out, uint64_t out_stride) {             \
    times(add_##NAME, unpack_##NAME, (Form){__VA_ARGS__}, (BlockShape){COLUMNS, sizeof(BLOCK)}, \
          weights, first_row, row_count, x, out, out_stride);                                   \
  }

TIMES(q4_0, 32, BlockQ4_0, .middle_bits = 3)
TIMES(q4_1, 32, BlockQ4_1, .has_minimum = 1)
TIMES(q5_0, 32, BlockQ5_0, .middle_bits = 4)
TIMES(q5_1, 32, BlockQ5_1, .middle_bits = 4, .has_minimum = 1)
TIMES(q8_0, 32, BlockQ8_0, .wide = 1, .middle_bits = 3)
TIMES(iq4_nl, 32, BlockIQ4_NL, .wide = 1, .middle_bits = 3)
TIMES(q2_K, 256, BlockQ2_K, .by_halves = 1, .has_minimum = 1)
TIMES(q3_K, 256, BlockQ3_K, .by_halves = 1, .middle_bits = 2)
TIMES(q4_K, 256, BlockQ4_K, .has_minimum = 1)
TIMES(q5_K, 256, BlockQ5_K, .middle_bits = 4, .has_minimum = 1)
TIMES(q6_K, 256, BlockQ6_K, .by_halves = 1, .middle_bits = 5)
TIMES(iq4_XS, 256, BlockIQ4_XS, .wide = 1, .middle_bits = 3)

void matmul(const Matrix* weights, uint32_t first_row, uint32_t row_count, const Activations* x,
            float* out, uint64_t out_stride) {
  if (row_count == 0) return;
#define CASE(TYPE, NAME)                                             \
  case TYPE:                                                         \
    times_##NAME(weights, first_row, row_count, x, out, out_stride); \
    return;
  switch (weights->type) {
    CASE(Q4_0, q4_0)
    CASE(Q4_1, q4_1)
    CASE(Q5_0, q5_0)
    CASE(Q5_1, q5_1)
    CASE(Q8_0, q8_0)
    CASE(IQ4_NL, iq4_nl)
    CASE(Q2_K, q2_K)
    CASE(Q3_K, q3_K)
    CASE(Q4_K, q4_K)
    CASE(Q5_K, q5_K)
    CASE(Q6_K, q6_K)
    CASE(IQ4_XS, iq4_XS)
    default:
      times_floats(weights, first_row, row_count, x, out, out_stride);
  }
}
