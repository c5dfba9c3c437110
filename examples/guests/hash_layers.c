/* The CRC-32 of every layer. The guest has room for one layer, however large the model is. */

#include <memory64.h>

static uint8_t* buffer;
static uint64_t buffer_bytes;

static int make_room(uint64_t bytes) {
  if (bytes <= buffer_bytes) return 1;
  buffer = (uint8_t*)memory64_grow(bytes);
  buffer_bytes = buffer ? bytes : 0;
  return buffer != NULL;
}

static uint32_t crc32(const uint8_t* data, uint64_t size) {
  static uint32_t table[256];
  for (uint32_t byte = 0; byte < 256; byte++) {
    uint32_t value = byte;
    for (int bit = 0; bit < 8; bit++) value = value >> 1 ^ (value & 1 ? 0xEDB88320 : 0);
    table[byte] = value;
  }
  uint32_t crc = ~0u;
  for (uint64_t at = 0; at < size; at++) crc = table[(crc ^ data[at]) & 0xFF] ^ crc >> 8;
  return ~crc;
}

/* The CRC-32 of a layer; where it fails, the memory64_error as a negative number. */
MEMORY64_EXPORT(hash_layer) int64_t hash_layer(uint32_t layer) {
  memory64_result size = memory64_layer_size(layer);
  if (size.error) return -(int64_t)size.error;
  if (!make_room(size.bytes)) return -MEMORY64_BUFFER_TOO_SMALL;
  memory64_result loaded = memory64_load_layer(layer, buffer, buffer_bytes);
  if (loaded.error) return -(int64_t)loaded.error;
  return crc32(buffer, loaded.bytes);
}
