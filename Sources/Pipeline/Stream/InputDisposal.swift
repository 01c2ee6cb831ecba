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
      try Directory.create(directory)
      guard let target = try free(directory, claim) else { return try Directory.remove(claim.path) }
      do { try Directory.rename(claim.path, to: target) } catch {
        guard error.errno == EXDEV else { throw error }
        try AtomicFile.copy(File(path: claim.path, .read), to: target)
        try Directory.remove(claim.path)
      }
      try Directory.sync(Directory.parent(of: claim.path))
    }
  }

  /// The first name that is not another file's: `NAME.tar`, `NAME-2.tar`…; nil if the content is there already.
  private static func free(_ directory: String, _ claim: StreamClaim) throws -> String? {
    var number = 1
    while true {
      let name = claim.name + (number > 1 ? "-\(number)" : "") + ShardSet.suffix(of: claim.path)
      let target = directory + "/" + name
      guard let found = try FileStatus(path: target) else { return target }
      if found.size == claim.status.size,
        try FileDigest(path: target).sha256 == FileDigest(path: claim.path).sha256
      {
        return nil
      }
      number += 1
    }
  }
}
