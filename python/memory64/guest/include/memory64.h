/* memory64.h: WebAssembly guests in C (C11 or later) and C++ that use a model through memory64.

   Build with `memory64 guest build FILE.c`. No libc is needed. docs/guests.md has examples.

   What can fail gives a memory64_error, 0 for success; memory64_error_text puts it into words.
   What writes into the guest takes how many bytes it may write. */

#ifndef MEMORY64_H
#define MEMORY64_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
#define MEMORY64_C extern "C"
#else
#define MEMORY64_C
#endif

/* A function that the host can call: MEMORY64_EXPORT(sum) int32_t sum(int32_t a, int32_t b) {…} */
#define MEMORY64_EXPORT(NAME) MEMORY64_C __attribute__((export_name(#NAME)))

/* ── Errors ─────────────────────────────────────────────────────────────────────────────── */

typedef enum memory64_error {
  MEMORY64_OK = 0,
  MEMORY64_DISABLED = 1,
  MEMORY64_NOT_FOUND = 2,
  MEMORY64_BUFFER_TOO_SMALL = 3,
  MEMORY64_READ_FAILED = 4,
  MEMORY64_NO_MEMORY = 5,
  MEMORY64_POINTER_OVERFLOW = 6,
  MEMORY64_POINTER_OUT_OF_BOUNDS = 7,
  MEMORY64_WRITE_FAILED = 8,
  MEMORY64_TOO_LARGE = 9,
} memory64_error;

/* The error in words; never null. */
static inline const char* memory64_error_text(memory64_error error) {
  switch (error) {
    case MEMORY64_OK:
      return "success";
    case MEMORY64_DISABLED:
      return "Memory64 is off for this model";
    case MEMORY64_NOT_FOUND:
      return "there is no such layer or tensor";
    case MEMORY64_BUFFER_TOO_SMALL:
      return "the layer is larger than the buffer";
    case MEMORY64_READ_FAILED:
      return "the host could not read the bytes";
    case MEMORY64_NO_MEMORY:
      return "the guest exports no memory";
    case MEMORY64_POINTER_OVERFLOW:
      return "the buffer reaches beyond 4 GiB";
    case MEMORY64_POINTER_OUT_OF_BOUNDS:
      return "the buffer reaches beyond the guest's memory";
    case MEMORY64_WRITE_FAILED:
      return "the host could not write into the guest's memory";
    case MEMORY64_TOO_LARGE:
      return "more than 2 GiB cannot be copied at once";
  }
  return "unknown error";
}

/* A count of bytes; 0 where there is an error. */
typedef struct memory64_result {
  uint64_t bytes;
  memory64_error error;
} memory64_result;

/* ── The host's functions, as they are; below are the ones to use ───────────────────────── */

