import Foundation
import Testing

@Suite("What is published opens in the readers that trainers use, with every sample and byte")
struct ReadersTests {
  /// The samples published with one name for the picture and every caption in UTF-8.
  private func published(_ publish: String) throws -> TemporaryFolder {
    let folder = try TemporaryFolder()
    _ = try folder.addSamples()
    try publishAgain(folder, publish, path: "out")
    return folder
  }

  /// Runs a recipe over the folder's workspace with another `publish`.
  private func publishAgain(_ folder: TemporaryFolder, _ publish: String, path: String, features: String = "")
    throws
  {
    let recipe = try folder.write(
      "\(path).yaml",
      """
      input: { path: in/ }
      decode: { on_bad_caption: replace }
      \(features)
      publish: { path: \(path)/, \(publish) }
      """)
    let result = try tamis("run", recipe, "-q")
    #expect(result.status == 0, "\(result.errors)")
  }

  /// Runs an oracle over IN, OUT and WORKSPACE, which prints its reader's version and the number of samples.
  private func read(_ oracle: String, _ folder: TemporaryFolder, _ more: String...) throws {
    let result = try run(
      Repository.python,
      [Repository.oracle(oracle), folder.path + "/in", folder.path + "/out", folder.path + "/.tamis"]
        + more)
    #expect(result.status == 0 && result.output.hasSuffix(" 497\n"), "\(result.output)\(result.errors)")
  }

  @Test("webdataset 1.0 and 0.2, and Hugging Face datasets, streaming and not, read plain tars")
  func tars() throws {
    let folder = try published("image_field: jpg, samples_per_shard: 100")
    for version in ["1.0", "0.2"] { try read("read_webdataset.py", folder, version) }
    try read("read_datasets.py", folder)
  }

  @Test("webdataset 1.0 and 0.2 read .tar.zst through `pipe:tamis cat`")
  func compressedTars() throws {
    let folder = try published("image_field: jpg, samples_per_shard: 100, compress: zstd")
    for version in ["1.0", "0.2"] { try read("read_webdataset.py", folder, version, Repository.tamis) }
  }

  @Test(
    "StreamingDataset's MDSReader reads MDS, whose shards are those of its MDSWriter",
    arguments: ["none", "zstd:3"])
  func mds(compression: String) throws {
    let folder = try published("image_field: jpg, format: mds, shard_bytes: 1MiB, compress: \(compression)")
    try read("read_mds.py", folder, "--by-size")
  }

  /// The samples published with masks: as tars in `tars` and in another form in `out`.
  private func withMasks(_ publish: String) throws -> TemporaryFolder {
    let folder = try TemporaryFolder()
    _ = try folder.addSamples()
    let features = "features: { pca: { size: 16, mask: { ratio: [0.1, 0.9], seed: 7 } } }"
    let add = "add: [mask, ratio, thumbnail]"
    try publishAgain(
      folder, "samples_per_shard: 200, image_field: jpg, \(add)", path: "tars", features: features)
    try publishAgain(folder, "\(publish), \(add)", path: "out", features: features)
    return folder
  }

  @Test("an added array is a column of MDS with the type and shape of the .npy member")
  func mdsArrays() throws {
    let folder = try withMasks("format: mds, image_field: jpg, samples_per_shard: 200")
    try read("read_mds.py", folder, "--arrays", folder.path + "/tars")
  }

  @Test("NumPy maps bare columns, by shard and merged: the rows are the members of whole samples")
  func arrays() throws {
    for samples in ["200", "all"] {
      let folder = try withMasks("format: npy, samples_per_shard: \(samples)")
      let result = try run(
        Repository.python,
        [Repository.oracle("read_arrays.py"), folder.path + "/out", folder.path + "/tars"])
      #expect(result.status == 0 && result.output.hasSuffix(" 497\n"), "\(result.output)\(result.errors)")
    }
  }

  @Test("webdataset reads column shards in lock-step with the untouched input")
  func columns() throws {
    let folder = try withMasks("format: columns")
    let result = try run(
      Repository.python,
      [
        Repository.oracle("read_columns.py"), folder.path + "/in", folder.path + "/out",
        folder.path + "/tars",
      ])
    #expect(result.status == 0 && result.output.hasSuffix(" 497\n"), "\(result.output)\(result.errors)")
  }
}
