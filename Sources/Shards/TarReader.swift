/// One member of a tar, as its headers announce it.
struct TarMember {
  /// Full name: from the last of PAX and GNU extended headers, else from the USTAR header.
  var name: [UInt8]
  var size: UInt64
  var kind: TarHeader.Kind
  /// Offset of the member's first header block, extended headers included.
  var headerOffset: UInt64
  var dataOffset: UInt64
}

/// The members of a tar stream in order. The end must be marked by two zero blocks: without them the tar is
/// truncated, not short.
struct TarReader: ~Copyable {
  let stream: ShardStream
  private let limits: ShardLimits
  private var block: [UInt8] = []
  /// Data and padding of the current member not yet read.
  private var unread: UInt64 = 0
  private var members = 0
  private var hasEnded = false
  private var globalPath: [UInt8]?
  private var globalSize: UInt64?

  init(_ stream: ShardStream, limits: ShardLimits) {
    self.stream = stream
    self.limits = limits
    block.reserveCapacity(512)
  }

  /// The next member, or nil after a proper end. What was not read of the one before is passed over.
  mutating func next() throws -> TarMember? {
    if hasEnded { return nil }
    try skipData()
    let start = stream.offset
    var path: [UInt8]?
    var size: UInt64?
    var isSparse = false
    var extendedHeaders = 0
    while true {
      let offset = stream.offset
      guard try readBlock() else {
        throw ShardFault(.truncatedShard, at: stream.offset, "the end marker is missing")
      }
      if isZero {
        try readEndMarker(after: offset, extendedHeaders)
        hasEnded = true
        return nil
      }
      let header = try TarHeader(block: block[...], at: offset)
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
        let member = TarMember(
          name: path ?? globalPath ?? header.name, size: bytes, kind: isSparse ? .sparse : header.kind,
          headerOffset: start, dataOffset: stream.offset)
        guard bytes < 1 << 62 else {
          throw ShardFault(.badHeader, at: offset, member: printable(member.name), "impossible size \(bytes)")
        }
        unread = (bytes + 511) / 512 * 512
        return member
      }
    }
  }

  /// Appends the data of `member`, the one just returned, to `output`.
  mutating func readData(of member: TarMember, into output: inout [UInt8]) throws {
    let count = Int(member.size)
    guard try stream.read(count, into: &output) == count else { throw cutOff(member) }
    unread -= UInt64(count)
  }

  /// Passes over what is left of the current member.
  private mutating func skipData() throws {
    let left = unread
    unread = 0
    guard try stream.skip(left) == left else {
      throw ShardFault(.truncatedShard, at: stream.offset, "the shard ends inside a member")
    }
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
    } while block[504] != 0
  }

  private var isZero: Bool { block.allSatisfy { $0 == 0 } }

  private mutating func readEndMarker(after offset: UInt64, _ extendedHeaders: Int) throws {
    guard try readBlock() else {
      throw ShardFault(.truncatedShard, at: stream.offset, "half of the end marker is missing")
    }
    guard isZero, extendedHeaders == 0 else {
      throw ShardFault(.badHeader, at: offset, "a single zero block among the headers")
    }
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
    data.removeLast(padded - Int(header.size))
    return data
  }
}