#define MEMORY64_IMPORT(NAME) \
  MEMORY64_C __attribute__((import_module("env"), import_name("memory64_" #NAME)))

MEMORY64_IMPORT(load_layer)
int32_t memory64_raw_load_layer(uint32_t layer, uint32_t pointer, uint32_t max_size);
MEMORY64_IMPORT(read)
int32_t memory64_raw_read(uint64_t offset, uint32_t pointer, uint32_t size);
MEMORY64_IMPORT(is_enabled) int32_t memory64_raw_is_enabled(void);
MEMORY64_IMPORT(stats) int64_t memory64_raw_stats(void);
MEMORY64_IMPORT(layer_count) uint32_t memory64_raw_layer_count(void);
MEMORY64_IMPORT(layer_size) int64_t memory64_raw_layer_size(uint32_t layer);
MEMORY64_IMPORT(tensor)
int32_t memory64_raw_tensor(uint32_t layer, uint32_t name, uint32_t length, uint32_t record);

static inline memory64_result memory64_result_of(int64_t answer) {
  memory64_result result = {0, MEMORY64_OK};
  if (answer < 0)
    result.error = (memory64_error)-answer;
  else
    result.bytes = (uint64_t)answer;
  return result;
}

/* The host takes pointers of 32 bits. In a wasm64 guest, memory it grew can lie higher. */
static inline int memory64_reachable(const void* start, uint64_t size) {
  return (uint64_t)(uintptr_t)start <= UINT32_MAX && size <= UINT32_MAX;
}

static inline uint32_t memory64_pointer(const void* start) {
  return (uint32_t)(uintptr_t)start;
}

/* ── The model ──────────────────────────────────────────────────────────────────────────── */

/* Whether layers and bytes can be had: with Memory64 off, every read fails. */
static inline int memory64_is_enabled(void) {
  return memory64_raw_is_enabled() == 1;
}

/* How many reads have succeeded so far, by all users of the model. */
static inline uint64_t memory64_stats(void) {
  return (uint64_t)memory64_raw_stats();
}

/* How many layers there are, numbered from 0. */
static inline uint32_t memory64_layer_count(void) {
  return memory64_raw_layer_count();
}

/* How many bytes memory64_load_layer copies for a layer. */
static inline memory64_result memory64_layer_size(uint32_t layer) {
  return memory64_result_of(memory64_raw_layer_size(layer));
}

/* Copy a layer: its tensors in the file's order, each at a multiple of the file's alignment. */
static inline memory64_result memory64_load_layer(uint32_t layer, void* buffer, size_t size) {
  uint64_t room = size <= UINT32_MAX ? size : UINT32_MAX;
  if (!memory64_reachable(buffer, room)) return memory64_result_of(-MEMORY64_POINTER_OVERFLOW);
  return memory64_result_of(
      memory64_raw_load_layer(layer, memory64_pointer(buffer), (uint32_t)room));
}

/* Copy `size` bytes from `offset` on, which counts through all regions. All of them, or none. */
static inline memory64_result memory64_read(uint64_t offset, void* buffer, size_t size) {
  if (!memory64_reachable(buffer, size)) return memory64_result_of(-MEMORY64_POINTER_OVERFLOW);
  int32_t answer = memory64_raw_read(offset, memory64_pointer(buffer), (uint32_t)size);
  /* Layers have codes 2 and 3. This function knows no layers, and uses those for what follows. */
  return memory64_result_of(answer <= -2 && answer >= -6 ? answer - 2 : answer);
}

typedef struct memory64_tensor {
  uint64_t offset;       /* for memory64_read */
  uint64_t layer_offset; /* in what memory64_load_layer copies; 0 for a tensor of no layer */
  uint64_t bytes;        /* of its quantised blocks */
  uint32_t quant_type;   /* GGML's number: 0 F32, 1 F16, 2 Q4_0, 3 Q4_1, 8 Q8_0, 12 Q4_K, … */
  uint32_t dimensions;   /* 1 to 4 */
  uint64_t shape[4];     /* rows first; 1 beyond its dimensions */
} memory64_tensor;

/* As a layer's number: any tensor of the model, by its whole name. */
#define MEMORY64_WHOLE_MODEL UINT32_MAX

/* Describe a tensor: one of a layer by "attn_q.weight", or any by "blk.0.attn_q.weight". */
static inline memory64_error memory64_find_tensor(uint32_t layer, const char* name, size_t length,
                                                  memory64_tensor* tensor) {
  if (!memory64_reachable(name, length) || !memory64_reachable(tensor, sizeof *tensor))
    return MEMORY64_POINTER_OVERFLOW;
  return (memory64_error)-memory64_raw_tensor(layer, memory64_pointer(name), (uint32_t)length,
                                              memory64_pointer(tensor));
}

/* ── Memory of the guest's own ──────────────────────────────────────────────────────────── */

/* `size` more bytes, all zero, at the end of the guest's memory; null where its limit is reached.
   They are never given back. */
static inline void* memory64_grow(size_t size) {
  const size_t page = 1 << 16;
  if (size > SIZE_MAX - page) return NULL;
  size_t before = __builtin_wasm_memory_grow(0, (size + page - 1) / page);
  return before == SIZE_MAX ? NULL : (void*)(before * page);
}

/* ── Regions in place ───────────────────────────────────────────────────────────────────── */

#ifdef __wasm_simd128__
/* The v128_t of wasm_simd128.h. */
typedef int32_t memory64_v128 __attribute__((__vector_size__(16), __aligned__(16)));
#define MEMORY64_REGION_V128(NAME) MEMORY64_REGION_LOAD(NAME, memory64_v128, v128)
#else
#define MEMORY64_REGION_V128(NAME)
#endif

/* MEMORY64_REGION(weights) declares loads from the region of that name, without any copy:

       uint8_t region_weights_u8(uint64_t offset)        likewise _u16, _u32, _u64, _f32, and
       uint64_t region_weights_bytes(void): its size     _v128 where SIMD is on

   Offsets count from the start of the region, need no alignment, and beyond the end trap. Once
   in a file, outside functions. `memory64 guest build` puts the load itself where one of these
   is called; without it they trap. */
#define MEMORY64_REGION(NAME)               \
  MEMORY64_REGION_LOAD(NAME, uint8_t, u8)   \
  MEMORY64_REGION_LOAD(NAME, uint16_t, u16) \
  MEMORY64_REGION_LOAD(NAME, uint32_t, u32) \
  MEMORY64_REGION_LOAD(NAME, uint64_t, u64) \
  MEMORY64_REGION_LOAD(NAME, float, f32)    \
  MEMORY64_REGION_V128(NAME)                \
  MEMORY64_REGION_STUB(NAME, bytes)         \
  uint64_t region_##NAME##_bytes(void) {    \
    __builtin_trap();                       \
  }

#define MEMORY64_REGION_LOAD(NAME, TYPE, KIND)                           \
  MEMORY64_REGION_STUB(NAME, KIND)                                       \
  TYPE region_##NAME##_##KIND(__attribute__((unused)) uint64_t offset) { \
    __builtin_trap();                                                    \
  }

/* Weak, so that the compiler concludes nothing from a body that is not the last word. */
#define MEMORY64_REGION_STUB(NAME, KIND) \
  MEMORY64_C __attribute__((weak, noinline, pure, export_name("memory64.region_" #NAME "." #KIND)))

#endif
