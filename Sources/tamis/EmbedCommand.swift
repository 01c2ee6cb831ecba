import ArgumentParser
import Decode
import Features
import Pipeline
import Shards

struct EmbedCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "embed", abstract: "Embed the images, and captions, of shards by ONNX models, as arrays.",
    discussion: """
      Writes unit rows <f4 (n, d), and their keys, one a line, to <output without .npy>.keys.txt. Layout, element type
      and size of the input are read from the model; a preset says how pictures are prepared. A row depends on its
      picture alone. With --text-model, captions go to <output without .npy>.text.npy, <f4 (n, t); a sample without
      caption has a row of zeros. ONNX Runtime is loaded at run time; scripts/setup-onnxruntime fetches it.

      Examples:
        tamis embed --model clip-visual.onnx --preset clip shards/ -o clip.npy
        tamis embed --model dinov2.onnx --preset dinov2 --pooling cls 'data/{00000..00041}.tar' -o dino.npy
        tamis embed --model clip-visual.onnx --preset clip --text-model clip-textual.onnx \
            --tokenizer bpe_simple_vocab_16e6.txt.gz shards/ -o clip.npy
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

  @Option(help: "Cut the middle out (crop) or squash to the square. Default: the preset's way.")
  var fit: ThumbnailFit?

  @Option(help: "How pictures are resampled: box, bilinear, bicubic, lanczos. Default: the preset's.")
  var filter: ResampleFilter?

  @Option(help: "Mean of R,G,B in 0 to 1, such as 0.5,0.5,0.5. Default: the preset's.")
  var mean: ChannelValues?

  @Option(help: "Deviation of R,G,B. Default: the preset's.")
  var std: ChannelValues?

  @Option(help: "A model of captions, an ONNX file.")
  var textModel: String?

  @Option(
    help:
      "Its tokenizer: tokenizer.json, vocab.txt, vocab.json, bpe_simple_vocab_16e6.txt.gz, or their directory."
  )
  var tokenizer: String?

  @Option(help: "Most tokens of a caption, where model and tokenizer leave it open.")
  var textLength: Int?

  @Option(
    help:
      "Name of the captions' output to take. Default: text_embeds, sentence_embedding... or the first that fits."
  )
  var textOutput: String?

  @Option(
    help: "What becomes of a row a token: cls, mean or last. Default: mean for WordPiece, last for CLIP.")
  var textPooling: TextPooling?

  @Flag(help: "Exit 1 if anything was rejected.")
  var strict = false

  @Option(name: .shortAndLong, help: "File to write: emb.npy, with emb.keys.txt beside it.")
  var output: String

  @OptionGroup var models: ModelOptions
  @OptionGroup var limits: LimitOptions
  @OptionGroup var reading: ReadingOptions
  @OptionGroup var logging: LogOptions

  func validate() throws {
    if let size, !(8...4096).contains(size) { throw ValidationError("--size: 8 to 4096.") }
    if (textModel == nil) != (tokenizer == nil) {
      throw ValidationError("--text-model and --tokenizer belong together.")
    }
    if textModel == nil, textLength != nil || textOutput != nil || textPooling != nil {
      throw ValidationError("--text-length, --text-output and --text-pooling need --text-model.")
    }
    if let textLength, !(3...65_536).contains(textLength) {
      throw ValidationError("--text-length: 3 to 65536.")
    }
    if let std, !std.values.allSatisfy({ $0 > 0 }) { throw ValidationError("--std: above 0.") }
    if let resize, !(8...8192).contains(resize) { throw ValidationError("--resize: 8 to 8192.") }
  }

  func run() throws {
    let log = logging.log
    let found = try ShardSet.list(shards)
    if let notice = found.notice { log.handler(.notice(notice)) }
    var image = Recipe.ImageModel(path: model)
    image.options = OnnxImageEncoder.Options(preset: preset)
    (image.options.size, image.options.shorterSide) = (size, resize)
    (image.options.fit, image.options.filter) = (fit, filter)
    (image.options.mean, image.options.deviation) = (mean?.values, std?.values)
    (image.options.output, image.options.pooling) = (modelOutput, pooling)
    var request = ArrayEmbed.Request(found.shards, image: image, output: output)
    request.recipe.models = try models.chosen()
    if let textModel, let tokenizer {
      var text = Recipe.TextModel(path: textModel, tokenizer: tokenizer)
      (text.options.length, text.options.output) = (textLength, textOutput)
      text.options.pooling = textPooling
      request.text = text
    }
    request.recipe.limits = limits.limits
    request.recipe.input.salvage = reading.salvage
    request.recipe.input.ignoresZeros = reading.ignoreZeros
    let report = try ArrayEmbed.run(request, events: log.handler)
    if !logging.quiet {
      let rejected = report.rejected.total > 0 ? ", \(report.rejected.total) samples rejected" : ""
      let broken = report.brokenShards > 0 ? ", \(report.brokenShards) shards broken" : ""
      let captions = report.textDimension.map { ", captions of \($0)" } ?? ""
      print("\(report.samples) rows of \(report.dimension) in \(output)\(captions)\(rejected)\(broken)")
    }
    guard report.brokenShards < found.shards.count else { throw ExitCode(ExitStatus.badData.rawValue) }
    if strict, report.rejected.total > 0 || report.brokenShards > 0 { throw ExitCode(1) }
  }
}
