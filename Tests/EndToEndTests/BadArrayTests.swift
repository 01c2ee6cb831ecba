import Foundation
import Testing

/// One clear line, exit 2 or 65, and no trace of an output directory.
@Suite struct BadArrayTests {
  private func expectFailures(
    _ command: String, _ cases: [(arguments: String, status: Int32, text: String)]
  ) throws {
    let folder = try TemporaryFolder()
    try folder.expectOracle("make_arrays.py", ["prune", folder.path])
    try folder.write("gaps.txt", "a\n\nb\n")
    #expect(
      try tamis("pca", "--pixels", folder.path + "/image.npy", "-o", folder.path + "/pca", "-q").status == 0)
    let before = try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted()
    for (arguments, status, text) in cases {
      let words = (command + " " + arguments + " -o %/new").split(separator: " ")
        .map { $0.replacingOccurrences(of: "%", with: folder.path) }
      let result = try run(Repository.tamis, words)
      #expect(result.status == status, "\(arguments): \(result.errors)")
      let line = "tamis: " + text.replacingOccurrences(of: "%", with: folder.path) + "\n"
      #expect(result.errors == line, "\(arguments)")
      #expect(result.output.isEmpty)
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted() == before)
    }
  }

  @Test("broken arrays, wrong shapes and sizes")
  func arrays() throws {
    let keep = " --keep 0.4"
    let image = "%/image.npy --keep 0.4"
    try expectFailures(
      "prune --image-embeddings",
      [
        ("%/nan.npy" + keep, 65, "%/nan.npy: row 7 holds NaN or an infinity"),
        ("%/zero.npy" + keep, 65, "%/zero.npy: row 9 is zero"),
        (
          "%/integers.npy" + keep, 65,
          "%/integers.npy: the dtype is '<i4', embeddings are '<f2', '<f4' or '<f8'"
        ),
        (
          "%/flat.npy" + keep, 65,
          "%/flat.npy: the shape is [600], embeddings have two axes (rows, dimension)"
        ),
        (
          "%/cube.npy" + keep, 65,
          "%/cube.npy: the shape is [600, 6, 8], embeddings have two axes (rows, dimension)"
        ),
        ("%/empty.npy" + keep, 65, "%/empty.npy: there are no rows"),
        ("%/pickled.npy" + keep, 65, "%/pickled.npy: an object array (pickled): save it with a plain dtype"),
        (
          "%/truncated.npy" + keep, 65,
          "%/truncated.npy: truncated: the shape (600, 48) needs 57600 bytes, the file has 57500"
        ),
        ("%/header.npy" + keep, 65, "%/header.npy: truncated: the file ends inside the header"),
        ("%/nothing.npy" + keep, 65, "%/nothing.npy: not a .npy file"),
        (image + " --uids %/archive.npz", 65, "%/archive.npz: an .npz archive, not a .npy array"),
        ("%/missing.npy" + keep, 2, "%/missing.npy: no such file"),
        (
          "% --keep 0.4", 2,
          "%: a directory of .npz archives: which array? add :NAME (archive.npz holds image)"
        ),
        ("%/long.npy --strict" + keep, 65, "%/long.npy: row 0 is not of unit length"),
        (image + " --keys %/short.txt", 65, "%/short.txt: 599 keys, the embeddings have 600 rows"),
        (image + " --keys %/gaps.txt", 65, "%/gaps.txt: line 2 is empty, a key is wanted"),
        (image + " --keys %/missing.txt", 2, "%/missing.txt: no such file"),
        (
          image + " --uids %/wide_uids.npy", 65,
          "%/wide_uids.npy: uids are a vector of [('f0', '<u8'), ('f1', '<u8')]"
        ),
        (image + " --centroids %/narrow.npy", 65, "%/narrow.npy: rows of 20 values, expected 48"),
        (image + " --centroids %/nan.npy", 65, "%/nan.npy: row 7 holds NaN or an infinity"),
        (image + " --centroids %/missing.npy", 2, "%/missing.npy: no such file"),
        (image + " --score-min 0 --text-embeddings %/fewer.npy", 65, "%/fewer.npy: 599 rows, expected 600"),
        (image + " --score-min 0 --score-column %/gap.npy", 65, "%/gap.npy: 5 rows, expected 600"),
        (image + " --score-min 0 --score-column %/image.npy", 65, "%/image.npy: 2 axes, one is wanted"),
      ])
  }

  @Test("settings out of range, and stages without what they read")
  func settings() throws {
    try expectFailures(
      "prune --image-embeddings %/image.npy",
      [
        ("--keep 1.4", 2, "concepts.keep: must lie in 0...1, is 1.4"),
        ("--keep nan", 2, "concepts.keep: must lie in 0...1, is nan"),
        ("--keep=-0.1", 2, "concepts.keep: must lie in 0...1, is -0.1"),
        ("--keep 0.4 --clusters 0", 2, "concepts.clusters: must be at least 1, is 0"),
        ("--keep 0.4 --clusters 601", 65, "concepts: 601 clusters of 600 rows"),
        ("--keep-count 601", 65, "concepts: 601 rows wanted, 600 there are"),
        ("--keep 0.4 --temperature 0", 2, "concepts.temperature: must be above 0, is 0.0"),
        ("--dedup-epsilon 2", 2, "dedup.epsilon: must lie in 0...1, is 2.0"),
        ("--dedup-keep 0.9 --dedup-clusters 700", 65, "dedup: 700 clusters of 600 rows"),
        ("--score-keep 0.4", 2, "the score stage needs --text-embeddings"),
        (
          "--score-keep 0.4 --text-embeddings %/text.npy", 2, "the score stage needs --joint-embeddings"
        ),
        ("--reference-rule near --reference-keep 0.4", 2, "--reference-rule needs --reference"),
        ("--keep 0.4 --reference %/reference.npy", 2, "--reference needs --reference-rule near, far or gap"),
        ("--reference-rule gap --reference %/reference.npy", 2, "the reference stage needs --gap"),
        (
          "--reference-rule gap --reference %/reference.npy --gap %/scores.npy", 65,
          "%/scores.npy: 600 rows, reference.npy has 5"
        ),
        ("--keep 0.4 --gap %/gap.npy", 2, "--gap needs --reference-rule gap"),
        ("--dedup-keep 0.9 --centroids %/centroids.npy", 2, "--centroids needs --keep or --keep-count"),
        ("--keep 0.4 --memory 10KiB -j 2", 2, "pruning needs 2.7 MiB, the limit is 10.0 KiB; raise --memory"),
      ])
  }

  @Test("arrays of pca and masks")
  func pcaAndMasks() throws {
    try expectFailures(
      "pca --pixels",
      [
        ("%/nan.npy", 65, "%/nan.npy: row 7 holds a NaN or an infinite value"),
        ("%/flat.npy", 65, "%/flat.npy: the shape is [600]; (n, D), or (n, H, W, 3) of '|u1', is wanted"),
        ("%/empty.npy", 65, "%/empty.npy: the array is empty"),
        ("%/integers.npy", 65, "%/integers.npy: the dtype is '<i4', '<f2', '<f4', '<f8' or '|u1' is wanted"),
        ("%/missing.npy", 2, "%/missing.npy: no such file"),
        ("%/image.npy --components 49", 2, "--components 49: (600, 48) has 48"),
        ("%/image.npy --standardize channel", 2, "--standardize channel needs images (n, H, W, 3)"),
      ])
    try expectFailures(
      "masks --pca",
      [
        ("%/pca --count 3 --ratio 1", 2, "a mask ratio must be above 0 and below 1, low before high"),
        (
          "%/pca --count 3 --ratio-range 0.9:0.1", 2,
          "a mask ratio must be above 0 and below 1, low before high"
        ),
        ("%/pca --count 0 --ratio 0.2", 2, "--count: at least one mask"),
        ("%/pca --count 5 --keys %/keys.txt --ratio 0.2", 2, "--count 5, but %/keys.txt has 600 keys"),
        ("%/pca --keys %/gaps.txt --ratio 0.2", 65, "%/gaps.txt: line 2 is empty, a key is wanted"),
        ("%/nowhere --count 5 --ratio 0.2", 2, "%/nowhere/eigenvalues_ratio.npy: no such file"),
      ])
  }

  @Test("an output that is not ours is never replaced")
  func foreignOutput() throws {
    let folder = try TemporaryFolder()
    try folder.expectOracle("make_arrays.py", ["prune", folder.path])
    let image = folder.path + "/image.npy"
    let original = try #require(folder.data("image.npy"))
    try folder.write("mine/thesis.txt", "precious")
    try folder.write("other/plan.json", "{}")
    try folder.write("other/thesis.txt", "precious")
    for name in ["mine", "other"] {
      let output = folder.path + "/" + name
      let before = folder.files(name)
      for command in [["pca", "--pixels", image], ["prune", "--image-embeddings", image, "--keep", "0.4"]] {
        let result = try run(Repository.tamis, command + ["-o", output, "-q"])
        #expect(result.status == 2 && result.errors.contains("files that tamis did not write"))
        #expect(folder.files(name) == before)
      }
    }
    // Nor is the input itself.
    #expect(
      try tamis("pca", "--pixels", image, "-o", image).errors
        == "tamis: \(image): is a file, not a directory\n")
    #expect(try tamis("prune", "--image-embeddings", image, "--keep", "0.4", "-o", image).status == 2)
    #expect(folder.data("image.npy") == original)
  }
}
