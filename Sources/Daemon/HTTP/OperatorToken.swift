import Foundation
public import Pipeline

/// The secret with which operators may ask for a fit or a pause over TCP (`daemon.token_file`).
public struct OperatorToken: Sendable {
  private static let shortest = 16
  private static let longest = 1024
  private let bytes: [UInt8]

  /// Reads the first line of a file.
  ///
  /// - Throws: ``PipelineError`` (usage): no such file, others may read it, or the token is shorter than 16 bytes.
  public init(file path: String) throws(PipelineError) {
    func fault(_ text: String) -> PipelineError {
      PipelineError(.usage, "daemon.token_file: \(path): \(text)")
    }
    guard let mode = try? FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int,
      let data = FileManager.default.contents(atPath: path)
    else { throw fault("cannot be read") }
    guard mode & 0o007 == 0 else { throw fault("everybody on this machine may read it (chmod 600)") }
    let line = data.prefix { $0 != UInt8(ascii: "\n") && $0 != UInt8(ascii: "\r") }
    guard line.count >= Self.shortest else {
      throw fault("the token is shorter than \(Self.shortest) characters")
    }
    guard line.count <= Self.longest, line.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else {
      throw fault(
        "the token is one line of at most \(Self.longest) printable ASCII characters without spaces")
    }
    bytes = [UInt8](line)
  }

  /// Compares the value of an `Authorization` header in a time that does not depend on where it differs.
  func allows(authorization: String?) -> Bool {
    let scheme = "bearer "
    guard let authorization, authorization.lowercased().hasPrefix(scheme) else { return false }
    let given = [UInt8](authorization.utf8.dropFirst(scheme.utf8.count))
    var difference = given.count ^ bytes.count
    for index in bytes.indices { difference |= Int(bytes[index] ^ (index < given.count ? given[index] : 0)) }
    return difference == 0
  }
}
