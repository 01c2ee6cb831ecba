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
      manifest.json, as a PMAE trainer opens them; structured bases have small factors in place of pc_matrix.npy
      (docs/pca-bases.md). 8-bit input is exact: any order of rows gives the same bits, but for a truncated basis.

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

  @Option(help: "full, or for images too large for it: separable, dct, truncated, patch.")
  var basis = ComponentBasis.Kind.full

  @Option(help: "Leading components to keep. Default: all min(n, D); of a truncated basis 512.")
  var components: Int?

  @Option(help: "Side of a patch, for --basis patch. Default: 8.")
  var patch: Int?

  @Option(help: "feature: every feature on its own; channel: one mean and deviation a channel; none.")
  var standardize: Standardization?

  @OptionGroup var limits: LimitOptions
  @OptionGroup var logging: LogOptions

  func validate() throws {
    if let components, components < 1 { throw ValidationError("--components must be at least 1.") }
    if let patch, patch < 1 { throw ValidationError("--patch must be at least 1.") }
    if patch != nil, basis != .patch { throw ValidationError("--patch belongs to --basis patch.") }
    guard (pixels != nil) != !merge.isEmpty else {
      throw ValidationError("Give either --pixels X.npy or --merge A B ….")
    }
    guard basis == .full || (merge.isEmpty && !partial) else {
      throw ValidationError("--partial and --merge are for --basis full.")
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
    var pca = Recipe.PCA()
    (pca.basis, pca.components, pca.standardize) = (basis, components, standardize ?? .feature)
    if basis == .patch { pca.patch = patch ?? Recipe.PCA.defaultPatch }
    let (limits, events) = (limits.limits, logging.log.handler)
    let fitted =
      if let pixels {
        try ArrayPCA.run(pixels: pixels, output: output, pca: pca, limits: limits, events: events)
      } else {
        try ArrayPartials.fit(
          merge, output: output, components: components, standardize: pca.standardize, limits: limits,
          events: events)
      }
    return "\(fitted.components) components of \(fitted.samples) samples"
  }
}
