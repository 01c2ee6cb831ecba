import ArgumentParser
import Foundation
import Pipeline

struct RecipeCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "recipe", abstract: "Write or check a recipe.",
    discussion: "Example: tamis recipe init > recipe.yaml && tamis recipe check recipe.yaml",
    subcommands: [InitCommand.self, CheckRecipeCommand.self])

  struct InitCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "init", abstract: "Print a commented recipe with all defaults.",
      discussion: "Example: tamis recipe init > recipe.yaml")

    func run() { print(RecipeFile.template, terminator: "") }
  }

  struct CheckRecipeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "check", abstract: "Name every problem of a recipe; exit 2 if there is one.",
      discussion: "Example: tamis recipe check recipe.yaml")

    @Argument(help: "The recipe, a YAML file.")
    var recipe: String

    func run() throws {
      _ = try RecipeFile.load(recipe, environment: ProcessInfo.processInfo.environment)
      print("\(recipe): ok")
    }
  }
}
