/// `sizes.json`: `{"00000.tar": 9876, …}` by the name of the file alone; readers want every shard in it.
enum SizesFile {
  static func bytes(_ listing: ShardListing) throws -> [UInt8] {
    try JSON.file(Dictionary(uniqueKeysWithValues: listing.shards.map { ($0.name, $0.samples) }))
  }
}

/// `__len__`: the number of samples in decimal, which readers take for a Python literal.
enum LengthFile {
  static func bytes(_ listing: ShardListing) -> [UInt8] { Array("\(listing.samples)".utf8) }
}
