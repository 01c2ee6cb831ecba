import Dispatch

/// Runs the server's tasks on a thread of its own.
///
/// Swift's shared pool has as many threads as there are cores, and the workers of an ingest can keep all of them busy for
/// minutes; a health check must be answered all the same. A serial queue always gets a thread.
final class ServerThread: TaskExecutor {
  static let shared = ServerThread()

  private let queue = DispatchQueue(label: "tamis.http")

  func enqueue(_ job: consuming ExecutorJob) {
    let job = UnownedJob(job)
    let executor = unsafe asUnownedTaskExecutor()
    queue.async { unsafe job.runSynchronously(on: executor) }
  }
}
