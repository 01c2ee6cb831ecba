import Foundation
import Glibc
import Synchronization

/// Ends the process when the reader of standard output has gone, also while it waits for its input and so has nothing
/// to write: `tail -f … | tamis pipe | head -c 1000` ends when `head` does.
enum ReaderWatch {
  private static let isOver = Atomic(false)
  /// A reader may leave when it has all: time for the process to end by itself.
  private static let grace: UInt32 = 200_000

  /// Watches from now on. A write to a reader that has gone gives `EPIPE` instead of a signal.
  static func start() {
    signal(SIGPIPE, SIG_IGN)
    Thread.detachNewThread {
      var entry = pollfd(fd: STDOUT_FILENO, events: 0, revents: 0)
      while unsafe poll(&entry, 1, -1) < 0, errno == EINTR {}
      guard Int32(entry.revents) & (POLLERR | POLLHUP) != 0 else { return }
      usleep(grace)
      if !isOver.load(ordering: .sequentiallyConsistent) { _exit(ExitStatus.readerGone.rawValue) }
    }
  }

  /// All is written.
  static func stop() { isOver.store(true, ordering: .sequentiallyConsistent) }
}
