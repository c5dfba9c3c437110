/* What the host says of a model: its dimensions, and where its tensors lie in this memory.
   inference/description.py lays the same structs out in Python. */
#pragma once

#include <stdint.h>

#include "matmul.h"

typedef enum {
  PAIRS_ADJACENT,
  PAIRS_APART
} RopeStyle; /* (0, 1), (2, 3)… or (0, n/2), (1, n/2 + 1)… */
typedef enum { SILU, GELU } Gating;

typedef struct {
  Matrix query, key, value, output;
  Matrix gate, up, down;
  /* Each may be absent. */
  const float *attention_norm, *query_norm, *key_norm, *post_attention_norm;
  const float *feed_forward_norm, *post_feed_forward_norm;
  const float *query_bias, *key_bias, *value_bias;
  uint32_t window; /* how many positions a token sees, itself included; 0 for all */
  uint32_t angles; /* which of the batch's tables of angles turns its queries and keys */
} Layer;

typedef struct {
  uint32_t dim, layer_count, heads, kv_heads, head_dim, feed_forward_dim;
  uint32_t rope_dims;
  uint32_t rope_style;
  uint32_t gating;
  float norm_epsilon;
  float attention_scale;
  float embedding_scale;
  float attention_cap; /* of scores; 0 for none */
  float logits_cap;    /* 0 for none */
  Matrix embedding, output;
  const float* output_norm;
  Layer layers[];
} Model;
