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
      (docs/masking.md). 8-bit input is exact: any order of rows gives the same bits, but for a truncated basis.

      Example: tamis pca --pixels images.npy -o pca
      """)

  @Option(help: "|u1 (n, H, W, 3), or (n, D) of u8, f2, f4 or f8.")
  var pixels: String

  @Option(name: .shortAndLong, help: "Directory to write.")
  var output: String

  @Option(help: "full, or for images too large for it: separable, dct, truncated, patch.")
  var basis = ComponentBasis.Kind.full

  @Option(help: "Leading components to keep. Default: all min(n, D); of a truncated basis 512.")
  var components: Int?

  @Option(help: "Side of a patch, for --basis patch. Default: 8.")
  var patch: Int?

  @Option(help: "feature: every feature on its own; channel: one mean and deviation a channel; none.")
  var standardize = Standardization.feature

  @OptionGroup var limits: LimitOptions
  @OptionGroup var logging: LogOptions

  func validate() throws {
    if let components, components < 1 { throw ValidationError("--components must be at least 1.") }
    if let patch, patch < 1 { throw ValidationError("--patch must be at least 1.") }
    if patch != nil, basis != .patch { throw ValidationError("--patch belongs to --basis patch.") }
  }

  func run() throws {
    var pca = Recipe.PCA()
    (pca.basis, pca.components, pca.standardize) = (basis, components, standardize)
    if basis == .patch { pca.patch = patch ?? Recipe.PCA.defaultPatch }
    let (samples, components) = try ArrayPCA.run(
      pixels: pixels, output: output, pca: pca, limits: limits.limits, events: logging.log.handler)
    if !logging.quiet { print("\(components) components of \(samples) samples in \(output)") }
  }
}
