import Algebra
import Glibc

/// Embeds captions without a model: tf-idf of hashed n-grams, projected on random signs.
///
/// Row = Σ over words and pairs of √½ (w / ‖w‖) s(hash) + the same over characters, made a unit vector; w =
/// (1 + ln count) · idf, and s(hash) = ±1 for each value from the bits of Philox keyed by the hash, so that no
/// matrix is stored. Sums are Float64 in the order of the hashes: a row depends on its caption and the frequencies
/// alone. The cosine of two rows is that of the tf-idf vectors with an error of about 1/√d.
public struct NgramEncoder: Sendable {
  /// Values of a row, d.
  public let dimension: Int
  private let frequencies: CaptionFrequencies

  public init(_ frequencies: CaptionFrequencies, dimension: Int) {
    precondition(dimension > 0, "a row has at least one value")
    (self.frequencies, self.dimension) = (frequencies, dimension)
  }

  /// The unit row of a caption, one line of text; zeros where there is no n-gram.
  public func encode(_ line: some Sequence<UInt8>) -> [Float16] {
    let ngrams = CaptionNgrams(line)
    var row = [Double](repeating: 0, count: dimension)
    if ngrams.isEmpty { return [Float16](repeating: 0, count: dimension) }
    add(ngrams.words, to: &row)
    add(ngrams.characters, to: &row)
    let length = row.reduce(0) { $0 + $1 * $1 }.squareRoot()
    return row.map { Float16(length > 0 ? $0 / length : 0) }
  }

  private func add(_ entries: [CaptionNgrams.Entry], to row: inout [Double]) {
    let weights = entries.map { (1 + logarithm(Double($0.count))) * frequencies.weight($0.hash) }
    let scale = 0.5.squareRoot() / weights.reduce(0) { $0 + $1 * $1 }.squareRoot()
    var values = row.mutableSpan
    for (entry, weight) in zip(entries, weights) {
      let bits = (weight * scale).bitPattern
      var signs = Philox(key: (entry.hash, 0))
      var start = 0
      while start < dimension {
        let word = ~signs.next()
        for i in 0..<min(64, dimension &- start) {
          // Bit i set: plus; clear: minus.
          let negative = (word &>> UInt64(i)) & 1
          values[start &+ i] += Double(bitPattern: bits ^ (negative &<< 63))
        }
        start += 64
      }
    }
  }
}

/// The natural logarithm of the C library.
func logarithm(_ x: Double) -> Double { log(x) }
