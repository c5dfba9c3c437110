/* A disk that misbehaves: stands between a program and madvise, by LD_PRELOAD.

   While the file named by MEMORY64_DISK says "fails", reading pages in fails; while it says
   "stands still", it does not return. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define POPULATE_READ 22

static int says(const char *what) {
  char said[32] = {0};
  int file = open(getenv("MEMORY64_DISK"), O_RDONLY);
  if (file < 0) return 0;
  ssize_t size = read(file, said, sizeof said - 1);
  close(file);
  return size > 0 && strcmp(said, what) == 0;
}

int madvise(void *address, size_t length, int advice) {
  static int (*real)(void *, size_t, int);
  if (!real) real = (int (*)(void *, size_t, int))dlsym(RTLD_NEXT, "madvise");
  if (advice == POPULATE_READ) {
    while (says("stands still")) usleep(2000);
    if (says("fails")) {
      errno = EFAULT; /* what the system gives for a page that could not be read */
      return -1;
    }
  }
  return real(address, length, advice);
}
