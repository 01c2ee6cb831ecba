/// The counter-based generator Philox4x64-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3",
/// SC 2011), stream for stream equal to `numpy.random.Philox(key=…, counter=…)`.
///
/// Every random choice in Tamis is a pure function of (seed, key, epoch) through this generator, so that it
/// does not depend on threads, order or the split of the work.
public struct Philox: Sendable {
  /// Key words `[k0, k1]`.
  private let key: (UInt64, UInt64)
  /// The counter of the last block made; NumPy increments before it generates.
  private var counter: (UInt64, UInt64, UInt64, UInt64)
  private var block: (UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0)
  private var used = 4

  /// A generator in the state of `numpy.random.Philox(key=[key.0, key.1], counter=counter)`.
  public init(key: (UInt64, UInt64), counter: (UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0)) {
    self.key = key
    self.counter = counter
  }

  /// The generator of the contract's rule 5: seed `s`, key hash `k` (first 8 bytes of SHA-256 of the key,
  /// little-endian), epoch `e`.
  public init(seed: UInt64, keyHash: UInt64, epoch: UInt64) {
    self.init(key: (seed, keyHash), counter: (0, epoch, 0, 0))
  }

  /// The next raw 64-bit value.
  public mutating func next() -> UInt64 {
    if used == 4 {
      increment()
      block = Self.rounds(counter, key)
      used = 0
    }
    defer { used += 1 }
    switch used {
    case 0: return block.0
    case 1: return block.1
    case 2: return block.2
    default: return block.3
    }
  }

  /// Fills `values` with the next raw values, in order: the same as calling `next()` for each, but faster.
  public mutating func fill(_ values: inout MutableSpan<UInt64>) {
    var i = 0
    while used < 4 && i < values.count {
      values[i] = next()
      i += 1
    }
    while i + 4 <= values.count {
      increment()
      let four = Self.rounds(counter, key)
      values[i] = four.0
      values[i + 1] = four.1
      values[i + 2] = four.2
      values[i + 3] = four.3
      i += 4
    }
    while i < values.count {
      values[i] = next()
      i += 1
    }
  }

  private mutating func increment() {
    counter.0 &+= 1
    if counter.0 != 0 { return }
    counter.1 &+= 1
    if counter.1 != 0 { return }
    counter.2 &+= 1
    if counter.2 == 0 { counter.3 &+= 1 }
  }

  private static func rounds(
    _ start: (UInt64, UInt64, UInt64, UInt64), _ key: (UInt64, UInt64)
  ) -> (UInt64, UInt64, UInt64, UInt64) {
    var c = start
    var k = key
    for _ in 0..<10 {
      let a = c.0.multipliedFullWidth(by: 0xD2E7_470E_E14C_6C93)
      let b = c.2.multipliedFullWidth(by: 0xCA5A_8263_9512_1157)
      c = (b.high ^ c.1 ^ k.0, b.low, a.high ^ c.3 ^ k.1, a.low)
      k = (k.0 &+ 0x9E37_79B9_7F4A_7C15, k.1 &+ 0xBB67_AE85_84CA_A73B)
    }
    return c
  }
}
