import Foundation
import Testing

@Suite struct PictureTests {
  @Test(
    "fit draws components, spectrum and masks as NumPy does from the arrays; any split gives the same bytes")
  func workspace() throws {
    let folder = try TemporaryFolder()
    let recipe = try folder.addPruning()
    #expect(try tamis("ingest", recipe, "-q").status == 0)
    #expect(try tamis("fit", recipe, "-q").status == 0)
    try folder.expectOracle("pictures.py", ["%/.tamis/models/pca", "%/.tamis"], "ok")

    let renamed = try TemporaryFolder()
    let other = try renamed.addPruning(names: ["z", "y", "x", "w"])
    #expect(try tamis("ingest", other, "-q").status == 0)
    #expect(try tamis("fit", other, "-q", "-j", "1").status == 0)
    for name in ["components.png", "masks.png", "spectrum.svg"] {
      let bytes = try #require(folder.data(".tamis/models/pca/" + name))
      #expect(bytes == renamed.data(".tamis/models/pca/" + name), "\(name)")
    }
  }

  @Test("tamis pca draws the components of images, and the spectrum of anything")
  func arrays() throws {
    let folder = try TemporaryFolder()
    try folder.expectOracle("make_arrays.py", ["pca", folder.path])
    for (name, pictures) in [
      ("images", ["components.png", "spectrum.svg"]), ("few", ["components.png", "spectrum.svg"]),
      ("rows_f4", ["spectrum.svg"]),
    ] {
      let output = "\(folder.path)/\(name)-pca"
      #expect(try tamis("pca", "--pixels", "\(folder.path)/\(name).npy", "-o", output, "-q").status == 0)
      #expect(
        folder.files(name + "-pca").keys.filter { !$0.hasSuffix("npy") && !$0.hasSuffix("json") }.sorted()
          == pictures)
      if pictures.count == 2 { try folder.expectOracle("pictures.py", ["%/\(name)-pca"], "ok") }
    }
  }
}
