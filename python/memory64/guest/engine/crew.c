#include "crew.h"

/* About 20 µs. Then somebody else may need this processor, even the thread that is waited for. */
#define SPINS 20000

__attribute__((import_module("host"), import_name("give_way"))) void give_way(void);

/* Sleeps until the step may begin; 0 where the work was abandoned. */
__attribute__((import_module("host"), import_name("wait_for_step"))) uint32_t
wait_for_step(uint32_t step);

static uint32_t load(const uint32_t* value) {
  return __atomic_load_n(value, __ATOMIC_ACQUIRE);
}

static void store(uint32_t* value, uint32_t with) {
  __atomic_store_n(value, with, __ATOMIC_RELEASE);
}

static uint32_t count_up(uint32_t* value) {
  return __atomic_fetch_add(value, 1, __ATOMIC_ACQ_REL);
}

static void meet(Crew* crew) {
  uint32_t generation = load(&crew->generation);
  if (count_up(&crew->arrived) + 1 == crew->threads) {
    store(&crew->arrived, 0);
    store(&crew->next_task, 0);
    store(&crew->generation, generation + 1);
    return;
  }
  for (uint32_t spins = 1; load(&crew->generation) == generation; spins++) {
    if (load(&crew->abandoned)) return;
    if (spins % SPINS == 0) give_way();
  }
}

bool together(Crew* crew, uint32_t count, Task task, const void* what) {
  uint32_t index;
  while ((index = count_up(&crew->next_task)) < count) {
    if (load(&crew->abandoned)) return false;
    task(what, index);
  }
  meet(crew);
  return !load(&crew->abandoned);
}

bool begin_step(Crew* crew, uint32_t step) {
  store(&crew->step, step);
  return load(&crew->ready) > step || wait_for_step(step);
}
