import Foundation
import Testing

/// `tamis masks` beyond one random mask a key.
@Suite struct MaskKindTests {
  private func masks(_ folder: TemporaryFolder, _ arguments: String...) throws -> CommandResult {
    try run(Repository.tamis, ["masks", "-o", folder.path + "/m.npy"] + arguments)
  }

  private func pcaFolder() throws -> TemporaryFolder {
    let folder = try TemporaryFolder()
    try folder.expectOracle("make_arrays.py", ["pca", folder.path])
    #expect(
      try tamis("pca", "--pixels", folder.path + "/images.npy", "-o", folder.path + "/pca", "-q").status == 0)
    return folder
  }

  @Test("a batch shares the mask of batch:<i>; top and bottom mask the ends of the spectrum")
  func components() throws {
    let folder = try pcaFolder()
    let pca = ["--pca", folder.path + "/pca", "--count", "50", "--seed", "7", "--ratio-range", "0.1:0.9"]
    for batch in ["1", "7", "512"] {
      let all = ["masks", "-o", folder.path + "/m.npy"] + pca + ["--scope", "batch", "--batch", batch]
      let result = try run(Repository.tamis, all)
      #expect(result.status == 0, "\(result.errors)")
      try folder.expectOracle(
        "mask_kinds.py", ["batch", "%/pca", "%/m.npy", "7", "0.1", "0.9", batch], "50")
    }
    for (mode, rule) in [
      ("top", "closest"), ("bottom", "closest"), ("top", "reference"), ("bottom", "reference"),
    ] {
      let all = ["masks", "-o", folder.path + "/m.npy"] + pca + ["--mode", mode, "--rule", rule]
      #expect(try run(Repository.tamis, all).status == 0)
      try folder.expectOracle("mask_kinds.py", [mode, "%/pca", "%/m.npy", "7", "0.1", "0.9", rule], "50")
    }
  }

  @Test("patch masks, random and in blocks, are NumPy's bit for bit, for grids of any shape")
  func patches() throws {
    let folder = try TemporaryFolder()
    for (grid, ratio, batch) in [
      ("14x14", "0.75", "0"), ("1x1", "0.5", "0"), ("3x40", "0.4", "5"), ("16x16", "0.1:0.9", "0"),
      ("2x2", "0.99", "0"), ("5x1", "0.3", "0"), ("28x28", "0.001", "0"),
    ] {
      let range = ratio.split(separator: ":").map(String.init)
      for kind in ["random", "blocks"] {
        let result = try masks(
          folder, "--patches", grid, "--patch-kind", kind, "--count", "60", "--seed", "3",
          range.count == 2 ? "--ratio-range" : "--ratio", ratio, "--scope", batch == "0" ? "sample" : "batch",
          "--batch", batch == "0" ? "9" : batch)
        #expect(result.status == 0, "\(grid): \(result.errors)")
        try folder.expectOracle(
          "mask_kinds.py", [kind, grid, "%/m.npy", "3", range.first!, range.last!, batch], "60")
      }
    }
  }

  @Test(
    "coefficients have the variances of the basis; visible + masked = z; any number of threads gives the same"
  )
  func emitted() throws {
    let folder = try pcaFolder()
    let images = folder.path + "/images.npy"
    func emit(_ jobs: String) throws -> [String: Data] {
      let result = try masks(
        folder, "--pca", folder.path + "/pca", "--pixels", images, "--ratio", "0.2", "--emit",
        "coefficients,visible,target", "--target", "pixels", "-j", jobs)
      #expect(result.status == 0, "\(result.errors)")
      return folder.files("").filter { $0.key.hasPrefix("m.") }
    }
    let one = try emit("1")
    #expect(one.count == 6)
    try folder.expectOracle("mask_kinds.py", ["emitted", "%/pca", "%/m.npy", "%/images.npy"])
    #expect(try emit("2") == one)
  }

  @Test("what does not fit together is refused in words")
  func refusals() throws {
    let folder = try pcaFolder()
    try folder.write("keys.txt", "a\nb\n")
    let (pca, keys) = (folder.path + "/pca", folder.path + "/keys.txt")
    let pixels = folder.path + "/images.npy"
    for (arguments, text) in [
      (["--ratio", "0.5", "--count", "2"], "--pca DIR or --patches HxW"),
      (["--ratio", "0.5", "--count", "2", "--patches", "3"], "--patches: HxW"),
      (["--ratio", "0.5", "--pca", pca, "--keys", keys, "--scope", "batch"], "has keys of its own"),
      (["--ratio", "0.5", "--pca", pca, "--count", "2", "--batch", "0"], "--batch"),
      (["--ratio", "0.5", "--pca", pca, "--count", "2", "--emit", "visible"], "go together"),
      (
        ["--ratio", "0.5", "--pca", pca, "--pixels", pixels, "--emit", "mask"],
        "coefficients, visible or target"
      ),
      (
        ["--ratio", "0.5", "--pca", pca, "--count", "2", "--pixels", pixels, "--emit", "visible"],
        "2 masks, but"
      ),
    ] {
      let result = try run(Repository.tamis, ["masks", "-o", folder.path + "/m.npy"] + arguments)
      #expect(result.status == 2 && result.errors.contains(text), "\(arguments): \(result.errors)")
    }
  }
}
