// Preloaded by `scripts/sanitize thread`: tells ThreadSanitizer of the locks that Swift's Mutex takes and leaves.
//
// The quick paths of Mutex are inlined into our instrumented code. The slow ones, taken when threads meet, are in
// libswiftSynchronization, which is not instrumented: without this, what a Mutex guards looks unguarded.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdint.h>

// Synchronization._MutexHandle._lockSlow(UInt32) and _unlockSlow().
#define LOCK "$s15Synchronization12_MutexHandleV9_lockSlowyys6UInt32VF"
#define UNLOCK "$s15Synchronization12_MutexHandleV11_unlockSlowyyF"

#define SWIFT __attribute__((swiftcall))
#define SELF __attribute__((swift_context)) void *self

typedef SWIFT void lock_slow(uint32_t thread, SELF);
typedef SWIFT void unlock_slow(SELF);

void __tsan_acquire(void *address);
void __tsan_release(void *address);

SWIFT void on_lock(uint32_t thread, SELF) __asm__(LOCK);
SWIFT void on_unlock(SELF) __asm__(UNLOCK);

SWIFT void on_lock(uint32_t thread, SELF) {
  lock_slow *lock = (lock_slow *)dlsym(RTLD_NEXT, LOCK);
  lock(thread, self);
  __tsan_acquire(self);
}

SWIFT void on_unlock(SELF) {
  unlock_slow *unlock = (unlock_slow *)dlsym(RTLD_NEXT, UNLOCK);
  __tsan_release(self);
  unlock(self);
}
