/* What the host calls. */
#include "activations.h"
#include "dequantize.h"
#include "transformer.h"

#define EXPORT(name) __attribute__((export_name(name)))

/* 1, or 0 where the work was abandoned. */
EXPORT("forward") uint32_t host_forward(const Engine* engine) {
  return forward(engine);
}

EXPORT("dequantize")
void host_dequantize(uint32_t type, const void* blocks, float* out, uint64_t count) {
  dequantize(type, blocks, out, count);
}

EXPORT("activations_bytes")
uint64_t host_activations_bytes(uint32_t tokens, uint32_t columns) {
  return activations_bytes(tokens, columns);
}

/* So that the host can tell that it lays the structs out alike. */
EXPORT("sizes_of_structs") uint64_t host_sizes_of_structs(uint32_t index) {
  static const uint64_t sizes[] = {sizeof(Matrix), sizeof(Layer),   sizeof(Model), sizeof(Run),
                                   sizeof(Batch),  sizeof(Scratch), sizeof(Crew),  sizeof(Engine)};
  return index < sizeof sizes / sizeof *sizes ? sizes[index] : 0;
}
