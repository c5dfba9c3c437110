#include "matmul.h"

#include "floats.h"
#include "one_token_256.h"
#include "one_token_32.h"
#include "panel_product.h"
#include "quants.h"
#include "rows.h"

_Static_assert(ROW_CHUNK == 4 * GROUPS, "a panel holds a chunk");

#define SLAB_TOKENS 128

/* Adds the products of four rows' blocks and a SpreadBlock or CoarseBlock. */
typedef Vector AddBlock(const uint8_t* const* rows, const void* x, Vector total, Anchor* anchor);

typedef void UnpackFine(const uint8_t* const* rows, FinePart* to);
typedef void UnpackCoarse(const uint8_t* const* rows, CoarsePanel* to, uint32_t g);

/* What tells a type from others; known when compiled. It has one of the two ways to unpack. */
typedef struct {
  BlockShape shape;
  Form form;
  AddBlock* add_block;
  UnpackFine* unpack_fine;
  UnpackCoarse* unpack_coarse;
} Type;

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
    const uint8_t* xs = coarse ? (const void*)x->coarse : (const void*)x->spread;
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

/* A chunk of rows, 256 columns of it unpacked, its sums with some tokens so far, and room for what
   is being added to them. */
typedef struct {
  union {
    FinePanel fine;
    CoarsePanel coarse;
  } panel;
  Vector sums[SLAB_TOKENS][GROUPS];
  Pairs pairs[GROUPS];
  PanelProducts products;
} Slab;

/* Up to 256 columns from block `first` of 32 on, for all tokens of the slab; the last one twice
   where they are an odd number. */
INLINE void times_panel(Type type, FourRows* rows, uint32_t first, const Activations* x,
                        uint32_t first_token, uint32_t tokens, Slab* slab) {
  uint32_t count = blocks_together(x, first);
  int coarse = type.unpack_coarse != 0;
  for (uint32_t g = 0; g < GROUPS; g++)
    for (uint32_t part = 0; part < (coarse ? 1 : count); part++) {
      if (coarse)
        type.unpack_coarse(rows[g].start, &slab->panel.coarse, g);
      else
        type.unpack_fine(rows[g].start, &slab->panel.fine.parts[part][g]);
      for (uint32_t i = 0; i < 4; i++) rows[g].start[i] += type.shape.bytes;
    }
  for (uint32_t i = 0; i < tokens; i += TOGETHER) {
    uint32_t one = first_token + i, other = i + 1 < tokens ? one + 1 : one;
    if (coarse)
      add_coarse_tokens(type.form, &slab->panel.coarse, coarse_block(x, one, first),
                        coarse_block(x, other, first), slab->sums + i, &slab->products,
                        slab->pairs);
    else
      add_fine_tokens(type.form, &slab->panel.fine, count, fine_blocks(x, one, first),
                      fine_blocks(x, other, first), slab->sums + i, slab->pairs);
  }
}

/* A chunk of rows times up to SLAB_TOKENS tokens. */
INLINE void times_slab(Type type, const Matrix* weights, uint32_t first_row, uint32_t last_row,
                       const Activations* x, uint32_t first_token, uint32_t tokens, float* out,
                       uint64_t out_stride) {
  Slab slab;
  FourRows rows[GROUPS];
  for (uint32_t g = 0; g < GROUPS; g++)
    rows[g] = four_rows(weights, first_row + 4 * g, 1, last_row);
  for (uint32_t token = 0; token < tokens + tokens % TOGETHER; token++)
    for (uint32_t g = 0; g < GROUPS; g++) slab.sums[token][g] = wasm_f32x4_splat(0);
  uint32_t row_blocks = weights->cols / BLOCK_COLUMNS;
  for (uint32_t block = 0; block < row_blocks; block += PARTS)
    times_panel(type, rows, block, x, first_token, tokens, &slab);
  for (uint32_t token = 0; token < tokens; token++)
    for (uint32_t g = 0; g < GROUPS; g++)
      store_rows(out + (first_token + token) * out_stride, first_row + 4 * g, 1, last_row,
                 slab.sums[token][g]);
}

INLINE void times(Type type, const Matrix* weights, uint32_t first_row, uint32_t row_count,
                  const Activations* x, float* out, uint64_t out_stride) {
  if (x->tokens == 1) {
    times_one(type.add_block, type.shape, weights, first_row, row_count, x, out);
    return;
  }
  uint32_t end = first_row + row_count;
  for (uint32_t row = first_row; row < end; row += ROW_CHUNK) {
    uint32_t last = end - row < ROW_CHUNK ? end - 1 : row + ROW_CHUNK - 1;
    for (uint32_t token = 0; token < x->tokens; token += SLAB_TOKENS) {
      uint32_t left = x->tokens - token;
      times_slab(type, weights, row, last, x, token, left < SLAB_TOKENS ? left : SLAB_TOKENS, out,
                 out_stride);
    }
  }
}

#define TIMES(NAME, COLUMNS, BLOCK, UNPACK, ...)                                          \
  static void times_##NAME(const Matrix* weights, uint32_t first_row, uint32_t row_count, \
                           const Activations* x, float* out, uint64_t out_stride) {       \
    const Type type = {                                                                   \
        {COLUMNS, sizeof(BLOCK)}, {__VA_ARGS__}, add_##NAME, .UNPACK = unpack_##NAME};    \
    times(type, weights, first_row, row_count, x, out, out_stride);                       \
  }
#define TIMES_32(NAME, BLOCK, ...) TIMES(NAME, 32, BLOCK, unpack_fine, __VA_ARGS__)
#define TIMES_256(NAME, BLOCK, ...) TIMES(NAME, 256, BLOCK, unpack_coarse, __VA_ARGS__)

TIMES_32(q4_0, BlockQ4_0, .middle_bits = 3)
TIMES_32(q4_1, BlockQ4_1, .minima = MINIMA_OF_PARTS)
TIMES_32(q5_0, BlockQ5_0, .middle_bits = 4)
TIMES_32(q5_1, BlockQ5_1, .middle_bits = 4, .minima = MINIMA_OF_PARTS)
TIMES_32(q8_0, BlockQ8_0, .wide = 1, .middle_bits = 3)
TIMES_32(iq4_nl, BlockIQ4_NL, .wide = 1, .middle_bits = 3)
TIMES_256(q2_K, BlockQ2_K, .by_halves = 1, .minima = MINIMA_OF_HALVES)
TIMES_256(q3_K, BlockQ3_K, .by_halves = 1, .middle_bits = 2)
TIMES_256(q4_K, BlockQ4_K, .minima = MINIMA_OF_PARTS)
TIMES_256(q5_K, BlockQ5_K, .by_halves = 1, .minima = MINIMA_OF_PARTS)
TIMES_256(q6_K, BlockQ6_K, .by_halves = 1, .middle_bits = 5)
TIMES_256(iq4_XS, BlockIQ4_XS, .wide = 1, .middle_bits = 3)

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
