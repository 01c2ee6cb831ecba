import ArgumentParser
import Features
import Pipeline
import Shards

struct EmbedCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "embed", abstract: "Embed the images of shards by an ONNX model, as one array.",
    discussion: """
      Writes unit rows <f4 (n, d), and their keys, one a line, to <output without .npy>.keys.txt. Layout, element type
      and size of the input are read from the model; a preset says how pictures are prepared. A row depends on its
      picture alone. ONNX Runtime is loaded at run time; scripts/setup-onnxruntime fetches it.

      Examples:
        tamis embed --model clip-visual.onnx --preset clip shards/ -o clip.npy
        tamis embed --model dinov2.onnx --preset dinov2 --pooling cls 'data/{00000..00041}.tar' -o dino.npy
        tamis prune --image-embeddings clip.npy --keys clip.keys.txt --dedup-epsilon 0.07 -o pruned
      """)

  @Argument(help: "Shards, directories of shards, patterns ({00..41}, *, ?), or - for standard input.")
  var shards: [String]

  @Option(help: "The image model, an ONNX file.")
  var model: String

  @Option(help: "How pictures are prepared.")
  var preset = ImagePreset.none

  @Option(help: "Side of the picture, where the model leaves it open. Default: the preset's.")
  var size: Int?

  @Option(help: "Bring the shorter side to this and cut out the middle. Default: the preset's way.")
  var resize: Int?

  @Option(help: "Name of the output to take. Default: image_embeds, embedding… or the first that holds rows.")
  var modelOutput: String?

  @Option(help: "What becomes of a grid of tokens: the first token, or a mean. Default: cls.")
  var pooling: TokenPooling?

  @Option(help: "The library libonnxruntime.so.1 to use.")
  var onnxruntime: String?

  @Flag(help: "Exit 1 if anything was rejected.")
  var strict = false

  @Option(name: .shortAndLong, help: "File to write: emb.npy, with emb.keys.txt beside it.")
  var output: String

  @OptionGroup var limits: LimitOptions
  @OptionGroup var reading: ReadingOptions
  @OptionGroup var logging: LogOptions

  func validate() throws {
    if let size, !(8...4096).contains(size) { throw ValidationError("--size: 8 to 4096.") }
    if let resize, !(8...8192).contains(resize) { throw ValidationError("--resize: 8 to 8192.") }
  }

  func run() throws {
    let log = logging.log
    let found = try ShardSet.list(shards)
    if let notice = found.notice { log.handler(.notice(notice)) }
    var image = Recipe.ImageModel(path: model)
    (image.preset, image.size, image.resize) = (preset, size, resize)
    (image.output, image.pooling) = (modelOutput, pooling)
    var request = ArrayEmbed.Request(found.shards, image: image, output: output)
    request.runtime = onnxruntime
    request.recipe.limits = limits.limits
    request.recipe.input.salvage = reading.salvage
    request.recipe.input.ignoresZeros = reading.ignoreZeros
    let report = try ArrayEmbed.run(request, events: log.handler)
    if !logging.quiet {
      let rejected = report.rejected.total > 0 ? ", \(report.rejected.total) samples rejected" : ""
      let broken = report.brokenShards > 0 ? ", \(report.brokenShards) shards broken" : ""
      print("\(report.samples) rows of \(report.dimension) in \(output)\(rejected)\(broken)")
    }
    guard report.brokenShards < found.shards.count else { throw ExitCode(ExitStatus.badData.rawValue) }
    if strict, report.rejected.total > 0 || report.brokenShards > 0 { throw ExitCode(1) }
  }
}
