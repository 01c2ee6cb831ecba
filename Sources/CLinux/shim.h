// System calls that Swift's Glibc module does not show.
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
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

/// eventfd(2): a counter that poll(2) can wait on; neither reading nor writing ever waits.
static inline int tamis_event_descriptor(void) { return eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK); }

/// 1 if a directory is on a file system whose changes by other machines give no inotify events; 0 if not or unknown.
static inline int tamis_is_remote(const char *path) {
  struct statfs status;
  if (statfs(path, &status) != 0) return 0;
  switch ((unsigned)status.f_type) {
    case 0x6969u:      // NFS
    case 0x517bu:      // SMB
    case 0xfe534d42u:  // SMB2
    case 0xff534d42u:  // CIFS
    case 0x65735546u:  // FUSE
    case 0x01021997u:  // 9P
    case 0x00c36400u:  // Ceph
    case 0x0bd00bd0u:  // Lustre
    case 0x5346414fu:  // AFS
    case 0x47504653u:  // GPFS
      return 1;
    default:
      return 0;
  }
}
