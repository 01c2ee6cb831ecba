import Pipeline
import Testing

@Suite struct RecipeImportTests {
  private func parse(_ features: String) throws(RecipeError) -> Recipe {
    try RecipeFile.parse("input: { path: in }\nfeatures: { \(features) }", path: "/data/recipe.yaml")
  }

  @Test("files and keys are relative to the recipe, and the array's name is no part of the path")
  func places() throws {
    let recipe = try parse("image: { file: 'pool:l14_img', keys: keys.txt }, text: { file: /t.npy }")
    #expect(recipe.features.image == .file(.init(file: "/data/pool:l14_img", keys: "/data/keys.txt")))
    #expect(recipe.features.text == .file(.init(file: "/t.npy")))
    #expect(try RecipeFile.parse(try RecipeFile.text(of: recipe), path: "y.yaml") == recipe)
  }

  @Test("other text and image sections are what they were")
  func others() throws {
    let recipe = try parse("image: { encoder: pixels }, text: { encoder: ngrams }")
    #expect(recipe.features.image == .pixels)
    #expect(recipe.features.text == .ngrams(dimensions: 256))
    #expect(try parse("text: none").features.text == nil)
  }

  @Test("a file beside an encoder or a model, and unknown keys, are named")
  func problems() throws {
    let error = #expect(throws: RecipeError.self) {
      try parse(
        "image: { file: a.npy, model: m.onnx, preset: clip }, text: { file: b.npy, encoder: ngrams, key: k.txt }"
      )
    }
    #expect(
      error?.problems == [
        "features.image.model: give either model or file",
        "features.image.preset: unknown key",
        "features.text.encoder: give either encoder or file",
        "features.text.key: unknown key; did you mean 'keys'?",
      ])
  }
}
