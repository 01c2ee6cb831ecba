import Foundation
import Testing

@Suite("Captions and JSON on their way through") struct CaptionTests {
  @Test(
    "on_bad_caption keeps, repairs or drops as Python would; JSON is published byte for byte",
    arguments: [("keep", 11), ("replace", 11), ("drop", 5)])
  func policies(_ policy: String, _ samples: Int) throws {
    let folder = try TemporaryFolder()
    try folder.write("in/readme.txt", "shards")
    let oracle = Repository.oracle("captions.py")
    let made = try run(Repository.python, [oracle, "make", folder.path + "/in/00000.tar"])
    #expect(made.status == 0, "\(made.errors)")
    let recipe = try folder.write(
      "recipe.yaml",
      "input: { path: in }\ndecode: { on_bad_caption: \(policy) }\n"
        + "features: { pca: { size: 4 } }\npublish: { path: out }")
    let result = try tamis("run", recipe)
    #expect(result.status == 0, "\(result.errors)")
    let checked = try run(Repository.python, [oracle, "check", folder.path + "/out/00000.tar", policy])
    #expect(checked.output == "\(samples) samples\n", "\(checked.errors)")
    if policy == "drop" {
      let rejects = folder.data(".tamis/columns/00000/rejects.jsonl").map {
        String(decoding: $0, as: UTF8.self)
      }
      #expect(rejects?.split(separator: "\n").count == 11 - samples)
      #expect(rejects?.contains("caption_not_utf8") == true)
      #expect(rejects?.contains("holds a NUL") == true)
    }
  }
}
