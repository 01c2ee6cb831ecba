import Pipeline

/// Target `recipe`: the input is a recipe; after a NUL byte come lines `key.path=value` that override it.
func fuzzRecipe(_ bytes: [UInt8]) {
  let parts = bytes.split(separator: 0, maxSplits: 1, omittingEmptySubsequences: false)
  var overrides: [String: String] = [:]
  if parts.count == 2 {
    for line in parts[1].split(separator: 10) {
      let pair = line.split(separator: UInt8(ascii: "="), maxSplits: 1, omittingEmptySubsequences: false)
      if pair.count == 2 {
        overrides[String(decoding: pair[0], as: UTF8.self)] = String(decoding: pair[1], as: UTF8.self)
      }
    }
  }
  let text = String(decoding: parts[0], as: UTF8.self)
  do throws(RecipeError) {
    let recipe = try RecipeFile.parse(text, path: "recipe.yaml", overrides: overrides)
    guard let written = try? RecipeFile.text(of: recipe) else {
      fatalError("invariant broken: a sound recipe cannot be written")
    }
    do throws(RecipeError) {
      let again = try RecipeFile.parse(written, path: "recipe.yaml")
      require(again == recipe, "the recipe is written as another one")
    } catch { fatalError("invariant broken: what we wrote we do not read: \(error.problems)") }
  } catch {
    require(!error.problems.isEmpty, "an error without words")
  }
}
