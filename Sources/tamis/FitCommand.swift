import ArgumentParser
import Pipeline

struct FitCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "fit",
    abstract:
      "Second stage of run: the PCA of the thumbnails, the embeddings that need it, and imported ones.",
    discussion: """
      If a daemon holds the workspace, it is asked for a new plan instead.

      Example:
        tamis fit recipe.yaml -w ws
      """)

  @OptionGroup var options: RecipeOptions
  @OptionGroup var logging: LogOptions

  func run() throws {
    let (recipe, path) = try options.load()
    if let told = try DaemonRequest.fit(workspace: path) {
      if !logging.quiet { print(told) }
      return
    }
    let workspace = try Workspace(path: path)
    try workspace.checkIsNoStreams()
    let report = try Fit.run(recipe, in: workspace, events: logging.log.handler)
    if !logging.quiet { print(Summary.text(report) ?? "The recipe asks for no model.") }
  }
}

struct ExplainCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "explain", abstract: "Why a sample was kept, dropped or rejected.",
    discussion: "Example: tamis explain 000010005 -w samples/.tamis")

  @Argument(help: "The sample's key, as published.")
  var key: String

  @Option(name: .shortAndLong, help: "The workspace.")
  var workspace = ".tamis"

  func run() throws { print(try Explain.text(key: key, workspace: workspace)) }
}
