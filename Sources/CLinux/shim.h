// System calls that Swift's Glibc module does not show.
#include <sys/syscall.h>
#include <unistd.h>

/// renameat2(RENAME_EXCHANGE): swaps two names in one step.
static inline int tamis_exchange(const char *first, const char *second) {
  const int at_working_directory = -100;
  const unsigned exchange = 1u << 1;
  return (int)syscall(SYS_renameat2, at_working_directory, first, at_working_directory, second, exchange);
}

/// sync_file_range(SYNC_FILE_RANGE_WRITE): starts writing a range to the device, without waiting.
static inline int tamis_start_writeback(int descriptor, long offset, long count) {
  const unsigned write = 2;
  return (int)syscall(SYS_sync_file_range, descriptor, offset, count, write);
}
