import Algebra
import ArgumentParser
import Features
import Foundation
import Pipeline

/// Limits of the commands that take arrays instead of a recipe.
struct LimitOptions: ParsableArguments {
  @Option(name: .shortAndLong, help: "Worker threads. Default: one a core.")
  var jobs: Int?

  @Option(help: "Memory limit.")
  var memory = ByteSizeArgument(bytes: Recipe.Limits().memory)

  func validate() throws {
    if let jobs, jobs < 1 { throw ValidationError("--jobs must be at least 1.") }
  }

  var limits: Recipe.Limits {
    var limits = Recipe.Limits()
    limits.memory = memory.bytes
    limits.jobs = jobs
    return limits
  }
}

struct PcaCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "pca", abstract: "Principal components of an array of images or rows.",
    discussion: """
      Writes pc_matrix.npy, eigenvalues.npy, eigenvalues_ratio.npy, mean_reshaped.npy, std_reshaped.npy and
      manifest.json, as a PMAE trainer opens them. 8-bit input is exact: any order of rows gives the same bits.

      8-bit data in several files, or on several machines, is fitted in pieces: --partial writes the sums and
      products of one array, --merge adds them up. The result has the bits of one pass over all of it.

      Examples:
        tamis pca --pixels images.npy -o pca
        tamis pca --pixels a.npy --partial -o A
        tamis pca --pixels b.npy --partial -o B
        tamis pca --merge A B -o pca
        tamis pca --merge A B --partial -o AB
      """)

  @Option(help: "|u1 (n, H, W, 3), or (n, D) of u8, f2, f4 or f8.")
  var pixels: String?

  @Option(parsing: .upToNextOption, help: "Directories of partial statistics, in any order.")
  var merge: [String] = []

  @Flag(help: "Write partial statistics in place of a PCA.")
  var partial = false

  @Option(name: .shortAndLong, help: "Directory to write.")
  var output: String

  @Option(help: "Leading components to keep. Default: all min(n, D).")
  var components: Int?

  @Option(help: "feature: every feature on its own; channel: one mean and deviation a channel; none.")
  var standardize: Standardization?

  @OptionGroup var limits: LimitOptions
  @OptionGroup var logging: LogOptions

  func validate() throws {
    if let components, components < 1 { throw ValidationError("--components must be at least 1.") }
    guard (pixels != nil) != !merge.isEmpty else {
      throw ValidationError("Give either --pixels X.npy or --merge A B ….")
    }
    guard !partial || (components == nil && standardize == nil) else {
      throw ValidationError(
        "--partial knows no --components or --standardize: they belong to the last --merge.")
    }
  }

  func run() throws {
    let text = partial ? try writePartial() : try writeBasis()
    if !logging.quiet { print("\(text) in \(output)") }
  }

  private func writePartial() throws -> String {
    let (limits, events) = (limits.limits, logging.log.handler)
    let samples =
      if let pixels {
        try ArrayPartials.make(pixels: pixels, output: output, limits: limits, events: events)
      } else {
        try ArrayPartials.merge(merge, output: output, limits: limits, events: events)
      }
    return "partial statistics of \(samples) samples"
  }

  private func writeBasis() throws -> String {
    let (limits, events) = (limits.limits, logging.log.handler)
    let scaling = standardize ?? .feature
    let count = components
    let fitted =
      if let pixels {
        try ArrayPCA.run(
          pixels: pixels, output: output, components: count, standardize: scaling, limits: limits,
          events: events)
      } else {
        try ArrayPartials.fit(
          merge, output: output, components: count, standardize: scaling, limits: limits, events: events)
      }
    return "\(fitted.components) components of \(fitted.samples) samples"
  }
}

struct MasksCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "masks", abstract: "Component masks for keys and an epoch, as one array.",
    discussion: """
      Bit l of a row is byte l/8, bit l mod 8 (LSB first); 1 = masked. P.ratio.npy holds the ratio drawn and the
      ratio realised. NumPy's Philox gives the same masks.

      Examples:
        tamis masks --pca models/pca --count 1000 --ratio 0.2 -o masks.npy
        tamis masks --pca models/pca --keys keys.txt --ratio-range 0.1:0.9 --epoch 3 -o epoch3.npy
      """)

  @Option(help: "Directory with eigenvalues_ratio.npy.")
  var pca: String

  @Option(help: "Number of masks. With --keys: its number of lines.")
  var count: Int?

  @Option(help: "Share of the variance to mask, between 0 and 1.")
  var ratio: Double?

  @Option(help: "A:B, the share is drawn uniformly between the two.")
  var ratioRange: String?

  @Option(help: "closest: the nearest sum; reference: the published rule.")
  var rule = ComponentMasker.Rule.closest

  @Option(help: "Seed.")
  var seed: UInt64 = 0

  @Option(help: "Epoch.")
  var epoch: UInt64 = 0

  @Option(help: "Keys, one a line. Default: row i has the key i in decimal.")
  var keys: String?

  @Option(name: .shortAndLong, help: "File to write: P.npy, and P.ratio.npy beside it.")
  var output: String

  private var range: (Double, Double)? {
    if let ratio, ratioRange == nil { return (ratio, ratio) }
    guard ratio == nil, let parts = ratioRange?.split(separator: ":").map({ Double($0) }), parts.count == 2,
      let low = parts[0], let high = parts[1]
    else { return nil }
    return (low, high)
  }

  func validate() throws {
    guard range != nil else { throw ValidationError("Give --ratio R or --ratio-range A:B.") }
    if count == nil, keys == nil { throw ValidationError("Give --count N or --keys FILE.") }
  }

  func run() throws {
    var request = ArrayMasks.Request(pca: pca, low: range!.0, high: range!.1, output: output)
    (request.count, request.keys, request.rule, request.seed, request.epoch) = (
      count, keys, rule, seed, epoch
    )
    _ = try ArrayMasks.run(request)
  }
}
