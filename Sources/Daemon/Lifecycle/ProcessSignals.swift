import Glibc
import Synchronization

/// The signals of a daemon as questions that its loop asks.
///
/// | signal | means |
/// |---|---|
/// | SIGTERM, SIGINT | end: finish what is in work; the second one, or the drain deadline, ends at once with exit code 75 |
/// | SIGHUP | read the recipe again |
/// | SIGUSR1 | log the state |
/// | SIGPIPE | ignored: writing to a closed socket gives an error |
///
/// Handlers store into atomics and ring a ``Wakeup``; they make async-signal-safe calls only. There is one process,
/// so the state is static.
public enum ProcessSignals {
  private static let ends = Atomic(0)
  private static let endedBy = Atomic<Int32>(0)
  private static let reloads = Atomic(0)
  private static let dumps = Atomic(0)
  private static let bell = Atomic<Int32>(-1)
  private static let drainDeadline = Atomic(60)
  /// Exit code when the drain took too long or a second signal came (EX_TEMPFAIL).
  private static let givenUp: Int32 = 75

  /// Installs the handlers, anew if they were before, and unblocks the signals (a parent may have blocked them).
  ///
  /// - Parameters:
  ///   - wakeup: rung by every signal; it must live as long as the process.
  ///   - drainSeconds: from the first SIGTERM or SIGINT until the process ends at once.
  public static func install(waking wakeup: Wakeup, drainSeconds: Int) {
    bell.store(wakeup.descriptor, ordering: .sequentiallyConsistent)
    self.drainSeconds = drainSeconds
    for counter in [0, 1, 2] { reset(counter) }
    endedBy.store(0, ordering: .sequentiallyConsistent)
    alarm(0)
    var mask = sigset_t()
    unsafe sigemptyset(&mask)
    for number in [SIGTERM, SIGINT, SIGALRM, SIGHUP, SIGUSR1] {
      // With `signal`, system calls that a handler interrupts go on by themselves; `poll` ends.
      _ = signal(number) { ProcessSignals.handle($0) }
      unsafe sigaddset(&mask, number)
    }
    signal(SIGPIPE, SIG_IGN)
    unsafe pthread_sigmask(SIG_UNBLOCK, &mask, nil)
  }

  private static func reset(_ counter: Int) {
    switch counter {
    case 0: ends.store(0, ordering: .sequentiallyConsistent)
    case 1: reloads.store(0, ordering: .sequentiallyConsistent)
    default: dumps.store(0, ordering: .sequentiallyConsistent)
    }
  }

  private static func handle(_ number: Int32) {
    switch number {
    case SIGHUP: reloads.add(1, ordering: .sequentiallyConsistent)
    case SIGUSR1: dumps.add(1, ordering: .sequentiallyConsistent)
    case SIGALRM: giveUp("drain_seconds are over")
    default:
      if ends.add(1, ordering: .sequentiallyConsistent).oldValue > 0 { giveUp("a second signal") }
      endedBy.store(number, ordering: .sequentiallyConsistent)
      alarm(UInt32(drainDeadline.load(ordering: .sequentiallyConsistent)))
    }
    Wakeup.ring(bell.load(ordering: .sequentiallyConsistent))
  }

  /// Ends the process, with a word; all that is not published yet is done by the next start.
  private static func giveUp(_ reason: StaticString) -> Never {
    for part: StaticString in ["tamis: ended at once: ", reason, "\n"] {
      _ = unsafe write(2, part.utf8Start, part.utf8CodeUnitCount)
    }
    _exit(givenUp)
  }

  /// From the first signal until the process ends at once; a change counts for a signal still to come.
  public static var drainSeconds: Int {
    get { drainDeadline.load(ordering: .sequentiallyConsistent) }
    set { drainDeadline.store(max(1, newValue), ordering: .sequentiallyConsistent) }
  }

  /// True from the first SIGTERM or SIGINT on, or after ``askForEnd()``.
  public static var isEndAsked: Bool { ends.load(ordering: .sequentiallyConsistent) > 0 }

  /// The signal that asked for the end (SIGTERM or SIGINT); nil if none did.
  public static var endingSignal: Int32? {
    let number = endedBy.load(ordering: .sequentiallyConsistent)
    return number == 0 ? nil : number
  }

  /// Asks for the end as SIGTERM does, from inside: the deadline begins, waits end.
  public static func askForEnd() { _ = raise(SIGTERM) }

  /// True once for any number of SIGHUP since the last call.
  public static func takeReload() -> Bool { reloads.exchange(0, ordering: .sequentiallyConsistent) > 0 }

  /// True once for any number of SIGUSR1 since the last call.
  public static func takeDump() -> Bool { dumps.exchange(0, ordering: .sequentiallyConsistent) > 0 }

  /// The drain is over: the deadline no longer counts. What follows must not wait for anything.
  public static func cancelDeadline() { alarm(0) }
}
