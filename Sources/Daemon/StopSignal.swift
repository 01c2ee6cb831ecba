import Glibc
import Synchronization

/// SIGTERM and SIGINT as a flag.
///
/// Plain signal handlers: nothing to keep alive, and whichever thread gets the signal will do. They make
/// async-signal-safe calls only.
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
