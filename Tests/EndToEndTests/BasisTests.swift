import Foundation
import Testing

@Suite struct BasisTests {
  @Test(
    "every basis of a workspace is what NumPy, SciPy and scikit-learn make of the thumbnails",
    arguments: [
      ("separable", "feature", "497 768"), ("separable", "none", "497 768"), ("dct", "feature", "497 768"),
      ("dct", "channel", "497 768"), ("patch", "feature", "497 768"), ("patch", "none", "497 768"),
      ("truncated", "feature", "497 60"), ("truncated", "none", "497 60"),
    ])
  func workspace(basis: String, standardize: String, size: String) throws {
    let folder = try TemporaryFolder()
    var recipe = PruningRecipe()
    recipe.pca = "size: 16, " + Self.keys(basis)
    recipe.standardize = standardize
    let result = try tamis("run", folder.addPruning(recipe), "-q")
    #expect(result.status == 0, "\(result.errors)")
    try folder.expectOracle(
      "basis_numpy.py", ["%/.tamis/models/pca", basis, standardize, "%/.tamis"], size)
    // Verdicts, masks and the published shards follow from it.
    #expect(folder.data("out/__len__") != nil)
  }

  /// The recipe keys of a small basis.
  private static func keys(_ basis: String) -> String {
    "basis: \(basis)" + (basis == "truncated" ? ", components: 60" : basis == "patch" ? ", patch: 4" : "")
  }

  @Test(
    "the bits of models, columns and masks depend on neither threads nor names nor the split into shards",
    arguments: ["full", "separable", "dct", "patch", "truncated"])
  func orderFree(basis: String) throws {
    var recipe = PruningRecipe()
    recipe.pca = "size: 16, " + Self.keys(basis)
    recipe.publish = ", order: key"
    let folders = try (0..<3).map { _ in try TemporaryFolder() }
    for (index, jobs) in ["1", "2", "2"].enumerated() {
      let path = try folders[index].addPruning(recipe)
      if index == 2 { try folders[2].splitShards() }
      let result = try tamis("run", path, "-q", "-j", jobs)
      #expect(result.status == 0, "\(result.errors)")
    }
    let models = folders.map { $0.files(".tamis/models/pca").filter { $0.key.hasSuffix(".npy") } }
    #expect(models[0].count >= 5)
    #expect(models[0] == models[1] && models[0] == models[2])
    #expect(folders[0].files(".tamis/models") == folders[1].files(".tamis/models"))
    #expect(folders[0].files(".tamis/columns") == folders[1].files(".tamis/columns"))
    #expect(folders[0].files("out") == folders[1].files("out"))
    let shards = folders.map { $0.files("out").filter { $0.key.hasSuffix(".tar") } }
    #expect(shards[0].count >= 2 && shards[0] == shards[2])
  }

