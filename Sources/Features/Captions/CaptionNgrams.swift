/// The n-grams of one caption as 64-bit hashes: words and pairs of words, and runs of 3 to 5 characters within a
/// word with a space before and behind it (scikit-learn's `char_wb`).
struct CaptionNgrams {
  /// An n-gram and how often it occurs.
  struct Entry: Equatable {
    var hash: UInt64
    var count: Int
  }

  /// By hash, ascending; each once.
  private(set) var words: [Entry] = []
  private(set) var characters: [Entry] = []

  var isEmpty: Bool { words.isEmpty }

  /// - Parameter line: see ``CaptionText/line(_:)``.
  init(_ line: some Sequence<UInt8>) {
    let words = CaptionText.words(line)
    var wordHashes: [UInt64] = []
    var characterHashes: [UInt64] = []
    for (index, word) in words.enumerated() {
      var hash = word.reduce(NgramHash(kind: 1)) { $0.adding($1) }
      wordHashes.append(hash.value)
      if index + 1 < words.count {
        hash = words[index + 1].reduce(hash.adding(0x20)) { $0.adding($1) }
        wordHashes.append(hash.value)
      }
      let padded = [0x20] + word + [0x20]
      for start in padded.indices {
        var hash = NgramHash(kind: 2)
        for (length, scalar) in padded[start...].prefix(5).enumerated() {
          hash = hash.adding(scalar)
          if length >= 2 { characterHashes.append(hash.value) }
        }
      }
    }
    self.words = Self.counted(wordHashes)
    characters = Self.counted(characterHashes)
  }

  private static func counted(_ hashes: [UInt64]) -> [Entry] {
    var entries: [Entry] = []
    for hash in hashes.sorted() {
      if entries.last?.hash == hash {
        entries[entries.count - 1].count += 1
      } else {
        entries.append(Entry(hash: hash, count: 1))
      }
    }
    return entries
  }
}

/// FNV-1a (64 bits) over code points, whole ones instead of bytes, mixed by SplitMix64's last steps.
struct NgramHash {
  private var state: UInt64 = 0xCBF2_9CE4_8422_2325

  /// - Parameter kind: keeps n-grams of words and of characters apart.
  init(kind: UInt32) { state = (state ^ UInt64(kind)) &* 0x100_0000_01B3 }

  func adding(_ scalar: UInt32) -> NgramHash {
    var next = self
    next.state = (state ^ UInt64(scalar)) &* 0x100_0000_01B3
    return next
  }

  var value: UInt64 {
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
    return mixed ^ (mixed >> 31)
  }
}
