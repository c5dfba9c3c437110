/* What the host asks for at once: tokens of one or several sequences. */
#pragma once

#include <stdint.h>

/* At most this many tokens are in a run, so that attention can be shared out by runs. */
#define MAX_RUN 16
#define ANGLE_TABLES 2

typedef enum { NOTHING, LOGITS, HIDDEN } Wanted;

/* Tokens of the batch that follow one another in one sequence. */
typedef struct {
  uint32_t first; /* in the batch */
  uint32_t count;
  uint32_t position; /* of the first, in the sequence */
  uint32_t capacity; /* positions that the sequence's cache has room for */
  uint16_t* cache;   /* half floats: for each layer the keys of each head, then the values */
} Run;

typedef struct {
  uint32_t token_count;
  uint32_t run_count;
  uint32_t wanted;
  uint32_t wanted_from; /* the first token whose logits or hidden state are wanted */
  const uint32_t* tokens;
  const Run* runs;
  const float* angles[ANGLE_TABLES]; /* of each token: cosine and sine for each pair of a head */
} Batch;
