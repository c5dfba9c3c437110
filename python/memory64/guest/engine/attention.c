#include "attention.h"

#include "cache_element.h"
#include "exponential.h"
#include "soft_cap.h"
#include "tile.h"

#define MINUS_INFINITY (-__builtin_inff())

/* A token's view of what it has seen so far: the softmax is made in one pass over the positions,
   rescaled whenever a larger score turns up (Milakov and Gimelshein, arXiv:1805.02867). */
typedef struct {
  float largest;
  float sum;
} Softmax;

/* Those of one head follow one another, so that attention reads them in their order. */
static uint16_t* cached_keys(const Model* model, uint32_t layer, const Run* run, uint32_t kv_head) {
  return run->cache +
         (2 * (uint64_t)layer * model->kv_heads + kv_head) * run->capacity * model->head_dim;
}

static uint16_t* cached_values(const Model* model, uint32_t layer, const Run* run,
                               uint32_t kv_head) {
  return cached_keys(model, layer, run, model->kv_heads + kv_head);
}

void remember(const Model* model, uint32_t layer, const Run* run, const float* keys,
              const float* values) {
  uint32_t head_dim = model->head_dim;
  for (uint32_t head = 0; head < model->kv_heads; head++) {
    uint16_t* cached[2] = {cached_keys(model, layer, run, head),
                           cached_values(model, layer, run, head)};
    for (uint32_t token = 0; token < run->count; token++) {
      uint64_t from = ((uint64_t)(run->first + token) * model->kv_heads + head) * head_dim;
      uint64_t to = (uint64_t)(run->position + token) * head_dim;
      write_halves(cached[0] + to, keys + from, head_dim);
      write_halves(cached[1] + to, values + from, head_dim);
    }
  }
}

static float sum_of_lanes(v128_t x) {
  x = wasm_f32x4_add(x, wasm_i32x4_shuffle(x, x, 2, 3, 0, 1));
  return wasm_f32x4_extract_lane(x, 0) + wasm_f32x4_extract_lane(x, 1);
}

static void scale(float* x, float by, uint32_t count) {
  for (uint32_t i = 0; i < count; i += 4)
    wasm_v128_store(x + i, wasm_f32x4_mul(wasm_v128_load(x + i), splat(by)));
}

/* Which positions of a tile a token sees; the others weigh nothing. */
typedef struct {
  uint32_t first, end;
  uint32_t first_four, end_four; /* the same in whole fours */
} Seen;

/* Of `count` positions from `first` on. */
static Seen seen_of(uint32_t first, uint32_t count, uint32_t position, uint32_t window) {
  uint32_t oldest = window && position + 1 > window ? position + 1 - window : 0;
  uint32_t from = oldest > first ? oldest - first : 0;
  uint32_t to = position + 1 < first + count ? position + 1 : first + count;
  if (to <= first + from) return (Seen){0, 0, 0, 0};
  to -= first;
  return (Seen){from, to, from & ~3u, (to + 3) & ~3u};
}

static v128_t sees(Seen seen, uint32_t position) {
  v128_t four = wasm_i32x4_add(wasm_u32x4_splat(position), wasm_i32x4_const(0, 1, 2, 3));
  return wasm_v128_and(wasm_u32x4_ge(four, wasm_u32x4_splat(seen.first)),
                       wasm_u32x4_lt(four, wasm_u32x4_splat(seen.end)));
}

/* One token, or QUERIES that follow one another and see the same fours of a tile. */
typedef struct {
  const float* queries;
  float* out;
  uint64_t width; /* from one token to the next */
  Softmax* softmax;
  Seen seen[QUERIES];
} Views;

static bool see_the_same_fours(const Views* views) {
  for (uint32_t i = 1; i < QUERIES; i++)
    if (views->seen[i].first_four != views->seen->first_four ||
        views->seen[i].end_four != views->seen->end_four)
      return false;
  return true;
}

/* MINUS_INFINITY for positions among the fours that are not seen. */
static void scale_and_mask(const Model* model, Seen seen, float scores[TILE]) {
  v128_t scale = splat(model->attention_scale);
  for (uint32_t i = seen.first_four; i < seen.end_four; i += 4)
    wasm_v128_store(scores + i, wasm_f32x4_mul(wasm_v128_load(scores + i), scale));
  if (model->attention_cap != 0)
    soft_cap(scores + seen.first_four, seen.end_four - seen.first_four, model->attention_cap);
  for (uint32_t i = seen.first_four; i < seen.end_four; i += 4) {
    v128_t four = wasm_v128_load(scores + i);
    wasm_v128_store(scores + i, wasm_v128_bitselect(four, splat(MINUS_INFINITY), sees(seen, i)));
  }
}

