import Foundation
import Shards

/// Holds the rejects of the shard in work back until it ends: reading may start over when a key comes again, and
/// each reject is told once. Memory is bounded: what is more than some thousands goes to a file without a name.
struct RejectSpool: ~Copyable {
  private static let held = 4096
  private let directory: String
  private var rejects: [Reject] = []
  private var file: File?
  private var extents: [(offset: UInt64, count: Int)] = []

  /// - Parameter directory: where the file goes if there must be one; nil is the system's for temporary files.
  init(directory: String? = nil) {
    self.directory = directory ?? FileManager.default.temporaryDirectory.path
  }

  mutating func add(_ reject: Reject) throws {
    rejects.append(reject)
    guard rejects.count == Self.held else { return }
    if file == nil {
      let path = directory + "/.rejects-\(getpid())-\(UInt64.random(in: 0...UInt64.max)).tmp"
      let created = try File(path: path, .create)
      try Directory.remove(path)
      file = consume created
    }
    let bytes = try JSON.line(rejects)
    extents.append((extents.last.map { $0.offset + UInt64($0.count) } ?? 0, bytes.count))
    try file!.write(bytes)
    rejects.removeAll(keepingCapacity: true)
  }

  /// Forgets all.
  mutating func clear() {
    rejects.removeAll(keepingCapacity: true)
    extents = []
    file = nil
  }

  /// Tells all, in the order in which they came, and forgets them.
  mutating func send(to events: EventHandler) throws {
    for extent in extents {
      let bytes = try file!.read(at: extent.offset, count: extent.count)
      for reject in try JSON.decode([Reject].self, from: bytes) { events(.rejected(reject)) }
    }
    for reject in rejects { events(.rejected(reject)) }
    clear()
  }
}
