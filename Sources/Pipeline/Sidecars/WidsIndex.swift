/// `shardindex.json`, with which `wids.ShardListDataset` opens shards at any sample.
///
/// URLs are relative to the file. Of the optional parts, `md5sum` is left out: the reader never looks at it, and
/// `SHA256SUMS` says more; so is `name`, for which the reader takes a hash.
enum WidsIndex {
  private struct File: Encodable {
    struct Shard: Encodable {
      var url: String
      var nsamples: Int
      var filesize: UInt64
    }
    var kind = "wids-shard-index-v1"
    var version = 1
    var shards: [Shard]

    enum CodingKeys: String, CodingKey {
      case kind = "__kind__"
      case version = "wids_version"
      case shards = "shardlist"
    }
  }

  static func bytes(_ listing: ShardListing) throws -> [UInt8] {
    try JSON.file(
      File(
        shards: listing.shards.map {
          File.Shard(url: listing.path(of: $0.name), nsamples: $0.samples, filesize: $0.bytes)
        }))
  }
}
