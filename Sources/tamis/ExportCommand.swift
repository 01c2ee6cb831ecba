import ArgumentParser
import Pipeline

struct ExportCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "export", abstract: "Write a workspace's embeddings as a clip-retrieval folder.",
    discussion: """
      Writes the kept samples, shards bytewise and rows as accepted: img_emb/img_emb_0.npy and, where captions are
      embedded, text_emb/text_emb_0.npy, <f2 unit rows, and metadata/metadata_0.jsonl with image_path (the key) and caption
      for each row. scripts/clip-retrieval-metadata DIR adds the Parquet files that clip-retrieval reads. Captions are
      read from the input shards once more; without those they are left out. Only an earlier export is replaced.

      Examples:
        tamis export -w .tamis -o clip
        tamis export -w .tamis -o clip --all --rows-per-part 100000
        scripts/clip-retrieval-metadata clip
      """)

  @OptionGroup var options: RecipeOptions
  @OptionGroup var logging: LogOptions

  @Option(name: .shortAndLong, help: "Directory to write.")
  var output: String

  @Flag(help: "All accepted samples, whatever was pruned.")
  var all = false

  @Option(help: "Most rows of a part.")
  var rowsPerPart = 1_000_000

  @Flag(help: "Leave the captions out; the input shards are not read.")
  var noCaptions = false

  func validate() throws {
    if rowsPerPart < 1 { throw ValidationError("--rows-per-part: 1 or more.") }
  }

  func run() throws {
    let (recipe, path) = try options.load()
    var request = Export.Request(output: output)
    request.takesAll = all
    request.readsCaptions = !noCaptions
    request.rowsPerPart = rowsPerPart
    let report = try Export.run(request, recipe, in: try Workspace(path: path), events: logging.log.handler)
    if logging.quiet { return }
    let text = report.textDimension.map { ", captions of \($0)" } ?? ""
    let parts = "\(report.parts) part\(report.parts == 1 ? "" : "s")"
    print("\(report.samples) rows of \(report.dimension)\(text) in \(output), \(parts)")
  }
}
