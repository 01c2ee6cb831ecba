#define _GNU_SOURCE
#include "CFuzzer.h"

#include <sanitizer/allocator_interface.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

static int files[2] = {-1, -1};
static char paths[2][32];

static void give_up(const char *call) {
  perror(call);
  abort();
}

const char *fuzz_file(int which, const uint8_t *data, size_t size) {
  if (files[which] < 0) {
    files[which] = memfd_create("fuzz", 0);
    if (files[which] < 0) give_up("memfd_create");
    snprintf(paths[which], sizeof paths[which], "/proc/self/fd/%d", files[which]);
  }
  if (ftruncate(files[which], 0) != 0) give_up("ftruncate");
  for (size_t done = 0; done < size;) {
    ssize_t written = pwrite(files[which], data + done, size - done, (off_t)done);
    if (written < 0) give_up("pwrite");
    done += (size_t)written;
  }
  return paths[which];
}

size_t fuzz_file_size(int which) {
  off_t size = lseek(files[which], 0, SEEK_END);
  if (size < 0) give_up("lseek");
  return (size_t)size;
}

void fuzz_file_read(int which, uint8_t *into, size_t size) {
  for (size_t done = 0; done < size;) {
    ssize_t got = pread(files[which], into + done, size - done, (off_t)done);
    if (got <= 0) give_up("pread");
    done += (size_t)got;
  }
}

static _Thread_local int watching;
static _Thread_local ptrdiff_t live, peak;

static void on_malloc(const volatile void *block, size_t size) {
  if (!watching || block == NULL) return;
  live += (ptrdiff_t)size;
  if (live > peak) peak = live;
}

static void on_free(const volatile void *block) {
  if (!watching || block == NULL) return;
  live -= (ptrdiff_t)__sanitizer_get_allocated_size((const void *)block);
}

void fuzz_heap_watch(void) {
  static int installed;
  if (!installed) {
    installed = 1;
    if (__sanitizer_install_malloc_and_free_hooks(on_malloc, on_free) == 0) give_up("malloc hooks");
  }
  live = 0;
  peak = 0;
  watching = 1;
}

size_t fuzz_heap_peak(void) {
  watching = 0;
  return (size_t)peak;
}
