/// What is subtracted from each feature and what it is divided by before a PCA (rule 6 of the contract).
public struct FeatureScaling: Sendable, Equatable {
  /// How the numbers came about.
  public let standardization: Standardization
  /// μ, D values.
  public let mean: [Double]
  /// σ, D values, floored, never 0.
  public let deviation: [Double]
  /// Features whose σ was raised to the floor, ascending.
  public let floored: [Int]

  /// The least deviation of a feature: that of the rounding to 8 bits, 1/255/√12 (in units of 0…1).
  public static let floor = 1.0 / 255.0 / 12.0.squareRoot()

  /// The scaling of features of known mean and population deviation (ddof 0).
  ///
  /// - Parameter channels: for `.channel`: features are `channels` planes of equal size, one after the other.
  /// - Precondition: `channels` divides D for `.channel`; the arrays have the same length.
  public init(mean: [Double], deviation: [Double], _ standardization: Standardization, channels: Int = 3) {
    let d = mean.count
    precondition(deviation.count == d, "means and deviations of different length")
    self.standardization = standardization
    if standardization == .none {
      self.mean = [Double](repeating: 0, count: d)
      self.deviation = [Double](repeating: 1, count: d)
      self.floored = []
      return
    }
    var (means, deviations) = (mean, deviation)
    if standardization == .channel {
      precondition(channels >= 1 && d.isMultiple(of: channels), "channels must divide the features")
      (means, deviations) = Self.pooled(mean, deviation, plane: d / channels)
    }
    var floored: [Int] = []
    for j in 0..<d where deviations[j] < Self.floor {
      deviations[j] = Self.floor
      floored.append(j)
    }
    (self.mean, self.deviation, self.floored) = (means, deviations, floored)
  }

  /// One mean and population deviation for each plane: within- plus between-feature variance.
  private static func pooled(
    _ mean: [Double], _ deviation: [Double], plane: Int
  ) -> (mean: [Double], deviation: [Double]) {
    var (means, deviations): ([Double], [Double]) = ([], [])
    for first in stride(from: 0, to: mean.count, by: plane) {
      var centre = 0.0
      for j in first..<(first + plane) { centre += mean[j] }
      centre /= Double(plane)
      var variance = 0.0
      for j in first..<(first + plane) {
        let (within, between) = (deviation[j], mean[j] - centre)
        variance += within * within + between * between
      }
      means += repeatElement(centre, count: plane)
      deviations += repeatElement((variance / Double(plane)).squareRoot(), count: plane)
    }
    return (means, deviations)
  }

  /// Divides entry (i, j), i ≤ j, of a row-major (D, D) matrix by σ_i·σ_j.
  func apply(toUpper upper: inout [Double]) {
    let d = deviation.count
    for i in 0..<d {
      for j in i..<d { upper[i * d + j] /= deviation[i] * deviation[j] }
    }
  }
}
