import ArgumentParser
import Foundation
import Pipeline
import Prune

struct DomainCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "domain", abstract: "Train, calibrate and show heads that tell domains apart.",
    discussion: """
      A head gives embeddings a class (natural, rendition...) where it is sure enough; `prune.domain` and
      `prune --domain` keep or mix samples by it (docs/domains.md).

      Examples:
        tamis domain train --embeddings img.npy --keys keys.txt --labels labels.tsv -o natural.npz
        tamis domain show natural.npz
        tamis prune --image-embeddings img.npy --domain natural.npz --domain-keep natural -o pruned
      """,
    subcommands: [Train.self, Calibrate.self, Show.self])

  /// Labelled samples and the thresholds they are for.
  struct LabelOptions: ParsableArguments {
    @Option(help: "(n, d) rows of f2, f4 or f8, as for prune --image-embeddings.")
    var embeddings: String?
    @Option(help: "Keys of the rows, one a line. Default: row numbers.")
    var keys: String?
    @Option(name: .shortAndLong, help: "A workspace with embedded samples, in place of --embeddings.")
    var workspace: String?
    @Option(help: "Lines of key, tab, class; or an integer .npy (n,), -1 without a label, with --classes.")
    var labels: String
    @Option(help: "Class names in their order, comma-separated. Default: those of the labels, by bytes.")
    var classes: String?
    @Option(help: "Precision that the 95 % lower bound on held-out samples must reach.")
    var precision = 0.98
    @Option(help: "No threshold is below this: 0.5 claims nothing that is less likely than not.")
    var floor = 0.0
    @Option(
      name: .customLong("only"), help: "Calibrate only this class; others claim nothing. May be repeated.")
    var calibrated: [String] = []
    @Option(name: .shortAndLong, help: "The head to write, an .npz.")
    var output: String
    @OptionGroup var limits: LimitOptions

    func validate() throws {
      guard (embeddings == nil) != (workspace == nil) else {
        throw ValidationError("Give either --embeddings or --workspace.")
      }
      if keys != nil, embeddings == nil { throw ValidationError("--keys belongs to --embeddings.") }
    }

    var request: DomainTrain.Request {
      var request = DomainTrain.Request(labels: labels, output: output, memory: limits.memory.bytes)
      (request.embeddings, request.workspace, request.keys) = (embeddings, workspace, keys)
      request.classes = classes?.split(separator: ",").map { $0.trimmingCharacters(in: .whitespaces) } ?? []
      (request.calibrated, request.precision, request.floor) = (calibrated, precision, floor)
      request.training.threads = limits.jobs ?? Recipe.Limits.defaultJobs
      return request
    }
  }

  struct Train: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "train", abstract: "A head from labelled embeddings.",
      discussion: """
        Logistic regression on a part of the labelled samples; on the held-out rest, each class gets the smallest
        probability from which its precision is shown to reach --precision (Wilson, 95 %). 98 % takes about 190
        held-out samples of each class.

        Examples:
          tamis domain train --embeddings img.npy --keys keys.txt --labels labels.tsv -o natural.npz
          tamis domain train -w .tamis --labels labels.tsv --precision 0.95 -o natural.npz
          tamis domain train --embeddings img.npy --labels y.npy --classes natural,rest --only natural -o head.npz
        """)

    @OptionGroup var options: LabelOptions
    @OptionGroup var logging: LogOptions

    @Option(help: "Share of the labelled samples that is held out, chosen by key.")
    var heldOut = 0.25
    @Option(help: "Closeness to the labels: C of the penalty (scikit-learn's).")
    var c = DomainTraining.Options().closeness
    @Option(help: "Seed of the choice of held-out samples.")
    var seed: UInt64 = 0

    func run() throws {
      var request = options.request
      (request.heldOut, request.seed, request.training.closeness) = (heldOut, seed, c)
      let report = try DomainTrain.train(request)
      if !logging.quiet { print(Summary.text(report), "Written: \(options.output)", separator: "\n") }
    }
  }

  struct Calibrate: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "calibrate",
      abstract: "New thresholds for a head, from labelled samples it was not trained on.",
      discussion: """
        For weights that another program trained (classes, weights and bias of an .npz, see docs/domains.md), and for
        another precision.

        Example: tamis domain calibrate torch.npz --embeddings img.npy --labels held_out.tsv -o natural.npz
        """)

    @Argument(help: "The head, an .npz.")
    var head: String
    @OptionGroup var options: LabelOptions
    @OptionGroup var logging: LogOptions

    func run() throws {
      let head = try DomainHeadFile.read(head, needsThresholds: false)
      let report = try DomainTrain.calibrate(head, options.request)
      if !logging.quiet { print(Summary.text(report), "Written: \(options.output)", separator: "\n") }
    }
  }

  struct Show: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "show", abstract: "The classes of a head and from which probability they are believed.",
      discussion: "Example: tamis domain show natural.npz")

    @Argument(help: "The head, an .npz.")
    var head: String

    func run() throws {
      let found = try DomainHeadFile.read(head, needsThresholds: false)
      print("\(head): \(found.classes.count) classes of rows of \(found.dimension) values")
      if let calibration = try DomainHeadFile.calibration(head) {
        print(Summary.text(found.classes, calibration))
      } else {
        for (name, threshold) in zip(found.classes, found.thresholds) {
          print(
            "  \(name): " + (threshold.isInfinite ? "claims nothing" : String(format: "from %.6f", threshold))
          )
        }
      }
    }
  }
}

/// `--domain` and its kind, of `prune --image-embeddings`.
struct DomainOptions: ParsableArguments {
  @Option(help: "A domain head, see tamis domain train.")
  var domain: String?
  @Option(help: "Keep this class of the head. Default: its first. May be repeated.")
  var domainKeep: [String] = []
  @Option(help: "Samples of no class: drop or keep.")
  var domainAmbiguous: Recipe.Domain.Ambiguous?
  @Option(help: "Parts by class, such as natural=3,rendition=1: draw samples at this ratio.")
  var domainMix: MixParts?
  @Option(help: "Samples that --domain-mix draws. Default: as many as the ratio allows.")
  var domainTotal: Int?

  func validate() throws {
    guard domain != nil else {
      if !domainKeep.isEmpty || domainAmbiguous != nil || domainMix != nil || domainTotal != nil {
        throw ValidationError("--domain-keep, -ambiguous, -mix and -total need --domain HEAD.npz.")
      }
      return
    }
    if let problem = rule(seed: 0).problems().first {
      throw ValidationError("--\(problem.path.replacingOccurrences(of: ".", with: "-")): \(problem.message)")
    }
  }

  func rule(seed: UInt64) -> DomainRule {
    var rule = DomainRule()
    (rule.keep, rule.keepsAmbiguous) = (domainKeep, domainAmbiguous == .keep)
    (rule.mix, rule.total, rule.seed) = (domainMix?.parts ?? [:], domainTotal, seed)
    return rule
  }
}

/// `natural=3,rendition=1`.
struct MixParts: ExpressibleByArgument, Decodable {
  var parts: [String: Int] = [:]

  init?(argument: String) {
    for item in argument.split(separator: ",", omittingEmptySubsequences: false) {
      let sides = item.split(separator: "=", omittingEmptySubsequences: false)
      guard sides.count == 2, !sides[0].isEmpty, let part = Int(sides[1]), parts[String(sides[0])] == nil
      else { return nil }
      parts[String(sides[0])] = part
    }
  }
}