static float largest_of(const float* scores, Seen seen, float largest) {
  for (uint32_t i = seen.first_four; i < seen.end_four; i++)
    largest = scores[i] > largest ? scores[i] : largest;
  return largest;
}

/* What each value weighs, four times over: QUERIES vectors from one value to the next. */
static void weigh(Seen seen, const float scores[TILE], Softmax* softmax, float* out,
                  uint32_t head_dim, v128_t* weights) {
  float largest = largest_of(scores, seen, softmax->largest);
  if (largest > softmax->largest) {
    /* Nothing was seen before where that is minus infinity, and 0 is scaled. */
    v128_t before = exponential(splat(softmax->largest - largest));
    float shrink = wasm_f32x4_extract_lane(before, 0);
    scale(out, shrink, head_dim);
    softmax->sum *= shrink;
    softmax->largest = largest;
  }
  for (uint32_t i = seen.first_four; i < seen.end_four; i += 4) {
    v128_t four = wasm_f32x4_sub(wasm_v128_load(scores + i), splat(largest));
    four = wasm_v128_and(exponential(four), sees(seen, i));
    softmax->sum += sum_of_lanes(four);
    v128_t* four_weights = weights + (uint64_t)i * QUERIES;
    four_weights[0] = wasm_i32x4_shuffle(four, four, 0, 0, 0, 0);
    four_weights[QUERIES] = wasm_i32x4_shuffle(four, four, 1, 1, 1, 1);
    four_weights[2 * QUERIES] = wasm_i32x4_shuffle(four, four, 2, 2, 2, 2);
    four_weights[3 * QUERIES] = wasm_i32x4_shuffle(four, four, 3, 3, 3, 3);
  }
}

/* Adds a tile's values to what `count` views, one or QUERIES, have seen so far. */
INLINE void look(const Model* model, const Tile* tile, const Views* views, uint32_t count) {
  uint32_t first = views->seen->first_four, end = views->seen->end_four;
  float scores[QUERIES][TILE];
  v128_t weights[TILE][QUERIES];
  uint32_t step = count == 1 ? 1 : 2;
  for (uint32_t i = 0; i < count; i += step)
    for (uint32_t position = first; position < end; position += 4) {
      v128_t products[2];
      four_products(tile, views->queries + i * views->width, views->width, step, position,
                    products);
      for (uint32_t j = 0; j < step; j++) wasm_v128_store(scores[i + j] + position, products[j]);
    }
  for (uint32_t i = 0; i < count; i++) {
    scale_and_mask(model, views->seen[i], scores[i]);
    weigh(views->seen[i], scores[i], views->softmax + i, views->out + i * views->width,
          tile->head_dim, &weights[0][i]);
  }
  add_values(tile, weights, first, end, views->out, views->width, count);
}

void attend(const Model* model, uint32_t layer, const Run* run, uint32_t head, const float* queries,
            float* out) {
  uint32_t head_dim = model->head_dim, window = model->layers[layer].window;
  uint64_t width = (uint64_t)model->heads * head_dim;
  uint32_t kv_head = head / (model->heads / model->kv_heads);
  const uint16_t* keys = cached_keys(model, layer, run, kv_head);
  const uint16_t* values = cached_values(model, layer, run, kv_head);
  uint64_t at = run->first * width + (uint64_t)head * head_dim;
  Softmax softmax[MAX_RUN];
  Tile tile;
  tile.head_dim = head_dim;

  for (uint32_t t = 0; t < run->count; t++) {
    softmax[t] = (Softmax){MINUS_INFINITY, 0};
    for (uint32_t d = 0; d < head_dim; d++) out[at + t * width + d] = 0;
  }
  uint32_t end = run->position + run->count;
  uint32_t start = window && run->position + 1 > window ? run->position + 1 - window : 0;
  start -= start % TILE; /* so that a token sees the same tiles whatever run it is in */
  for (uint32_t first = start; first < end; first += TILE) {
    uint32_t count = end - first < TILE ? end - first : TILE;
    fill(&tile, keys + (uint64_t)first * head_dim, values + (uint64_t)first * head_dim, count);
    uint32_t step;
    for (uint32_t t = 0; t < run->count; t += step) {
      uint64_t here = at + t * width;
      Views views = {queries + here, out + here, width, &softmax[t], {}};
      for (uint32_t i = 0; i < QUERIES; i++)
        views.seen[i] = seen_of(first, count, run->position + t + i, window);
      step = run->count - t >= QUERIES && see_the_same_fours(&views) ? QUERIES : 1;
      if (step == 1)
        look(model, &tile, &views, 1);
      else
        look(model, &tile, &views, QUERIES);
    }
  }
  for (uint32_t t = 0; t < run->count; t++)
    scale(out + at + t * width, 1 / softmax[t].sum, head_dim);
}
