import Foundation
import Glibc
import Shards

/// The name of a unix socket. The socket is bound in a directory that only we can enter and gets its mode and then its name
/// there, so that nobody else can connect at any moment; a stale one of a killed process is replaced in the same step.
struct SocketFile {
  /// The most bytes that `sockaddr_un` holds, the final zero aside.
  static let longestPath = 107

  let path: String
  private var privateDirectory: String { Directory.parent(of: path) + "/.sock" }

  init(_ path: String) { self.path = path }

  /// Where to bind: shorter than the path itself, whose last part is longer than `.sock/s`.
  var draft: String { privateDirectory + "/s" }

  /// Why there can be no socket; makes the private directory.
  var problem: Listener.Fault? {
    let longest = max(path.utf8.count, draft.utf8.count)
    guard longest <= Self.longestPath else {
      return Listener.Fault(text: "the path has \(longest) bytes, a socket's at most \(Self.longestPath)")
    }
    let attributes = try? FileManager.default.attributesOfItem(atPath: path)
    if let type = attributes?[.type] as? FileAttributeType, type != .typeSocket {
      return Listener.Fault(text: "there is something else of that name")
    }
    do {
      try Directory.remove(privateDirectory)
    } catch { return Listener.Fault(text: error.description) }
    return unsafe mkdir(privateDirectory, 0o700) == 0 ? nil : Self.fault("mkdir")
  }

  /// Gives the bound socket its mode and its name.
  func publish() -> Listener.Fault? {
    guard unsafe chmod(draft, 0o600) == 0 else { return Self.fault("chmod") }
    guard unsafe rename(draft, path) == 0 else { return Self.fault("rename") }
    return nil
  }

  func remove() {
    _ = unsafe unlink(path)
    removeDraft()
  }

  func removeDraft() { try? Directory.remove(privateDirectory) }

  private static func fault(_ call: String) -> Listener.Fault {
    let number = errno
    return Listener.Fault(text: "\(call): \(unsafe String(cString: strerror(number)))")
  }
}
