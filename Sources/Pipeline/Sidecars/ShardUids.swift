import Shards

/// The uids of the samples of each published shard, in a hidden file beside it until `subset.npy` is made of all: a
/// publish that goes on after a kill does not see the samples of finished shards again.
struct ShardUids: ~Copyable {
  private let staging: String
  private var open: BufferedFile?

  init(staging: String) { self.staging = staging }

  private static func path(_ staging: String, _ shard: String) -> String { staging + "/.\(shard).uids" }
  private var temporary: String { staging + "/.open.uids" }

  /// Adds a sample of the open shard.
  ///
  /// - Throws: ``PipelineError`` (bad data) for one without a uid.
  mutating func add(_ sample: PublishedSample) throws {
    let json = sample.fields.first { $0.name == "json" }
    let uid = try SampleUid(json?.bytes, of: printable(sample.key))
    if open == nil { open = BufferedFile(try File(path: temporary, .create)) }
    try open!.write(uid.bytes[...])
  }

  /// Makes durable what was added since the shard before.
  mutating func finish(shard: String) throws {
    guard let file = open.take() else { return }
    try file.finish()
    try Directory.rename(temporary, to: Self.path(staging, shard))
  }

  /// Makes `subset.npy` of all shards and removes their files; one that is there is that of an interrupted run, whole.
  ///
  /// - Parameter isGrowing: more shards will come: it is made anew, and the files stay.
  static func merge(
    of shards: [String], in staging: String, to output: String, isGrowing: Bool = false
  ) throws {
    if try isGrowing || FileStatus(path: output) == nil { try write(shards, staging, output) }
    if !isGrowing { for shard in shards { try Directory.remove(path(staging, shard)) } }
  }

  private static func write(_ shards: [String], _ staging: String, _ output: String) throws {
    let temporary = staging + "/." + Directory.name(of: output) + ".tmp"
    var subset = SubsetWriter(path: temporary)
    var buffer = [UInt8](repeating: 0, count: 1 << 20)
    for shard in shards {
      let file = try File(path: path(staging, shard), .read)
      var filled = 0
      while true {
        let got = try file.read(into: &buffer, from: filled)
        if got == 0 { break }
        filled += got
        let whole = filled / SampleUid.byteCount * SampleUid.byteCount
        for start in stride(from: 0, to: whole, by: SampleUid.byteCount) {
          try subset.add(SampleUid(bytes: buffer[start..<start + SampleUid.byteCount]))
        }
        buffer.replaceSubrange(0..<filled - whole, with: Array(buffer[whole..<filled]))
        filled -= whole
      }
    }
    try subset.finish()
    try Directory.rename(temporary, to: output)
  }
}
