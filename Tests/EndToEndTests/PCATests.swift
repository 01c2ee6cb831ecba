import Foundation
import Testing

@Suite struct PCATests {
  @Test(
    "models/pca is scikit-learn's PCA of the standardised thumbnails",
    arguments: ["feature", "channel", "none"])
  func workspace(standardize: String) throws {
    let folder = try TemporaryFolder()
    var recipe = PruningRecipe()
    recipe.standardize = standardize
    #expect(try tamis("run", folder.addPruning(recipe), "-q").status == 0)
    try folder.expectOracle("pca_sklearn.py", ["%/.tamis/models/pca", standardize, "%/.tamis"], "497 497")
  }

  @Test("tamis pca on arrays agrees with scikit-learn: images and rows, every dtype and standardisation")
  func arrays() throws {
    let folder = try TemporaryFolder()
    try folder.expectOracle("make_arrays.py", ["pca", folder.path])
    let cases = [
      ("images", "feature", "300 192"), ("images", "channel", "300 192"), ("images", "none", "300 192"),
      ("few", "feature", "40 40"), ("rows_u1", "feature", "200 30"), ("rows_f2", "feature", "200 30"),
      ("rows_f4", "none", "200 30"), ("rows_f8", "feature", "200 30"), ("fortran", "none", "200 30"),
    ]
    for (name, standardize, size) in cases {
      let result = try tamis(
        "pca", "--pixels", "\(folder.path)/\(name).npy", "-o", "\(folder.path)/\(name)-\(standardize)",
        "--standardize", standardize, "-q")
      #expect(result.status == 0, "\(name): \(result.errors)")
      try folder.expectOracle(
        "pca_sklearn.py", ["%/\(name)-\(standardize)", standardize, "%/\(name).npy"], size)
    }
  }

  @Test("--components keeps the leading ones, with ratios of the total variance")
  func components() throws {
    let folder = try TemporaryFolder()
    try folder.expectOracle("make_arrays.py", ["pca", folder.path])
    let result = try tamis(
      "pca", "--pixels", folder.path + "/images.npy", "-o", folder.path + "/pca", "--components", "20")
    #expect(result.output == "20 components of 300 samples in \(folder.path)/pca\n", "\(result.errors)")
    try folder.expectOracle("pca_sklearn.py", ["%/pca", "feature", "%/images.npy", "20"], "300 20")
  }

  @Test("8-bit images in another order and on another number of threads give the same bits")
  func orderFree() throws {
    let folder = try TemporaryFolder()
    try folder.expectOracle("make_arrays.py", ["pca", folder.path])
    for (name, jobs) in [("images", "1"), ("images", "2"), ("shuffled", "2")] {
      let output = "\(folder.path)/\(name)\(jobs)"
      #expect(
        try tamis("pca", "--pixels", "\(folder.path)/\(name).npy", "-o", output, "-j", jobs, "-q").status == 0
      )
    }
    let arrays = { (name: String) in folder.files(name).filter { $0.key.hasSuffix(".npy") } }
    #expect(arrays("images1").count == 5)
    #expect(folder.files("images1") == folder.files("images2"))
    #expect(arrays("images1") == arrays("shuffled2"))
  }
}
