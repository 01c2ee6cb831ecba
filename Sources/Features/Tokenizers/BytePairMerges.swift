/// The pairs of tokens that become one, in the order in which they were learnt.
struct BytePairMerges: Sendable {
  static let wordEnd = Array("</w>".utf8)

  /// The character that stands for each byte: itself where it can be printed, else one from U+0100 on.
  static let alphabet: [Unicode.Scalar] = {
    var spare: UInt32 = 256
    return (0..<256).map { byte in
      if 33...126 ~= byte || 161...172 ~= byte || 174...255 ~= byte { return Unicode.Scalar(UInt8(byte)) }
      defer { spare += 1 }
      return Unicode.Scalar(spare)!
    }
  }()

  private struct Merge {
    var rank: Int32
    var token: Int32
  }

  /// By the two ids, the first in the upper half.
  private let merges: [UInt64: Merge]
  /// Ids of the bytes, within a word and at its end; −1: not in the vocabulary.
  private let inside: [Int32]
  private let last: [Int32]
  /// Stands for a byte that the vocabulary lacks; nil: such a byte falls away.
  private let unknown: Int32?

  init(
    vocabulary: Vocabulary, pairs: [([UInt8], [UInt8])], unknown: Int32?, file: String
  ) throws(TokenizerError) {
    var merges: [UInt64: Merge] = [:]
    merges.reserveCapacity(pairs.count)
    for (rank, pair) in pairs.enumerated() {
      guard let a = vocabulary.id(of: pair.0), let b = vocabulary.id(of: pair.1),
        let token = vocabulary.id(of: pair.0 + pair.1)
      else {
        throw TokenizerError(
          "\(file): merge \(rank + 1), “\(String(decoding: pair.0, as: UTF8.self)) "
            + "\(String(decoding: pair.1, as: UTF8.self))”, has tokens that are not in the vocabulary")
      }
      merges[Self.key(a, b)] = Merge(rank: Int32(rank), token: token)
    }
    self.merges = merges
    self.unknown = unknown
    let letters = Self.alphabet.map { Array(String($0).utf8) }
    inside = letters.map { vocabulary.id(of: $0) ?? -1 }
    last = letters.map { vocabulary.id(of: $0 + Self.wordEnd) ?? -1 }
  }

  /// The pairs of a file of merges: two tokens a line with a blank between. A first line of version is passed over.
  static func lines(
    _ bytes: [UInt8], file: String, atMost most: Int, skippingFirst: Bool
  ) throws(TokenizerError) -> [([UInt8], [UInt8])] {
    var pairs: [([UInt8], [UInt8])] = []
    var number = 0
    for line in bytes.split(separator: 0x0A, omittingEmptySubsequences: false) where pairs.count < most {
      number += 1
      let line = line.last == 0x0D ? line.dropLast() : line
      if line.isEmpty || number == 1 && skippingFirst || line.starts(with: "#version".utf8) { continue }
      let parts = line.split(separator: 0x20)
      guard parts.count == 2 else {
        throw TokenizerError("\(file):\(number): two tokens with a blank between are expected")
      }
      pairs.append((Array(parts[0]), Array(parts[1])))
    }
    if pairs.isEmpty { throw TokenizerError("\(file): no merges in it") }
    return pairs
  }

  private static func key(_ a: Int32, _ b: Int32) -> UInt64 {
    UInt64(UInt32(bitPattern: a)) << 32 | UInt64(UInt32(bitPattern: b))
  }

  /// Appends the tokens of a word: the pair of lowest rank is joined, the leftmost first, until no pair is known.
  /// O(n·log n) in its bytes.
  func append(_ word: ArraySlice<UInt8>, to ids: inout [Int32]) {
    var tokens: [Int32] = []
    tokens.reserveCapacity(word.count)
    for (index, byte) in word.enumerated() {
      let id = (index == word.count - 1 ? last : inside)[Int(byte)]
      if id >= 0 { tokens.append(id) } else if let unknown { tokens.append(unknown) }
    }
    if tokens.count > 1 { join(&tokens) }
    ids.append(contentsOf: tokens)
  }

  private func join(_ tokens: inout [Int32]) {
    // A list through the tokens; one that was joined to its left neighbour has the token −1.
    var next = Array(1...tokens.count)
    var previous = Array(-1..<tokens.count - 1)
    var queue = MergeQueue()
    for left in 0..<tokens.count - 1 {
      if let merge = merges[Self.key(tokens[left], tokens[left + 1])] {
        queue.push(.init(rank: merge.rank, left: Int32(left), first: tokens[left], second: tokens[left + 1]))
      }
    }
    while let item = queue.pop() {
      let left = Int(item.left)
      let right = next[left]
      // Its tokens may have been joined to others since.
      guard right < tokens.count, tokens[left] == item.first, tokens[right] == item.second,
        let merge = merges[Self.key(item.first, item.second)]
      else { continue }
      tokens[left] = merge.token
      tokens[right] = -1
      next[left] = next[right]
      if next[left] < tokens.count { previous[next[left]] = left }
      for a in [previous[left], left] where a >= 0 && next[a] < tokens.count {
        let b = next[a]
        if let merge = merges[Self.key(tokens[a], tokens[b])] {
          queue.push(.init(rank: merge.rank, left: Int32(a), first: tokens[a], second: tokens[b]))
        }
      }
    }
    tokens.removeAll { $0 == -1 }
  }
}

/// Pairs that may be joined, the one of lowest rank first, then the leftmost: a binary heap.
private struct MergeQueue {
  struct Item {
    var rank: Int32
    var left: Int32
    var first: Int32
    var second: Int32

    static func precedes(_ a: Item, _ b: Item) -> Bool { (a.rank, a.left) < (b.rank, b.left) }
  }

  private var items: [Item] = []

  mutating func push(_ item: Item) {
    items.append(item)
    var child = items.count - 1
    while child > 0, Item.precedes(items[child], items[(child - 1) / 2]) {
      items.swapAt(child, (child - 1) / 2)
      child = (child - 1) / 2
    }
  }

  mutating func pop() -> Item? {
    guard let first = items.first else { return nil }
    let last = items.removeLast()
    if items.isEmpty { return first }
    items[0] = last
    var parent = 0
    while true {
      var least = parent
      for child in [2 * parent + 1, 2 * parent + 2]
      where child < items.count && Item.precedes(items[child], items[least]) { least = child }
      if least == parent { return first }
      items.swapAt(parent, least)
      parent = least
    }
  }
}
