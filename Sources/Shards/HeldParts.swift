/// Parts of samples that wait for the last part of their key (``DuplicatePolicy/merge``).
///
/// What is held is bounded (``ShardLimits/heldBytes``). Beyond half of it, a part of a plain tar in a regular file is read again
/// from there when the next one comes; from other shards a sample that does not fit gives up its bytes and is rejected
/// where its last part is.
struct HeldParts {
  private struct Held {
    var sample: Sample
    var parts: Int
    var cost: UInt64
    /// True when the bytes are to be read again.
    var isDropped = false
  }

  /// Reads the bytes of a field again; nil where the shard cannot do that.
  typealias Reread = (Field) throws -> [UInt8]

  private let limits: ShardLimits
  private var held: [KeyHash: Held] = [:]
  /// Parts seen of the samples that gave up their bytes.
  private var tooLarge: [KeyHash: Int] = [:]
  private var cost: UInt64 = 0

  init(_ limits: ShardLimits) { self.limits = limits }

  /// Adds a part of a key that has `count` in all; the whole sample comes back with the last one.
  mutating func add(
    _ part: Sample, of count: Int, for hash: KeyHash, reread: Reread?
  ) throws -> Sample? {
    if let seen = tooLarge[hash] { return addTooLarge(part, seen + 1, of: count, hash) }
    var parts = 1
    var sample = part
    if let before = held.removeValue(forKey: hash) {
      cost -= before.cost
      parts += before.parts
      sample = before.sample
      if before.isDropped, let reread { try restore(&sample, reread) }
      merge(part, into: &sample)
    }
    if parts >= count { return sample }
    var new = Self.cost(of: sample)
    var isDropped = false
    // Bytes that can be read again take no more than half, so that there is room for entries without them.
    if cost + new > limits.heldBytes / 2, reread != nil {
      new -= UInt64(sample.bytes.count)
      sample.bytes = []
      isDropped = true
    }
    guard cost + new <= limits.heldBytes else { return addTooLarge(part, parts, of: count, hash) }
    cost += new
    held[hash] = Held(sample: sample, parts: parts, cost: new, isDropped: isDropped)
    return nil
  }

  private func restore(_ sample: inout Sample, _ reread: Reread) throws {
    for index in sample.fields.indices {
      let start = sample.bytes.count
      sample.bytes += try reread(sample.fields[index])
      sample.fields[index].range = start..<sample.bytes.count
    }
  }

  /// What is left when the shard ends before the last part of a key: possible only if the file changed after the
  /// scan.
  mutating func takeLeftover() -> Sample? {
    guard let (hash, entry) = held.first else { return nil }
    held[hash] = nil
    var sample = entry.sample
    sample.reject(
      .interleavedKey, at: sample.offset, member: sample.fields.first?.member ?? "",
      "a part of this key is no longer there")
    return sample
  }

  private mutating func addTooLarge(_ part: Sample, _ seen: Int, of count: Int, _ hash: KeyHash) -> Sample? {
    guard seen >= count else {
      tooLarge[hash] = seen
      return nil
    }
    tooLarge[hash] = nil
    var last = part
    last.fault = nil
    last.reject(
      .memberTooLarge, at: part.offset, member: part.fields.first?.member ?? printable(part.storedKey),
      "its parts are too far apart: more than \(limits.heldBytes) bytes of parts wait for others")
    return last
  }

  private static func cost(of sample: Sample) -> UInt64 {
    UInt64(sample.bytes.count + 512 + sample.key.count + sample.storedKey.count + 256 * sample.fields.count)
  }

  private func merge(_ part: Sample, into sample: inout Sample) {
    sample.offset = part.offset
    sample.fault = sample.fault ?? part.fault
    for field in part.fields {
      let bytes = part.bytes[field.range]
      if let first = sample.fields.first(where: { $0.name == field.name }) {
        guard sample.bytes[first.range] != bytes else { continue }
        sample.reject(
          .duplicateKey, at: field.offset, member: field.member,
          "the field \(field.name) occurs twice with different bytes")
        continue
      }
      guard UInt64(sample.bytes.count + bytes.count) <= limits.sampleBytes,
        sample.fields.count < limits.fieldsPerSample
      else {
        sample.reject(
          .memberTooLarge, at: field.offset, member: field.member,
          "the merged sample has more than \(limits.sampleBytes) bytes or \(limits.fieldsPerSample) fields")
        continue
      }
      var moved = field
      moved.range = sample.bytes.count..<(sample.bytes.count + bytes.count)
      sample.bytes += bytes
      sample.fields.append(moved)
    }
  }
}
