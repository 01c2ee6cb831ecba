/// Byte strings with a number each, for finding the longest one that begins a text: O(its length).
struct ByteTrie: Sendable {
  /// Nodes in breadth-first order; the children of a node lie side by side, by byte.
  private var firstChild: [Int32] = []
  private var childCount: [UInt16] = []
  private var byte: [UInt8] = []
  /// −1: no string ends here.
  private var value: [Int32] = []

  let isEmpty: Bool

  /// Of equal strings the last one counts. Values are not negative.
  init(_ entries: [(key: [UInt8], value: Int32)]) {
    isEmpty = entries.isEmpty
    // Stable by index, so that the last of equal strings comes last.
    let order = entries.indices.sorted { a, b in
      if entries[a].key.lexicographicallyPrecedes(entries[b].key) { return true }
      if entries[b].key.lexicographicallyPrecedes(entries[a].key) { return false }
      return a < b
    }
    var waiting: [(range: Range<Int>, depth: Int)] = [(0..<order.count, 0)]
    append(byte: 0)
    var node = 0
    while node < waiting.count {
      var (range, depth) = waiting[node]
      while let first = range.first, entries[order[first]].key.count == depth {
        value[node] = entries[order[first]].value
        range.removeFirst()
      }
      firstChild[node] = Int32(byte.count)
      var start = range.lowerBound
      while start < range.upperBound {
        let next = entries[order[start]].key[depth]
        var end = start + 1
        while end < range.upperBound, entries[order[end]].key[depth] == next { end += 1 }
        append(byte: next)
        waiting.append((start..<end, depth + 1))
        childCount[node] += 1
        start = end
      }
      node += 1
    }
  }

  private mutating func append(byte next: UInt8) {
    byte.append(next)
    firstChild.append(0)
    childCount.append(0)
    value.append(-1)
  }

  /// The longest string that `text` has at `start`, as its end in `text` and its value.
  func longestMatch(in text: [UInt8], from start: Int, to end: Int) -> (end: Int, value: Int32)? {
    var node = 0
    var position = start
    var found: (end: Int, value: Int32)?
    while position < end, let next = child(of: node, text[position]) {
      node = next
      position += 1
      if value[node] >= 0 { found = (position, value[node]) }
    }
    return found
  }

  private func child(of node: Int, _ wanted: UInt8) -> Int? {
    var low = Int(firstChild[node])
    var high = low + Int(childCount[node])
    while low < high {
      let middle = (low + high) / 2
      if byte[middle] < wanted { low = middle + 1 } else { high = middle }
    }
    return low < Int(firstChild[node]) + Int(childCount[node]) && byte[low] == wanted ? low : nil
  }
}
