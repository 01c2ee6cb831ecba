import Algebra
import Prune

extension KeyColumn {
  /// Keys from text.
  init(strings: [String], hashes: [UInt64]) {
    var bytes: [UInt8] = []
    var ends: [Int] = []
    for string in strings {
      bytes += string.utf8
      ends.append(bytes.count)
    }
    self.init(bytes: bytes, ends: ends, hashes: hashes)
  }

  /// Row numbers as keys, with well mixed stand-ins for their hashes.
  static func numbered(_ n: Int) -> KeyColumn {
    KeyColumn(rowNumberHashes: (0..<n).map { (UInt64($0) &+ 1) &* 0x9E37_79B9_7F4A_7C15 })
  }
}

/// Reproducible rows for tests.
struct Rows {
  private var generator: Philox

  init(seed: UInt64) { generator = Philox(seed: seed, keyHash: 0, epoch: 0) }

  mutating func value() -> Float {
    let u = generator.next()
    return (0..<4).reduce(-2) { $0 + Float((u >> (16 * UInt64($1))) & 0xffff) / 65536 }
  }

  mutating func values(_ count: Int) -> [Float] { (0..<count).map { _ in value() } }

  /// `n` unit rows of dimension `d` around `centres` directions.
  mutating func clustered(_ n: Int, _ d: Int, centres: Int, spread: Float) -> [Float] {
    let middles = (0..<centres).map { _ in values(d) }
    return (0..<n).flatMap { i in
      unit(middles[(i * 7) % centres].map { $0 + spread * value() })
    }
  }
}

/// `row` divided by its length.
func unit(_ row: [Float]) -> [Float] {
  let length = FixedOrderDot.dot(row, row).squareRoot()
  return row.map { Float(Double($0) / length) }
}

/// A unit row of the plane at `degrees`, padded with zeros to 4 values.
func direction(_ degrees: Double) -> [Float] {
  // Rational points on the circle keep the tests free of libm: t = tan(angle / 2) by a short series.
  let half = degrees * Double.pi / 360
  let (s, c) = (half - half * half * half / 6, 1 - half * half / 2)
  return unit([Float(c * c - s * s), Float(2 * s * c), 0, 0])
}
