/// One member of a tar, as its headers announce it.
struct TarMember {
  /// Full name: from the last of PAX and GNU extended headers, else from the USTAR header.
  var name: [UInt8]
  var size: UInt64
  var kind: TarHeader.Kind
  /// Offset of the member's first header block, extended headers included.
  var headerOffset: UInt64
  var dataOffset: UInt64
  /// True for the first member of a further tar in the same stream.
  var followsEndMarker = false
}

/// The members of a tar stream in order. The end must be marked by two zero blocks: without them the tar is
/// truncated, not short. Several tars in a row are read as one where that is asked for.
struct TarReader: ~Copyable {
  let stream: ShardStream
  private let limits: ShardLimits
  private let ignoresZeros: Bool
  /// Where all blocks but zero blocks between members go.
  private var copy: BufferedFile?
  private var block: [UInt8] = []
  /// Data and padding of the current member not yet read.
  private var unread: UInt64 = 0
  private var members = 0
  private var hasEnded = false
  private var globalPath: [UInt8]?
  private var globalSize: UInt64?
  private var globalSparse = false
  /// True when a zero block followed the member before.
  private(set) var endsInZeros = false

  init(_ stream: ShardStream, limits: ShardLimits, ignoresZeros: Bool = false) {
    self.stream = stream
    self.limits = limits
    self.ignoresZeros = ignoresZeros
    block.reserveCapacity(512)
  }

  /// Copies every member as it is passed, from now on, end markers left out.
  mutating func startCopying(to output: consuming BufferedFile) { copy = consume output }

  /// Ends the copy and gives back where it went.
  mutating func endCopying() -> BufferedFile? { copy.take() }

  /// The next member, or nil after a proper end. What was not read of the one before is passed over.
  mutating func next() throws -> TarMember? {
    if hasEnded { return nil }
    try skipData()
    var start = stream.offset
    endsInZeros = false
    var path: [UInt8]?
    var size: UInt64?
    var isSparse = false
    var extendedHeaders = 0
    while true {
      var offset = stream.offset
      guard try readBlock() else {
        throw ShardFault(.truncatedShard, at: stream.offset, "the end marker is missing")
      }
      if isZero {
        endsInZeros = true
        if try readEndMarker(after: offset, extendedHeaders) {
          hasEnded = true
          return nil
        }
        offset = stream.offset - 512
        start = offset
      }
      let header = try TarHeader(block: block[...], at: offset)
      try copy?.write(block[...])
      switch header.kind {
      case .extended, .global, .longName, .longLink:
        extendedHeaders += 1
        let data = try readExtended(header, at: offset, inARow: extendedHeaders)
        switch header.kind {
        case .longName: path = Array(data.prefix { $0 != 0 })
        case .longLink: break
        default:
          let records = try PAXRecords(data, at: offset)
          if header.kind == .global {
            globalPath = records.path ?? globalPath
            globalSize = records.size ?? globalSize
            globalSparse = globalSparse || records.isSparse
          } else {
            path = records.path ?? path
            size = records.size ?? size
          }
          isSparse = isSparse || records.isSparse
        }
      default:
        members += 1
        guard members <= limits.membersPerShard else {
          throw ShardFault(.memberTooLarge, at: offset, "more than \(limits.membersPerShard) members")
        }
        let bytes = header.kind.hasData ? size ?? globalSize ?? header.size : 0
        if header.sparseMapContinues { try skipSparseMap() }
        let sparse = (isSparse || globalSparse) && header.kind == .file
        let member = TarMember(
          name: path ?? globalPath ?? header.name, size: bytes, kind: sparse ? .sparse : header.kind,
          headerOffset: start, dataOffset: stream.offset, followsEndMarker: endsInZeros)
        guard bytes < 1 << 62 else {
          throw ShardFault(.badHeader, at: offset, member: printable(member.name), "impossible size \(bytes)")
        }
        unread = (bytes + 511) / 512 * 512
        endsInZeros = false
        return member
      }
    }
  }

