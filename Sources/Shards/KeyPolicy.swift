/// Turns the parts of keys, as they stand in a shard, into samples: one key, one sample.
struct KeyPolicy {
  private let policy: DuplicatePolicy
  private let repeats: RepeatedKeys
  private var fieldSets = FieldSets()
  private var held: HeldParts
  /// Keys that came again so far, with the number of their parts.
  private var occurrences: [KeyHash: Int] = [:]
  /// Keys made by renaming.
  private var madeKeys: Set<KeyHash> = []

  /// Different keys seen, before renaming.
  var distinctKeys: Int { fieldSets.count }
  /// Keys seen more than once.
  private(set) var repeatedKeys = 0

  init(_ rules: ShardRules, repeats: RepeatedKeys) {
    policy = rules.duplicates
    self.repeats = repeats
    held = HeldParts(rules.limits)
  }

  /// The sample that a part completes; nil while further parts are awaited.
  ///
  /// - Parameter reread: reads a field of the shard again, where that can be done.
  /// - Throws: ``RepeatedKey`` under ``RepeatedKeys/report``.
  mutating func sample(from part: Sample, reread: HeldParts.Reread?) throws -> Sample? {
    let hash = KeyHash(part.key)
    let overlap = fieldSets.insert(part.fields.map(\.name), for: hash)
    var part = part
    if policy == .rename {
      rename(&part, hash, isRepeated: overlap != nil)
      return part
    }
    if overlap != nil { countRepeat(hash) }
    switch repeats {
    case .report where overlap != nil: throw RepeatedKey(offset: part.offset)
    case .known(let conflicts):
      if let parts = conflicts[hash] {
        if policy == .merge {
          return try held.add(part, of: parts.count, for: hash, reread: reread)
        }
        reject(&part, overlap: parts.overlap)
        return part
      }
    default: break
    }
    if let overlap { reject(&part, overlap: overlap) }
    return part
  }

  /// Samples that never became whole, one at a time, after the last part.
  mutating func takeLeftover() -> Sample? { held.takeLeftover() }

  private mutating func countRepeat(_ hash: KeyHash) {
    let seen = occurrences[hash] ?? 1
    if seen == 1 { repeatedKeys += 1 }
    occurrences[hash] = seen + 1
  }

  private func reject(_ part: inout Sample, overlap: Bool) {
    part.reject(
      overlap ? .duplicateKey : .interleavedKey, at: part.offset,
      member: part.fields.first?.member ?? printable(part.storedKey),
      overlap
        ? "this key occurs more than once in the shard" : "the members of this key are not adjacent")
  }

  private mutating func rename(_ part: inout Sample, _ hash: KeyHash, isRepeated: Bool) {
    var final = hash
    if isRepeated {
      countRepeat(hash)
      part.key = SampleKey.renamed(part.key, occurrence: occurrences[hash]!)
      final = KeyHash(part.key)
    }
    // A stored key may look like one made here; the later of the two loses.
    let isTaken = madeKeys.contains(final) || (isRepeated && fieldSets.contains(final))
    if isRepeated { madeKeys.insert(final) }
    if isTaken {
      part.reject(
        .duplicateKey, at: part.offset, member: part.fields.first?.member ?? printable(part.storedKey),
        "its key is that of a renamed sample")
    }
  }
}
