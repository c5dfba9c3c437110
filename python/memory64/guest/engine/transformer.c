#include "transformer.h"

#include "activations.h"
#include "attention.h"
#include "dequantize.h"
#include "gating.h"
#include "norm.h"
#include "rope.h"
#include "soft_cap.h"

/* For a batch of tokens a thread takes ROW_CHUNK rows of a matrix at a time. For a single one it
   takes a larger share: `matmul` reads several parts of it at once, each from memory in its order.
 */
#define SHARES_OF_A_THREAD 2
#define SHARE_ROWS 16 /* a share has a multiple of so many */
/* Columns of activations that a thread turns into 8 bits at a time. */
#define TASK_COLUMNS 1024
#define COLUMNS_PER_BLOCK 32

static uint32_t parts(uint32_t count, uint32_t size) {
  return (count + size - 1) / size;
}

static uint32_t least(uint32_t a, uint32_t b) {
  return a < b ? a : b;
}

static uint64_t heads_dim(const Model* model) {
  return (uint64_t)model->heads * model->head_dim;
}

static uint64_t kv_dim(const Model* model) {
  return (uint64_t)model->kv_heads * model->head_dim;
}

/* ── the embedding ── */

static void embed_token(const void* what, uint32_t token) {
  const Engine* engine = what;
  const Model* model = engine->model;
  const Matrix* embedding = &model->embedding;
  uint32_t row = engine->batch->tokens[token];
  if (row >= embedding->rows) __builtin_trap();
  float* out = engine->scratch->stream + (uint64_t)token * model->dim;
  dequantize(embedding->type, embedding->data + row * embedding->row_bytes, out, model->dim);
  for (uint32_t i = 0; i < model->dim; i++) out[i] *= model->embedding_scale;
}

/* ── products with matrices ── */

typedef struct {
  const Matrix* weights;
  float* out;
} Product;

typedef struct {
  Activations x;
  Product products[3];
  uint32_t count;
  uint32_t threads;
} Products;

static uint32_t rows_of_a_task(const Products* all, const Matrix* weights) {
  if (all->x.tokens > 1) return ROW_CHUNK;
  uint32_t least_shares = parts(weights->rows, SHARE_ROWS);
  return SHARE_ROWS * parts(least_shares, SHARES_OF_A_THREAD * all->threads);
}

static void multiply_rows(const void* what, uint32_t index) {
  const Products* all = what;
  for (uint32_t i = 0; i < all->count; i++) {
    const Matrix* weights = all->products[i].weights;
    uint32_t rows = rows_of_a_task(all, weights);
    uint32_t tasks = parts(weights->rows, rows);
    if (index < tasks) {
      uint32_t first = index * rows;
      uint32_t count = least(rows, weights->rows - first);
      matmul(weights, first, count, &all->x, all->products[i].out, weights->rows);
      return;
    }
    index -= tasks;
  }
}

static bool multiply(const Engine* engine, Products* products) {
  products->threads = engine->crew->threads;
  uint32_t tasks = 0;
  for (uint32_t i = 0; i < products->count; i++) {
    const Matrix* weights = products->products[i].weights;
    tasks += parts(weights->rows, rows_of_a_task(products, weights));
  }
  return together(engine->crew, tasks, multiply_rows, products);
}

static Activations activations(const Engine* engine, const float* values, uint64_t columns,
                               uint32_t tokens) {
  return activations_in(engine->scratch->eight_bit, values, tokens, (uint32_t)columns);
}

/* ── between the products ── */

typedef struct {
  const Engine* engine;
  const Layer* layer;
  uint32_t layer_id;
  uint32_t number;          /* steps begun so far: four of each layer, then the head's */
  const float* norm_before; /* of what is added to the stream; may be absent */
  const float* norm;        /* of the stream */
  Activations x;
  bool adds;
  uint32_t first_token;
} Step;

static void quantize_token(const Activations* x, uint32_t token) {
  quantize_blocks(x, token, 0, x->columns / COLUMNS_PER_BLOCK);
}

