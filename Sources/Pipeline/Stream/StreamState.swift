import Shards

/// What a stream remembers across restarts (`stream.json`): written before what it announces takes effect, so that
/// a killed process continues where it was and ends in the same bytes.
struct StreamState: Codable, Equatable {
  struct Seal: Codable, Equatable {
    var name: String
    var samples: Int
    var bytes: UInt64
    var sha256: String
  }

  /// Input shards in the order in which they were taken.
  var claims: [String] = []
  /// Those of the claims that were rejected as a whole.
  var rejected: [String] = []
  /// Claims that the plan was fitted on; 0 before it.
  var fittedClaims = 0
  /// Published shards, in order.
  var sealed: [Seal] = []

  static func load(_ workspace: String) throws -> StreamState {
    guard let bytes = try readFile(workspace + "/stream.json") else { return StreamState() }
    do { return try JSON.decode(StreamState.self, from: bytes) } catch {
      throw PipelineError(
        .badData, "\(workspace)/stream.json: cannot be read; the workspace is not a stream's")
    }
  }

  func save(_ workspace: String) throws {
    try AtomicFile.write(try JSON.file(self), to: workspace + "/stream.json")
  }
}
