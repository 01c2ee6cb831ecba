internal import Algebra

/// Which labelled samples are held out from training.
public enum DomainSplit {
  /// The epoch of rule 5's generator whose first value decides.
  private static let epoch = UInt64.max - 3

  /// Whether a sample is held out: a function of its key and the seed alone.
  ///
  /// - Parameters:
  ///   - keyHash: see ``KeyColumn/hashes``.
  ///   - share: 0...1.
  public static func isHeldOut(seed: UInt64, keyHash: UInt64, share: Double) -> Bool {
    var generator = Philox(seed: seed, keyHash: keyHash, epoch: epoch)
    return Double(generator.next() >> 11) * 0x1p-53 < share
  }
}
