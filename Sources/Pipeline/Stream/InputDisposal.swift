import Glibc
import Shards

/// Gets input shards out of the way whose samples are published (`daemon.on_success`).
enum InputDisposal {
  /// Moves or deletes the file of a claim; one that is gone already, or is another by now, is left alone.
  static func dispose(_ claim: StreamClaim, _ recipe: Recipe) throws {
    guard try FileStatus(path: claim.path) == claim.status else { return }
    switch recipe.daemon.onSuccess {
    case .keep: return
    case .delete:
      try Directory.remove(claim.path)
      try Directory.sync(Directory.parent(of: claim.path))
    case .move(let directory):
      let target = directory + "/" + claim.name + ShardSet.suffix(of: claim.path)
      try Directory.create(directory)
      do { try Directory.rename(claim.path, to: target) } catch {
        guard error.errno == EXDEV else { throw error }
        try copy(claim.path, to: target)
        try Directory.remove(claim.path)
      }
      try Directory.sync(Directory.parent(of: claim.path))
    }
  }

  /// To another file system: the copy is durable before it has its name.
  private static func copy(_ path: String, to target: String) throws {
    let hidden = HiddenShard.path(Directory.name(of: target), in: Directory.parent(of: target))
    let source = try File(path: path, .read)
    let copy = try File(path: hidden, .create)
    var buffer = [UInt8](repeating: 0, count: 1 << 20)
    while true {
      let count = try source.read(into: &buffer)
      if count == 0 { break }
      try unsafe copy.write(buffer.span.extracting(0..<count).bytes)
    }
    try copy.sync()
    try Directory.rename(hidden, to: target)
  }
}
