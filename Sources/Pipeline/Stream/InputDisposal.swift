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
        throw PipelineError(
          .usage, "daemon.on_success: \(directory) is on another file system than \(claim.path)")
      }
    }
  }
}
