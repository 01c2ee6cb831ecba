/// In how many captions each n-gram occurs, counted in a fixed number of buckets: n-grams that share one count
/// together. Counts are whole numbers, so the order of the captions changes nothing.
public struct CaptionFrequencies: Sendable, Equatable {
  /// 2²¹: 8 MiB of counts, whatever the number of captions.
  public static let buckets = 1 << 21

  /// Captions with at least one n-gram.
  public private(set) var captions: Int
  /// Of each bucket: captions with an n-gram in it.
  public private(set) var counts: [UInt32]

  /// Nothing counted yet.
  public init() { self.init(captions: 0, counts: [UInt32](repeating: 0, count: Self.buckets)) }

  /// Counts read back; there must be ``buckets`` of them.
  public init(captions: Int, counts: [UInt32]) {
    precondition(counts.count == Self.buckets && captions >= 0)
    (self.captions, self.counts) = (captions, counts)
  }

  /// What one or more captions add: for each caption with n-grams, its buckets, each once.
  public struct Increment: Sendable {
    var captions = 0
    var buckets: [UInt32] = []

    public init() {}

    /// Adds a caption, one line of text.
    public mutating func add(_ line: some Sequence<UInt8>) {
      let ngrams = CaptionNgrams(line)
      if ngrams.isEmpty { return }
      captions += 1
      // The bucket is the hash's upper bits, so equal buckets are neighbours; words and characters are apart.
      var all = (ngrams.words + ngrams.characters).map { UInt32(CaptionFrequencies.bucket($0.hash)) }
      all.sort()
      for (i, bucket) in all.enumerated() where i == 0 || all[i - 1] != bucket { buckets.append(bucket) }
    }
  }

  public mutating func add(_ increment: Increment) {
    captions += increment.captions
    for bucket in increment.buckets { counts[Int(bucket)] &+= 1 }
  }

  static func bucket(_ hash: UInt64) -> Int { Int(hash >> (64 - 21)) }

  /// ln((1 + n) / (1 + df)) + 1, as scikit-learn's smoothed idf.
  func weight(_ hash: UInt64) -> Double {
    let count = min(Int(counts[Self.bucket(hash)]), captions)
    return logarithm(Double(1 + captions) / Double(1 + count)) + 1
  }
}
