/* Attention with grouped queries (Ainslie et al., arXiv:2305.13245) over a cache of half floats. */
#pragma once

#include "batch.h"
#include "model.h"

#define MAX_HEAD_DIM 512

/* Put the turned keys and the values of a run into its cache. Both are kv_heads x head_dim wide for
   each token of the batch. */
void remember(const Model* model, uint32_t layer, const Run* run, const float* keys,
              const float* values);

/* What one head attends to, for each token of a run. queries and out are heads x head_dim wide for
   each token of the batch. */
void attend(const Model* model, uint32_t layer, const Run* run, uint32_t head, const float* queries,
            float* out);
