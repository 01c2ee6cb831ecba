import Foundation
import Testing

@Suite("Quality columns") struct QualityTests {
  private func recipe(_ rest: String = "") -> String {
    "input: { path: in/ }\nfeatures: { pca: { size: 8 }, quality: true }\npublish: { path: out/ }\n" + rest
  }

  @Test("Every row is what ImageHash, Pillow and NumPy make of the samples")
  func samples() throws {
    let folder = try TemporaryFolder()
    _ = try folder.addSamples()
    let result = try tamis("ingest", folder.write("recipe.yaml", recipe()), "-q")
    #expect(result.status == 0, "\(result.errors)")
    try folder.expectOracle("quality.py", ["check", "%/in", "%/.tamis"], "497")
  }

  @Test(
    "and of crafted pictures and captions: flat, symmetric, tall and tiny ones, every JPEG quality",
    arguments: ["keep", "replace"])
  func crafted(_ policy: String) throws {
    let folder = try TemporaryFolder()
    try folder.write("in/readme.txt", "shards")
    try folder.expectOracle("quality.py", ["make", "%/in/00000.tar"])
    let path = try folder.write("recipe.yaml", recipe("decode: { on_bad_caption: \(policy) }\n"))
    let result = try tamis("ingest", path, "-q")
    #expect(result.status == 0, "\(result.errors)")
    try folder.expectOracle("quality.py", ["check", "%/in", "%/.tamis", policy], "143")
  }

  @Test(
    "The same bits for any number of workers and with fast thumbnails; thumbnails stay the same; verify knows it"
  )
  func bits() throws {
    let folder = try TemporaryFolder()
    _ = try folder.addSamples()
    let path = try folder.write("recipe.yaml", recipe())
    for jobs in ["1", "2"] {
      #expect(try tamis("ingest", path, "-w", "\(folder.path)/ws\(jobs)", "-j", jobs, "-q").status == 0)
    }
    #expect(folder.files("ws1/columns") == folder.files("ws2/columns"))
    let fast = try folder.write("fast.yaml", recipe("decode: { fast: true }\n"))
    #expect(try tamis("ingest", fast, "-w", "\(folder.path)/fast", "-q").status == 0)
    let off = try folder.write("off.yaml", recipe().replacingOccurrences(of: ", quality: true", with: ""))
    #expect(try tamis("ingest", off, "-w", "\(folder.path)/off", "-q").status == 0)
    let name = "columns/00001/quality.npy"
    #expect(folder.data("fast/" + name) == folder.data("ws1/" + name))
    #expect(folder.data("off/" + name) == nil)
    let thumbnails = "columns/00001/thumbnail.npy"
    #expect(folder.data("off/" + thumbnails) == folder.data("ws1/" + thumbnails))

    #expect(try tamis("verify", folder.path + "/ws1").status == 0)
    var bytes = try #require(folder.data("ws1/" + name))
    bytes[bytes.count - 1] ^= 1
    try folder.write("ws1/" + name, bytes)
    let broken = try tamis("verify", folder.path + "/ws1")
    #expect(broken.status == 65)
    #expect((broken.output + broken.errors).contains("quality.npy"))
  }

  @Test("Switched on later, the shards are read again; a lost column is made again")
  func switching() throws {
    let folder = try TemporaryFolder()
    _ = try folder.addSamples()
    let off = try folder.write("off.yaml", recipe().replacingOccurrences(of: ", quality: true", with: ""))
    let path = try folder.write("recipe.yaml", recipe())
    let workspace = folder.path + "/ws"
    for recipe in [off, path] { #expect(try tamis("ingest", recipe, "-w", workspace, "-q").status == 0) }
    let column = try #require(folder.data("ws/columns/00002/quality.npy"))
    try FileManager.default.removeItem(atPath: workspace + "/columns/00002/quality.npy")
    #expect(try tamis("ingest", path, "-w", workspace, "-q").status == 0)
    #expect(folder.data("ws/columns/00002/quality.npy") == column)
  }
}
