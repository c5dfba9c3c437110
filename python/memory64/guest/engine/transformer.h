/* One pass of a batch through the model: from tokens to logits. */
#pragma once

#include "batch.h"
#include "crew.h"
#include "model.h"

/* Where the threads keep what they compute; each is as wide as its name says, for each token of the
   largest batch. */
typedef struct {
  float* stream;    /* dim: what runs through all layers, each adding to it */
  float* normed;    /* dim */
  float* queries;   /* heads x head_dim */
  float* keys;      /* kv_heads x head_dim */
  float* values;    /* kv_heads x head_dim */
  float* attended;  /* heads x head_dim */
  float* gate;      /* feed_forward_dim */
  float* up;        /* feed_forward_dim */
  float* projected; /* dim: what a layer's half is about to add to the stream */
  float* logits;    /* vocabulary, for each wanted token; room for a multiple of 4 */
  void* eight_bit;  /* activations_bytes of the widest of them */
} Scratch;

typedef struct {
  const Model* model;
  const Batch* batch;
  const Scratch* scratch;
  Crew* crew;
} Engine;

/* Every thread of the crew calls this alike. Afterwards the logits of the wanted tokens are in
   scratch.logits, or their hidden states in scratch.normed, one row after another. False where the
   work was abandoned. */
bool forward(const Engine* engine);
