/* panel.h: weights of four rows, unpacked into the one form that all quant types are multiplied in.

   A vector of weights holds four columns of each of the four rows, so that a product's lanes are
   the rows' and need no adding up in the end. Weights are unsigned and small. Where a type's are
   around zero they are stored plus half their range, and sums start with as much less: then all
   products of a block fit into 16 bits, though they would not if weights counted from zero. */

#ifndef MEMORY64_ENGINE_PANEL_H
#define MEMORY64_ENGINE_PANEL_H

#include "activations.h"
#include "simd.h"

/* Rows are taken four at a time, and so many groups of four lie beside each other in a panel. */
#define GROUPS 8

/* 32 columns. */
typedef struct {
  Vector low[BLOCK_COLUMNS / 4];
  Vector high[BLOCK_COLUMNS / 4]; /* of wide forms: 16 times these are added */
} PanelWeights;

/* Of types in blocks of 32: weight = scale * (stored - middle) - minimum. */
typedef struct {
  PanelWeights weights;
  Vector scale, minimum;
} FinePart;

typedef struct {
  FinePart parts[PARTS][GROUPS];
} FinePanel;

/* Of types in blocks of 256: weight = d * multiplier * (stored - middle) - dmin * minimum. */
typedef struct {
  PanelWeights weights;
  Vector multiplier[2]; /* 16 bits, twice: of the first and of the last 16 columns; in wide forms,
                           of the low and of the high weights */
} CoarsePart;

typedef struct {
  CoarsePart parts[PARTS][GROUPS];
  Vector minima[PARTS][GROUPS]; /* 16 bits: those of the first and of the last 16 columns; or, where
                                   parts have one, four vectors in the order of PartScales */
  Vector d[GROUPS], dmin[GROUPS];
} CoarsePanel;

/* What a type needs; known when compiled. */
typedef struct {
  uint32_t middle_bits; /* middle = 1 << middle_bits (times 16 in wide forms); 0 for no middle */
  int by_halves;        /* products with 16 columns, else with 32, are added up in 16 bits */
  int wide;             /* weights of eight bits, in two planes */
  enum { NO_MINIMA, MINIMA_OF_PARTS, MINIMA_OF_HALVES } minima;
} Form;

/* Sixteen bytes of each row, four bytes of each in a vector. */
typedef struct {
  Vector columns[4];
} Quad;

INLINE Quad transposed(Vector a, Vector b, Vector c, Vector d) {
  Vector ab_first = wasm_i32x4_shuffle(a, b, 0, 4, 1, 5);
  Vector cd_first = wasm_i32x4_shuffle(c, d, 0, 4, 1, 5);
  Vector ab_last = wasm_i32x4_shuffle(a, b, 2, 6, 3, 7);
  Vector cd_last = wasm_i32x4_shuffle(c, d, 2, 6, 3, 7);
  return (Quad){{
      wasm_i64x2_shuffle(ab_first, cd_first, 0, 2),
      wasm_i64x2_shuffle(ab_first, cd_first, 1, 3),
      wasm_i64x2_shuffle(ab_last, cd_last, 0, 2),
      wasm_i64x2_shuffle(ab_last, cd_last, 1, 3),
  }};
}

INLINE Quad load_quad(const uint8_t* const* rows, uint64_t offset) {
  return transposed(wasm_v128_load(rows[0] + offset), wasm_v128_load(rows[1] + offset),
                    wasm_v128_load(rows[2] + offset), wasm_v128_load(rows[3] + offset));
}

/* The first four bytes of each row; sixteen are read. */
INLINE Vector first_lanes(const uint8_t* const* rows, uint64_t offset) {
  return load_quad(rows, offset).columns[0];
}

INLINE Vector low_halves(Vector bytes) {
  return wasm_v128_and(bytes, wasm_i8x16_splat(15));
}
INLINE Vector high_halves(Vector bytes) {
  return wasm_v128_and(wasm_u16x8_shr(bytes, 4), wasm_i8x16_splat(15));
}

#endif
