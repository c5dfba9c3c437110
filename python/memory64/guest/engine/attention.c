#include "attention.h"

#include "cache_element.h"
#include "exponential.h"
#include "soft_cap.h"

/* Positions that are looked at together: their keys and values fit the first cache. */
#define TILE 32
#define MINUS_INFINITY (-__builtin_inff())

/* A token's view of what it has seen so far: the softmax is made in one pass over the positions,
   rescaled whenever a larger score turns up (Milakov and Gimelshein, arXiv:1805.02867). */
typedef struct {
  float largest;
  float sum;
} Softmax;

typedef struct {
  float keys[TILE][MAX_HEAD_DIM];
  float values[TILE][MAX_HEAD_DIM];
} Tile;

static uint64_t kv_dim(const Model* model) {
  return (uint64_t)model->kv_heads * model->head_dim;
}

static uint16_t* cached_keys(const Model* model, uint32_t layer, const Run* run) {
  return run->cache + 2 * layer * run->capacity * kv_dim(model);
}

static uint16_t* cached_values(const Model* model, uint32_t layer, const Run* run) {
  return cached_keys(model, layer, run) + run->capacity * kv_dim(model);
}

void remember(const Model* model, uint32_t layer, const Run* run, const float* keys,
              const float* values) {
  uint64_t width = kv_dim(model), from = run->first * width, to = run->position * width;
  write_halves(cached_keys(model, layer, run) + to, keys + from, run->count * width);
  write_halves(cached_values(model, layer, run) + to, values + from, run->count * width);
}

static float sum_of_lanes(v128_t x) {
  x = wasm_f32x4_add(x, wasm_i32x4_shuffle(x, x, 2, 3, 0, 1));
  return wasm_f32x4_extract_lane(x, 0) + wasm_f32x4_extract_lane(x, 1);
}

static float product(const float* a, const float* b, uint32_t count) {
  v128_t sum = splat(0), other = splat(0);
  for (uint32_t i = 0; i < count; i += 8) {
    sum = wasm_f32x4_add(sum, wasm_f32x4_mul(wasm_v128_load(a + i), wasm_v128_load(b + i)));
    other =
        wasm_f32x4_add(other, wasm_f32x4_mul(wasm_v128_load(a + i + 4), wasm_v128_load(b + i + 4)));
  }
  return sum_of_lanes(wasm_f32x4_add(sum, other));
}

static void scale(float* x, float by, uint32_t count) {
  for (uint32_t i = 0; i < count; i += 4)
    wasm_v128_store(x + i, wasm_f32x4_mul(wasm_v128_load(x + i), splat(by)));
}

/* The scores of a tile's positions from `first` to `end`; MINUS_INFINITY for the others. */
static void score(const Model* model, const Tile* tile, const float* query, uint32_t first,
                  uint32_t end, float scores[TILE]) {
  for (uint32_t i = 0; i < TILE; i++) {
    int seen = i >= first && i < end;
    scores[i] = seen ? product(query, tile->keys[i], model->head_dim) * model->attention_scale
                     : MINUS_INFINITY;
  }
  if (model->attention_cap == 0) return;
  soft_cap(scores, TILE, model->attention_cap);
  for (uint32_t i = 0; i < TILE; i++)
    if (i < first || i >= end) scores[i] = MINUS_INFINITY;
}

/* Add a tile's values to `out`, each as its score weighs. */
static void gather(const Tile* tile, float scores[TILE], Softmax* softmax, float* out,
                   uint32_t head_dim) {
  float largest = softmax->largest;
  for (uint32_t i = 0; i < TILE; i++) largest = scores[i] > largest ? scores[i] : largest;
  if (largest > softmax->largest) {
    /* Nothing was seen before where that is minus infinity, and 0 is scaled. */
    v128_t before = exponential(splat(softmax->largest - largest));
    float shrink = wasm_f32x4_extract_lane(before, 0);
    scale(out, shrink, head_dim);
    softmax->sum *= shrink;
    softmax->largest = largest;
  }
  for (uint32_t i = 0; i < TILE; i += 4) {
    v128_t four = wasm_v128_load(scores + i);
    v128_t seen = wasm_f32x4_gt(four, splat(MINUS_INFINITY));
    v128_t weights = exponential(wasm_f32x4_sub(four, splat(largest)));
    weights = wasm_v128_and(weights, seen);
    softmax->sum += sum_of_lanes(weights);
    wasm_v128_store(scores + i, weights);
  }
  for (uint32_t d = 0; d < head_dim; d += 8) {
    v128_t low = wasm_v128_load(out + d), high = wasm_v128_load(out + d + 4);
    for (uint32_t i = 0; i < TILE; i++) {
      v128_t weight = splat(scores[i]);
      low = wasm_f32x4_add(low, wasm_f32x4_mul(weight, wasm_v128_load(tile->values[i] + d)));
      high = wasm_f32x4_add(high, wasm_f32x4_mul(weight, wasm_v128_load(tile->values[i] + d + 4)));
    }
    wasm_v128_store(out + d, low);
    wasm_v128_store(out + d + 4, high);
  }
}

/* What is behind the last position stays what it was: a weight of 0 must not meet a NaN there. */
static void fill(Tile* tile, const Model* model, const uint16_t* keys, const uint16_t* values,
                 uint32_t count) {
  for (uint32_t i = 0; i < count; i++) {
    read_halves(tile->keys[i], keys + i * kv_dim(model), model->head_dim);
    read_halves(tile->values[i], values + i * kv_dim(model), model->head_dim);
  }
  for (uint32_t i = count; i < TILE; i++)
    for (uint32_t d = 0; d < model->head_dim; d++) tile->values[i][d] = 0;
}

void attend(const Model* model, uint32_t layer, const Run* run, uint32_t head, const float* queries,
            float* out) {
  uint32_t head_dim = model->head_dim, window = model->layers[layer].window;
  uint64_t width = (uint64_t)model->heads * head_dim;
  uint64_t kv_at = (uint64_t)(head / (model->heads / model->kv_heads)) * head_dim;
  const uint16_t* keys = cached_keys(model, layer, run) + kv_at;
  const uint16_t* values = cached_values(model, layer, run) + kv_at;
  uint64_t at = run->first * width + (uint64_t)head * head_dim;
  Softmax softmax[MAX_RUN];
  Tile tile;

  for (uint32_t t = 0; t < run->count; t++) {
    softmax[t] = (Softmax){MINUS_INFINITY, 0};
    for (uint32_t d = 0; d < head_dim; d++) out[at + t * width + d] = 0;
  }
  uint32_t end = run->position + run->count;
  uint32_t start = window && run->position + 1 > window ? run->position + 1 - window : 0;
  start -= start % TILE; /* so that a token sees the same tiles whatever run it is in */
  for (uint32_t first = start; first < end; first += TILE) {
    uint32_t count = end - first < TILE ? end - first : TILE;
    fill(&tile, model, keys + first * kv_dim(model), values + first * kv_dim(model), count);
    for (uint32_t t = 0; t < run->count; t++) {
      uint32_t position = run->position + t;
      uint32_t oldest = window && position + 1 > window ? position + 1 - window : 0;
      uint32_t from = oldest > first ? oldest - first : 0;
      uint32_t to = position + 1 < first + count ? position + 1 : first + count;
      if (to <= first + from) continue;
      float scores[TILE];
      score(model, &tile, queries + at + t * width, from, to - first, scores);
      gather(&tile, scores, &softmax[t], out + at + t * width, head_dim);
    }
  }
  for (uint32_t t = 0; t < run->count; t++)
    scale(out + at + t * width, 1 / softmax[t].sum, head_dim);
}
