import Glibc
import Synchronization

/// A place in a commit at which a test may kill the process: `TAMIS_FAULT_POINT=announce:3` ends it as `kill -9` does
/// when the point `announce` is reached for the third time. Without the variable nothing happens.
public enum FaultPoint {
  private static let wanted: (name: String, count: Int)? = {
    guard let value = unsafe getenv("TAMIS_FAULT_POINT") else { return nil }
    let parts = unsafe String(cString: value).split(separator: ":")
    guard let name = parts.first else { return nil }
    return (String(name), parts.count > 1 ? Int(parts[1]) ?? 1 : 1)
  }()
  private static let reached = Atomic(0)

  public static func reach(_ name: String) {
    guard let wanted, wanted.name == name else { return }
    if reached.add(1, ordering: .relaxed).newValue == wanted.count { kill(getpid(), SIGKILL) }
  }
}