/* Add the half of a layer that was computed to the stream, and norm that for the next half. */
static void add_and_norm(const void* what, uint32_t index) {
  const Step* step = what;
  const Model* model = step->engine->model;
  const Scratch* scratch = step->engine->scratch;
  uint32_t dim = model->dim;
  uint32_t token = step->first_token + index;
  float* stream = scratch->stream + (uint64_t)token * dim;
  float* added = scratch->projected + (uint64_t)token * dim;
  if (step->adds) {
    if (step->norm_before) rms_norm(added, added, step->norm_before, dim, model->norm_epsilon);
    for (uint32_t i = 0; i < dim; i++) stream[i] += added[i];
  }
  rms_norm(scratch->normed + (uint64_t)index * dim, stream, step->norm, dim, model->norm_epsilon);
  quantize_token(&step->x, index);
}

static void add(float* x, const float* bias, uint64_t count) {
  for (uint64_t i = 0; bias && i < count; i++) x[i] += bias[i];
}

static void norm_and_turn(const Step* step, float* head, const float* norm, uint32_t token) {
  const Model* model = step->engine->model;
  const float* angles = step->engine->batch->angles[step->layer->angles];
  if (norm) rms_norm(head, head, norm, model->head_dim, model->norm_epsilon);
  turn(head, angles + (uint64_t)token * model->rope_dims, model->rope_dims, model->rope_style);
}

/* Make queries, keys and values of a run ready, and put the last two into the cache. */
static void place_run(const void* what, uint32_t index) {
  const Step* step = what;
  const Model* model = step->engine->model;
  const Layer* layer = step->layer;
  const Scratch* scratch = step->engine->scratch;
  const Run* run = &step->engine->batch->runs[index];
  for (uint32_t token = run->first; token < run->first + run->count; token++) {
    float* query = scratch->queries + token * heads_dim(model);
    float* key = scratch->keys + token * kv_dim(model);
    add(query, layer->query_bias, heads_dim(model));
    add(key, layer->key_bias, kv_dim(model));
    add(scratch->values + token * kv_dim(model), layer->value_bias, kv_dim(model));
    for (uint32_t head = 0; head < model->heads; head++)
      norm_and_turn(step, query + head * model->head_dim, layer->query_norm, token);
    for (uint32_t head = 0; head < model->kv_heads; head++)
      norm_and_turn(step, key + head * model->head_dim, layer->key_norm, token);
  }
  remember(model, step->layer_id, run, scratch->keys, scratch->values);
}

static void attend_run(const void* what, uint32_t index) {
  const Step* step = what;
  const Model* model = step->engine->model;
  const Scratch* scratch = step->engine->scratch;
  const Run* run = &step->engine->batch->runs[index / model->heads];
  attend(model, step->layer_id, run, index % model->heads, scratch->queries, scratch->attended);
}

static void quantize_columns(const void* what, uint32_t index) {
  const Activations* x = &((const Step*)what)->x;
  uint32_t tasks = parts(x->columns, TASK_COLUMNS), blocks = TASK_COLUMNS / COLUMNS_PER_BLOCK;
  uint32_t first = index % tasks * blocks;
  quantize_blocks(x, index / tasks, first, least(blocks, x->columns / COLUMNS_PER_BLOCK - first));
}

static void gate_columns(const void* what, uint32_t index) {
  const Step* step = what;
  const Model* model = step->engine->model;
  const Scratch* scratch = step->engine->scratch;
  uint32_t tasks = parts(model->feed_forward_dim, TASK_COLUMNS);
  uint32_t first = index % tasks * TASK_COLUMNS;
  uint64_t at = (uint64_t)(index / tasks) * model->feed_forward_dim + first;
  apply_gate(scratch->gate + at, scratch->up + at,
             least(TASK_COLUMNS, model->feed_forward_dim - first), model->gating);
  quantize_columns(step, index);
}

/* ── a layer ── */

static bool begin(Step* step) {
  return begin_step(step->engine->crew, step->number++);
}