  /// Appends the data of `member`, the one just returned, to `output`.
  mutating func readData(of member: TarMember, into output: inout [UInt8]) throws {
    let count = Int(member.size)
    let start = output.count
    guard try stream.read(count, into: &output) == count else { throw cutOff(member) }
    try copy?.write(output[start...])
    unread -= UInt64(count)
  }

  /// Passes over what is left of the current member.
  private mutating func skipData() throws {
    var left = unread
    unread = 0
    if copy != nil { left -= try copyData(left) }
    guard try stream.skip(left) == left else {
      throw ShardFault(.truncatedShard, at: stream.offset, "the shard ends inside a member")
    }
  }

  /// Copies up to `count` bytes; fewer only at the end of the stream.
  private mutating func copyData(_ count: UInt64) throws -> UInt64 {
    var copied: UInt64 = 0
    var piece: [UInt8] = []
    while copied < count {
      piece.removeAll(keepingCapacity: true)
      let got = try stream.read(Int(min(count - copied, 1 << 18)), into: &piece)
      if got == 0 { break }
      try copy?.write(piece[...])
      copied += UInt64(got)
    }
    return copied
  }

  private func cutOff(_ member: TarMember) -> ShardFault {
    ShardFault(
      .truncatedShard, at: stream.offset, member: printable(member.name),
      "the shard ends inside this member of \(member.size) bytes")
  }

  /// Reads one block; false at a clean end of the stream.
  private mutating func readBlock() throws -> Bool {
    block.removeAll(keepingCapacity: true)
    let got = try stream.read(512, into: &block)
    if got == 0 { return false }
    guard got == 512 else {
      throw ShardFault(.truncatedShard, at: stream.offset, "the shard ends inside a header")
    }
    return true
  }

  /// Passes over the blocks of an old GNU sparse map; each tells whether another follows.
  private mutating func skipSparseMap() throws {
    repeat {
      guard try readBlock() else {
        throw ShardFault(.truncatedShard, at: stream.offset, "the shard ends inside a sparse map")
      }
      try copy?.write(block[...])
    } while block[504] != 0
  }

  private var isZero: Bool { block.allSatisfy { $0 == 0 } }

  /// After one zero block: true at the end. False when another tar follows, its first header in ``block``.
  private mutating func readEndMarker(after offset: UInt64, _ extendedHeaders: Int) throws -> Bool {
    guard extendedHeaders == 0 else {
      throw ShardFault(.badHeader, at: offset, "an extended header without a member")
    }
    guard ignoresZeros else {
      guard try readBlock() else {
        throw ShardFault(.truncatedShard, at: stream.offset, "half of the end marker is missing")
      }
      guard isZero else {
        throw ShardFault(.badHeader, at: offset, "a single zero block among the headers")
      }
      return true
    }
    var zeros = 1
    while isZero {
      block.removeAll(keepingCapacity: true)
      let got = try stream.read(512, into: &block)
      if got < 512 {
        guard zeros > 1, isZero else {
          throw ShardFault(.truncatedShard, at: stream.offset, "the end marker is missing")
        }
        return true
      }
      zeros += 1
    }
    (globalPath, globalSize, globalSparse) = (nil, nil, false)
    return false
  }

  private mutating func readExtended(
    _ header: TarHeader, at offset: UInt64, inARow: Int
  ) throws -> [UInt8] {
    guard inARow <= limits.extendedHeadersInARow else {
      throw ShardFault(
        .badHeader, at: offset, "more than \(limits.extendedHeadersInARow) extended headers in a row")
    }
    guard header.size <= limits.extendedHeaderBytes else {
      throw ShardFault(.badHeader, at: offset, "an extended header of \(header.size) bytes")
    }
    var data: [UInt8] = []
    let padded = Int((header.size + 511) / 512 * 512)
    guard try stream.read(padded, into: &data) == padded else {
      throw ShardFault(.truncatedShard, at: stream.offset, "the shard ends inside an extended header")
    }
    try copy?.write(data[...])
    data.removeLast(padded - Int(header.size))
    return data
  }
}
