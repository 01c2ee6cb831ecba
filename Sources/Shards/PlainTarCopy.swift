/// Copies any shard as a plain tar, byte for byte after decompression, checking it on the way.
public enum PlainTarCopy {
  /// Copies until the end; the output is flushed as it comes and never synced.
  ///
  /// - Throws: ``ShardFault`` when the shard is not a complete tar: what came before has been written then.
  public static func run(
    from input: consuming File, to output: consuming File, limits: ShardLimits = ShardLimits()
  ) throws {
    let stream = try ShardStream(input, limits: limits, hashing: false)
    var buffered = BufferedFile(output)
    var follower = TarFollower()
    do {
      while let chunk = try stream.nextChunk() {
        try buffered.write(chunk)
        try follower.follow(chunk)
      }
      try follower.finish()
    } catch {
      try buffered.finish(syncing: false)
      throw error
    }
    try buffered.finish(syncing: false)
  }
}

/// Follows the structure of a tar that flows past in chunks: headers are checked, data is counted.
struct TarFollower {
  private var block: [UInt8] = []
  private var dataLeft: UInt64 = 0
  private var offset: UInt64 = 0
  private var zeroBlocks = 0
  private var paxSize: UInt64?
  private var paxData: [UInt8] = []
  private var isPAX = false

  mutating func follow(_ chunk: ArraySlice<UInt8>) throws(ShardFault) {
    var rest = chunk
    while !rest.isEmpty, zeroBlocks < 2 {
      if dataLeft > 0 {
        let take = Int(min(dataLeft, UInt64(rest.count)))
        if isPAX { paxData += rest.prefix(take) }
        rest = rest.dropFirst(take)
        dataLeft -= UInt64(take)
        offset += UInt64(take)
        if dataLeft == 0, isPAX { paxSize = try PAXRecords(paxData, at: offset).size ?? paxSize }
        continue
      }
      let take = min(512 - block.count, rest.count)
      block += rest.prefix(take)
      rest = rest.dropFirst(take)
      if block.count == 512 { try header() }
    }
  }

  private mutating func header() throws(ShardFault) {
    defer {
      block.removeAll(keepingCapacity: true)
      offset += 512
    }
    if block.allSatisfy({ $0 == 0 }) {
      zeroBlocks += 1
      return
    }
    guard zeroBlocks == 0 else {
      throw ShardFault(.badHeader, at: offset, "a single zero block among the headers")
    }
    let header = try TarHeader(block: block[...], at: offset)
    isPAX = header.kind == .extended
    paxData = []
    var size = header.size
    switch header.kind {
    case .extended, .global, .longName, .longLink:
      guard size <= ShardLimits().extendedHeaderBytes else {
        throw ShardFault(.badHeader, at: offset, "an extended header of \(size) bytes")
      }
    case .directory: size = 0
    default:
      size = paxSize ?? size
      paxSize = nil
    }
    guard size < 1 << 62 else { throw ShardFault(.badHeader, at: offset, "impossible size \(size)") }
    dataLeft = (size + 511) / 512 * 512
  }

  func finish() throws(ShardFault) {
    guard zeroBlocks == 2 else {
      throw ShardFault(.truncatedShard, at: offset + UInt64(block.count), "the end marker is missing")
    }
  }
}
