import Glibc
import Synchronization

/// SIGTERM and SIGINT as a flag.
///
/// Plain signal handlers, as a dispatch source loses a signal that reaches a thread it does not own, and OpenBLAS
/// has such threads. The handlers do nothing but async-signal-safe calls.
enum StopSignal {
  private static let requests = Atomic(0)
  private static let drainSeconds = Atomic(60)
  /// Exit code when the drain took too long or a second signal came (EX_TEMPFAIL).
  private static let givenUp: Int32 = 75

  /// Installs the handlers. After the first signal the process has `drainSeconds` to end by itself; then, or on a
  /// second signal, it ends at once.
  static func install(drainSeconds seconds: Int) {
    drainSeconds.store(seconds, ordering: .sequentiallyConsistent)
    requests.store(0, ordering: .sequentiallyConsistent)
    var mask = sigset_t()
    unsafe sigemptyset(&mask)
    for number in [SIGTERM, SIGINT, SIGALRM] {
      _ = signal(number) { StopSignal.handle($0) }
      unsafe sigaddset(&mask, number)
    }
    // A parent may have started us with the signals blocked.
    unsafe pthread_sigmask(SIG_UNBLOCK, &mask, nil)
  }

  private static func handle(_ number: Int32) {
    let before = requests.add(1, ordering: .sequentiallyConsistent).oldValue
    if before > 0 || number == SIGALRM { _exit(givenUp) }
    alarm(UInt32(drainSeconds.load(ordering: .sequentiallyConsistent)))
  }

  static var isRequested: Bool { requests.load(ordering: .sequentiallyConsistent) > 0 }

  /// Sleeps for half a second, less if a signal comes.
  static func pause() {
    for _ in 0..<10 where !isRequested { usleep(50_000) }
  }
}
