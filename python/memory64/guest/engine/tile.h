/* tile.h: keys and values of some positions as floats, laid out for the products of attention.

   What is multiplied together lies one after another, so that an address is checked once for many
   loads. */

#ifndef MEMORY64_ENGINE_TILE_H
#define MEMORY64_ENGINE_TILE_H

#include "attention.h"
#include "half.h"

/* Positions that are looked at together: their keys and values fit the first cache. */
#define TILE 32
#define DIMS 8 /* a step of a head's dimensions, of which there are whole ones */
#define QUERIES \
  4 /* which look at a tile together: there are registers for as many sums of values */

typedef struct {
  Vector low, high;
} EightFloats;

typedef struct {
  uint32_t head_dim;
  /* Four floats of four positions each, and so on through the dimensions; then the next four. */
  Vector keys[TILE / 4][MAX_HEAD_DIM / 4][4];
  /* Eight dimensions of all positions, then the next eight. */
  EightFloats values[MAX_HEAD_DIM / DIMS][TILE];
} Tile;

INLINE EightFloats eight_floats(const uint16_t* halves) {
  return (EightFloats){load_halves(halves), load_halves(halves + 4)};
}

/* Position `i` of the tile. */
INLINE void fill_position(Tile* tile, uint32_t i, const uint16_t* keys, const uint16_t* values) {
  Vector* key = &tile->keys[i / 4][0][i % 4];
  EightFloats* value = &tile->values[0][i];
  for (uint32_t d = 0; d < tile->head_dim; d += DIMS, keys += DIMS, values += DIMS) {
    OPAQUE(keys);
    OPAQUE(values);
    OPAQUE(key);
    EightFloats eight = eight_floats(keys);
    key[0] = eight.low;
    key[4] = eight.high;
    *value = eight_floats(values);
    key += DIMS;
    value += TILE;
  }
}

/* `count` positions. The values of up to three more are zeros: a weight of 0 must not meet a NaN
   there. */
static void fill(Tile* tile, const uint16_t* keys, const uint16_t* values, uint32_t count) {
  for (uint32_t i = 0; i < count; i++, keys += tile->head_dim, values += tile->head_dim)
    fill_position(tile, i, keys, values);
  for (uint32_t i = count; i % 4; i++)
    for (uint32_t step = 0; step < tile->head_dim / DIMS; step++)
      tile->values[step][i] = (EightFloats){wasm_f32x4_splat(0), wasm_f32x4_splat(0)};
}

/* The products of `count` queries, one or two, with the keys of positions `first`…`first` + 3, a
   multiple of four. The queries are `stride` elements apart. */
INLINE void four_products(const Tile* tile, const float* queries, uint64_t stride, uint32_t count,
                          uint32_t first, Vector* products) {
  const Vector(*keys)[4] = tile->keys[first / 4];
  Vector sums[2][4];
  UNROLL
  for (uint32_t i = 0; i < 4; i++) sums[0][i] = sums[1][i] = wasm_f32x4_splat(0);
  const float* other = queries + stride;
#pragma clang loop unroll(disable)
  for (uint32_t left = tile->head_dim / 4; left; left--, keys++, queries += 4, other += 4) {
    OPAQUE(keys);
    OPAQUE(queries);
    OPAQUE(other);
    Vector four = wasm_v128_load(queries), of_other;
    if (count == 2) of_other = wasm_v128_load(other);
    UNROLL
    for (uint32_t i = 0; i < 4; i++) {
      Vector key = (*keys)[i];
      sums[0][i] = multiply_add(four, key, sums[0][i]);
      if (count == 2) sums[1][i] = multiply_add(of_other, key, sums[1][i]);
    }
  }
  for (uint32_t i = 0; i < count; i++) products[i] = lane_sums(sums[i]);
}

/* Adds to `count` outputs, which are `stride` elements apart, the values of positions `first`…
   until `end`, each times its weight for that output. */
INLINE void add_values(const Tile* tile, const Vector (*weights)[QUERIES], uint32_t first,
                       uint32_t end, float* out, uint64_t stride, uint32_t count) {
  for (uint32_t step = 0; step < tile->head_dim / DIMS; step++, out += DIMS) {
    EightFloats sums[QUERIES];
    UNROLL
    for (uint32_t i = 0; i < count; i++) sums[i] = *(EightFloats*)(out + i * stride);
    const EightFloats* value = tile->values[step] + first;
    const Vector* weight = weights[first];
#pragma clang loop unroll(disable)
    for (uint32_t position = first; position < end; position++, value++, weight += QUERIES) {
      OPAQUE(value);
      OPAQUE(weight);
      UNROLL
      for (uint32_t i = 0; i < count; i++) {
        sums[i].low = multiply_add(weight[i], value->low, sums[i].low);
        sums[i].high = multiply_add(weight[i], value->high, sums[i].high);
      }
    }
    UNROLL
    for (uint32_t i = 0; i < count; i++) *(EightFloats*)(out + i * stride) = sums[i];
  }
}

#endif
