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

/* The products of a query with the keys of positions `first`…`first` + 3, a multiple of four. */
INLINE Vector four_products(const Tile* tile, const float* query, uint32_t first) {
  const Vector(*keys)[4] = tile->keys[first / 4];
  Vector sums[4];
  UNROLL
  for (uint32_t i = 0; i < 4; i++) sums[i] = wasm_f32x4_splat(0);
  for (uint32_t step = 0; step < tile->head_dim / DIMS; step++, keys += 2, query += DIMS) {
    OPAQUE(keys);
    OPAQUE(query);
    UNROLL
    for (uint32_t part = 0; part < 2; part++) {
      Vector four = wasm_v128_load(query + 4 * part);
      UNROLL
      for (uint32_t i = 0; i < 4; i++) sums[i] = multiply_add(four, keys[part][i], sums[i]);
    }
  }
  return lane_sums(sums);
}

/* Adds values of positions `first`… until `end`, multiples of four, each times its weight. */
INLINE void add_values(const Tile* tile, const Vector* weights, uint32_t first, uint32_t end,
                       float* out) {
  for (uint32_t step = 0; step < tile->head_dim / DIMS; step++, out += DIMS) {
    Vector low = wasm_v128_load(out), high = wasm_v128_load(out + 4);
    const EightFloats* values = tile->values[step] + first;
    const Vector* w = weights + first;
    for (uint32_t i = first; i < end; i += 4, values += 4, w += 4) {
      OPAQUE(values);
      OPAQUE(w);
      UNROLL
      for (uint32_t next = 0; next < 4; next++) {
        low = multiply_add(w[next], values[next].low, low);
        high = multiply_add(w[next], values[next].high, high);
      }
    }
    wasm_v128_store(out, low);
    wasm_v128_store(out + 4, high);
  }
}

#endif