  @Test("what a basis cannot have is refused with its key path")
  func refused() throws {
    let folder = try TemporaryFolder()
    for (keys, message) in [
      ("size: 112", "features.pca.basis: a full basis goes up to size 104"),
      ("basis: dct, components: 9", "features.pca.components: a dct basis has all of them"),
      ("basis: truncated, components: 1025, size: 64", "1025 is out of range (1 to 1024)"),
      ("basis: patch, patch: 7", "features.pca.patch: 7 does not divide the size 32"),
      ("basis: separable, patch: 8", "features.pca.patch: belongs to basis: patch"),
      ("basis: wavelet", "unknown value 'wavelet'"),
    ] {
      let recipe = try folder.write(
        "recipe.yaml", "input: { path: in }\nfeatures: { pca: { \(keys) } }\npublish: { path: out }\n")
      let result = try tamis("recipe", "check", recipe)
      #expect(result.status == 2 && (result.errors + result.output).contains(message), "\(result.errors)")
    }
    let recipe = try folder.write(
      "recipe.yaml",
      "input: { path: in }\nfeatures: { pca: { size: 64 } }\npublish: { path: out }\nlimits: { memory: 1GiB }\n"
    )
    let result = try tamis("run", recipe)
    #expect(
      result.status == 2
        && result.errors.contains("limits.memory: the full PCA of 64 x 64 images needs 3.4 GiB"),
      "\(result.errors)")
  }

  @Test(
    "tamis pca takes every basis of images; the snippet of docs/pca-bases.md rebuilds components from its files"
  )
  func arrays() throws {
    let folder = try TemporaryFolder()
    try folder.expectOracle("make_arrays.py", ["pca", folder.path])
    for (basis, size) in [
      ("separable", "300 192"), ("dct", "300 192"), ("patch", "300 192"),
      ("truncated", "300 40"), ("full", "300 192"),
    ] {
      let output = "\(folder.path)/\(basis)"
      var arguments = ["pca", "--pixels", folder.path + "/images.npy", "-o", output, "--basis", basis, "-q"]
      if basis == "truncated" { arguments += ["--components", "40"] }
      if basis == "patch" { arguments += ["--patch", "4"] }
      let result = try run(Repository.tamis, arguments)
      #expect(result.status == 0, "\(result.errors)")
      if basis != "full" {
        try folder.expectOracle("basis_numpy.py", ["%/\(basis)", basis, "feature", "%/images.npy"], size)
      }
      try folder.expectOracle(
        "basis_snippet.py", [Repository.root + "/docs/pca-bases.md", "%/\(basis)", "%/images.npy"],
        String(size.split(separator: " ")[1]))
    }
    let refused = try tamis(
      "pca", "--pixels", folder.path + "/rows_u1.npy", "-o", folder.path + "/no", "--basis", "dct")
    #expect(refused.status == 2 && refused.errors.contains("needs images"), "\(refused.errors)")
    let script = "import numpy,sys;numpy.save(sys.argv[1], numpy.zeros((2, 40000), 'u1'))"
    #expect(try run(Repository.python, ["-c", script, folder.path + "/wide.npy"]).status == 0)
    let wide = try tamis("pca", "--pixels", folder.path + "/wide.npy", "-o", folder.path + "/no")
    #expect(wide.status == 2 && wide.errors.contains("at most 32765 features"), "\(wide.errors)")
  }

  @Test("a truncated basis has the exact leading eigenvectors of low-rank images with noise")
  func lowRank() throws {
    let folder = try TemporaryFolder()
    try folder.expectOracle("lowrank.py", ["make", "%/x.npy"])
    let result = try tamis(
      "pca", "--pixels", folder.path + "/x.npy", "-o", folder.path + "/pca", "--basis", "truncated",
      "--components", "12", "-q")
    #expect(result.status == 0, "\(result.errors)")
    try folder.expectOracle("lowrank.py", ["check", "%/pca", "%/x.npy"], "12")
  }

  @Test("few images take the N x N dual: scikit-learn's PCA, the same bits for any threads and split")
  func dual() throws {
    let folders = try (0..<2).map { _ in try TemporaryFolder() }
    for (index, jobs) in ["1", "2"].enumerated() {
      let path = try folders[index].addPruning(PruningRecipe(pca: "size: 20"))
      if index == 1 { try folders[1].splitShards() }
      let result = try tamis("run", path, "-q", "-j", jobs)
      #expect(result.status == 0, "\(result.errors)")
    }
    try folders[0].expectOracle(
      "pca_sklearn.py", ["%/.tamis/models/pca", "feature", "%/.tamis"], "497 497")
    let manifest = String(
      decoding: try #require(folders[0].data(".tamis/models/pca/manifest.json")), as: UTF8.self)
    #expect(manifest.contains("N x N dual"))
    let models = folders.map { $0.files(".tamis/models/pca").filter { $0.key.hasSuffix(".npy") } }
    #expect(models[0].count == 5 && models[0] == models[1])
  }
}

extension TemporaryFolder {
  /// Cuts the samples of `in/` into other shards.
  fileprivate func splitShards() throws {
    let split = try run(
      Repository.python, [Repository.oracle("split_shards.py"), path + "/in", path + "/new"])
    #expect(split.status == 0, "\(split.errors)")
    try FileManager.default.removeItem(atPath: path + "/in")
    try FileManager.default.moveItem(atPath: path + "/new", toPath: path + "/in")
  }
}
