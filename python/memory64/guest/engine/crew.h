/* The threads that compute together. Each runs the same program in a store of its own; what they
   share are pages that all of their memories show. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* Each counter has a cache line of its own. */
typedef struct {
  _Alignas(64) uint32_t threads;
  _Alignas(64) uint32_t abandoned; /* set by the host: nobody waits for the result any more */
  _Alignas(64) uint32_t arrived;
  _Alignas(64) uint32_t generation;
  _Alignas(64) uint32_t next_task;
  _Alignas(64) uint32_t step;  /* which one is being computed: for the host to look at */
  _Alignas(64) uint32_t ready; /* set by the host: how many steps may begin */
} Crew;

typedef void (*Task)(const void* what, uint32_t index);

/* Do the tasks 0 … count - 1, each once by whichever thread comes first, and return when all are
   done; every thread calls this alike. False where the work was abandoned. */
bool together(Crew* crew, uint32_t count, Task task, const void* what);

/* Called before anything is read that `step` is the first to read: waits until it is there, and
   tells that steps before are over. Every thread calls this alike. False where the work was
   abandoned. */
bool begin_step(Crew* crew, uint32_t step);