static bool attention(const Engine* engine, Step* step) {
  const Model* model = engine->model;
  const Scratch* scratch = engine->scratch;
  const Layer* layer = step->layer;
  uint32_t tokens = engine->batch->token_count, runs = engine->batch->run_count;

  if (!begin(step)) return false;
  step->norm = layer->attention_norm;
  step->x = activations(engine, scratch->normed, model->dim, tokens);
  if (!together(engine->crew, tokens, add_and_norm, step)) return false;
  Products projections = {step->x,
                          {{&layer->query, scratch->queries},
                           {&layer->key, scratch->keys},
                           {&layer->value, scratch->values}},
                          .count = 3};
  if (!multiply(engine, &projections)) return false;
  if (!together(engine->crew, runs, place_run, step)) return false;
  if (!together(engine->crew, runs * model->heads, attend_run, step)) return false;
  step->x = activations(engine, scratch->attended, heads_dim(model), tokens);
  uint32_t tasks = tokens * parts(step->x.columns, TASK_COLUMNS);
  if (!together(engine->crew, tasks, quantize_columns, step) || !begin(step)) return false;
  Products output = {step->x, {{&layer->output, scratch->projected}}, .count = 1};
  if (!multiply(engine, &output)) return false;
  step->adds = true;
  step->norm_before = layer->post_attention_norm;
  return true;
}

static bool feed_forward(const Engine* engine, Step* step) {
  const Model* model = engine->model;
  const Scratch* scratch = engine->scratch;
  const Layer* layer = step->layer;
  uint32_t tokens = engine->batch->token_count;

  if (!begin(step)) return false;
  step->norm = layer->feed_forward_norm;
  step->x = activations(engine, scratch->normed, model->dim, tokens);
  if (!together(engine->crew, tokens, add_and_norm, step)) return false;
  Products inner = {
      step->x, {{&layer->gate, scratch->gate}, {&layer->up, scratch->up}}, .count = 2};
  if (!multiply(engine, &inner)) return false;
  step->x = activations(engine, scratch->gate, model->feed_forward_dim, tokens);
  uint32_t tasks = tokens * parts(step->x.columns, TASK_COLUMNS);
  if (!together(engine->crew, tasks, gate_columns, step) || !begin(step)) return false;
  Products down = {step->x, {{&layer->down, scratch->projected}}, .count = 1};
  if (!multiply(engine, &down)) return false;
  step->norm_before = layer->post_feed_forward_norm;
  return true;
}

/* ── the head ── */

static uint64_t logits_count(const Engine* engine) {
  uint32_t rows = engine->batch->token_count - engine->batch->wanted_from;
  return (uint64_t)rows * engine->model->output.rows;
}

static void cap_logits(const void* what, uint32_t index) {
  const Engine* engine = what;
  uint64_t first = (uint64_t)index * TASK_COLUMNS, left = logits_count(engine) - first;
  uint32_t count = left < TASK_COLUMNS ? (uint32_t)left : TASK_COLUMNS;
  soft_cap(engine->scratch->logits + first, count, engine->model->logits_cap);
}

static bool head(const Engine* engine, Step* step) {
  const Model* model = engine->model;
  const Batch* batch = engine->batch;
  if (batch->wanted == NOTHING) return true;
  step->first_token = batch->wanted_from;
  uint32_t rows = batch->token_count - batch->wanted_from;
  step->norm = model->output_norm;
  step->x = activations(engine, engine->scratch->normed, model->dim, rows);
  if (!together(engine->crew, rows, add_and_norm, step)) return false;
  if (batch->wanted == HIDDEN) return true;
  if (!begin(step)) return false;
  Products logits = {step->x, {{&model->output, engine->scratch->logits}}, .count = 1};
  if (!multiply(engine, &logits)) return false;
  if (model->logits_cap == 0) return true;
  uint32_t tasks = (uint32_t)((logits_count(engine) + TASK_COLUMNS - 1) / TASK_COLUMNS);
  return together(engine->crew, tasks, cap_logits, engine);
}

bool forward(const Engine* engine) {
  const Model* model = engine->model;
  Step step = {.engine = engine};
  if (!together(engine->crew, engine->batch->token_count, embed_token, engine)) return false;
  for (uint32_t layer_id = 0; layer_id < model->layer_count; layer_id++) {
    step.layer = &model->layers[layer_id];
    step.layer_id = layer_id;
    if (!attention(engine, &step) || !feed_forward(engine, &step)) return false;
  }
  return head(engine, &step);
}
