/* activations.h: the vectors that weights are multiplied with, one per token, and their 8-bit form.

   value ≈ scale * quantised, quantised in -127…127. As many columns share a scale as a block of
   the weights has: 32 in the fine form, 256 in the coarse one. Both are made, the coarse one where
   the columns are whole blocks of it, since matrices of several types may be multiplied with the
   same activations. */

#ifndef MEMORY64_ENGINE_ACTIVATIONS_H
#define MEMORY64_ENGINE_ACTIVATIONS_H

#include "simd.h"

#define BLOCK_COLUMNS 32
#define PARTS 8 /* of 32 columns, in a block of 256 */
#define COARSE_COLUMNS (PARTS * BLOCK_COLUMNS)

/* 32 columns of one token, in the fine form. */
typedef struct {
  int8_t values[BLOCK_COLUMNS];
  float scale;
  float sum;             /* of the values that `values` stands for: what a minimum is added for */
  int16_t less_pairs[4]; /* see less_pairs in SpreadBlock */
} ActivationBlock;

/* The same for a single token, as vectors: a load that splats would cost two instructions more. */
typedef struct {
  Vector values[BLOCK_COLUMNS / 4]; /* four columns, four times over: for four rows */
  Vector scale, sum;
  Vector less_pairs[2];            /* of the first and of the last 16 columns; see below */
  Vector words[BLOCK_COLUMNS / 8]; /* all columns once, as 16 bits: for one row */
} SpreadBlock;

/* Products are added up in pairs of lanes: one for columns 0, 1, 4, 5, 8, …, one for the others.
   `less_pairs` are those columns' sums, times -1: shifted left by n, they are what such a pair of
   lanes starts with where weights are stored plus 1 << n. */

/* 256 columns of one token, in the coarse form. */
typedef struct {
  Vector values[2 * PARTS];     /* 16 columns each */
  Vector sums[2];               /* of the quantised values of 16 columns each, 16 bits */
  Vector part_sums[PARTS / 2];  /* of parts 0 and 2, 1 and 3, 4 and 6, 5 and 7, four times */
  int32_t less_pairs[PARTS][2]; /* of the first and of the last 16 columns, pairs of 16 bits */
  Vector scale;
} CoarseBlock;

/* What is multiplied together lies together: of each 256 columns, or the rest that is less, the
   blocks of all tokens. */
typedef struct {
  uint32_t tokens, columns;
  const float* values;   /* tokens x columns */
  ActivationBlock* fine; /* tokens x columns / 32; null where there is a single token */
  SpreadBlock* spread;   /* columns / 32 where there is a single token; else null */
  CoarseBlock* coarse;   /* tokens x columns / 256; null where the columns are no whole blocks */
} Activations;

/* How many blocks of 32 columns lie together, from `first` on, a multiple of PARTS. */
INLINE uint32_t blocks_together(const Activations* x, uint32_t first) {
  uint32_t left = x->columns / BLOCK_COLUMNS - first;
  return left < PARTS ? left : PARTS;
}

/* A token's blocks from `first` on. */
INLINE ActivationBlock* fine_blocks(const Activations* x, uint32_t token, uint32_t first) {
  return x->fine + (uint64_t)first * x->tokens + (uint64_t)token * blocks_together(x, first);
}
INLINE CoarseBlock* coarse_block(const Activations* x, uint32_t token, uint32_t first) {
  return x->coarse + (uint64_t)(first / PARTS) * x->tokens + token;
}

/* Bytes of the 8-bit forms. */
uint64_t activations_bytes(uint32_t tokens, uint32_t columns);

/* The 8-bit forms are to lie in `room`, which is aligned to 64 bytes; nothing is written yet. */
Activations activations_in(void* room, const float* values, uint32_t tokens, uint32_t columns);

/* Writes the 8-bit forms of some blocks of a token's columns; several threads may do several. They
   begin, and end unless the columns do, where blocks of 256 columns do. */
void quantize_blocks(const Activations* x, uint32_t token, uint32_t first_block,
                     uint32_t block_count);

#endif
