/* activations.h: the vectors that weights are multiplied with, one per token, and their 8-bit form.

   32 columns share a scale: value ≈ scale * quantised, quantised in -127…127. */

#ifndef MEMORY64_ENGINE_ACTIVATIONS_H
#define MEMORY64_ENGINE_ACTIVATIONS_H

#include "simd.h"

#define BLOCK_COLUMNS 32

/* 32 columns of one token. */
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

typedef struct {
  uint32_t tokens, columns;
  const float* values;     /* tokens x columns */
  ActivationBlock* blocks; /* tokens x columns / 32; null where there is a single token */
  SpreadBlock* spread;     /* columns / 32 where there is a single token; else null */
} Activations;

/* Bytes of the 8-bit form. */
uint64_t activations_bytes(uint32_t tokens, uint32_t columns);

/* The 8-bit form is to lie in `room`, which is aligned to 64 bytes; nothing is written yet. */
Activations activations_in(void* room, const float* values, uint32_t tokens, uint32_t columns);

/* Writes the 8-bit form of some blocks of a token's columns; several threads may do several. */
void quantize_blocks(const Activations* x, uint32_t token, uint32_t first_block,
                     uint32_t block_count);

#endif
