import Foundation
import Testing

@Suite struct ArrayPruneTests {
  /// Flags, with `%` for the directory of arrays, and the same for the oracle.
  struct Case: CustomTestStringConvertible {
    var flags: String
    var settings: String
    var testDescription: String { flags }

    init(_ flags: String, _ settings: String) { (self.flags, self.settings) = (flags, settings) }
  }

  static let cases = [
    Case(
      "--dedup-epsilon 0.05 --dedup-clusters 3 --keep 0.4 --clusters 12 --keys %/keys.txt",
      #""names":"keys.txt","dedup":{"epsilon":0.05},"concepts":{"keep":0.4}"#),
    Case(
      "--dedup-keep 0.8 --dedup-rule random --keep-count 77 --rule random --balance 0.5 --temperature 0.02 --seed 9",
      #""seed":9,"dedup":{"keep":0.8,"rule":"random"},"#
        + #""concepts":{"count":77,"rule":"random","balance":0.5,"temperature":0.02}"#),
    Case(
      "--dedup-epsilon 0.05 --dedup-rule easy --dedup-centroids %/dedup_centroids.npy --keep 0.5 --rule easy "
        + "--neighbours 4 --centroids %/centroids.npy --uids %/uids.npy",
      #""names":"uids.npy","dedup":{"epsilon":0.05,"rule":"easy"},"#
        + #""concepts":{"keep":0.5,"rule":"easy","neighbours":4}"#),
    Case(
      "--text-embeddings %/text.npy --joint-embeddings %/joint.npy --score-keep 0.5 --keep 0.5 --clusters 8",
      #""columns":{"text":"text","joint":"joint"},"score":{"keep":0.5},"concepts":{"keep":0.5}"#),
    Case(
      "--text-embeddings %/caption.npy --score-min 0.05 --keys %/keys.txt",
      #""names":"keys.txt","columns":{"text":"caption"},"score":{"minimum":0.05}"#),
    Case(
      "--score-column %/scores.npy --score-keep 0.3 --dedup-epsilon 0.05 --dedup-rule score --keys %/keys.txt",
      #""names":"keys.txt","columns":{"column":"scores"},"score":{"keep":0.3},"dedup":{"epsilon":0.05,"rule":"score"}"#
    ),
    Case(
      "--reference %/reference.npy --reference-rule near --reference-keep 0.7 --keep 0.4 --clusters 10",
      #""reference":{"rule":"near","keep":0.7},"concepts":{"keep":0.4}"#),
    Case(
      "--reference %/reference.npy --reference-rule far --reference-keep 0.25 --uids %/uids.npy",
      #""names":"uids.npy","reference":{"rule":"far","keep":0.25}"#),
    Case(
      "--reference %/reference.npy --reference-rule gap --gap %/gap.npy --dedup-keep 0.9",
      #""reference":{"rule":"gap"},"dedup":{"keep":0.9}"#),
  ]

  @Test("tamis prune on arrays is the NumPy recomputation, whatever the stages and the names of the rows")
  func recomputed() throws {
    let folder = try TemporaryFolder()
    try folder.expectOracle("make_arrays.py", ["prune", folder.path])
    for (index, test) in Self.cases.enumerated() {
      try folder.prune("image", test.flags, to: "out\(index)")
      try folder.expectOracle(
        "prune_arrays.py", ["%", "%/out\(index)", #"{"image":"image",\#(test.settings)}"#])
    }
    // A fraction of nothing: every row is dropped, and no model is fitted.
    try folder.prune("image", "--dedup-keep 0.001 --keep 0.5", to: "none")
    try folder.expectOracle(
      "prune_arrays.py",
      ["%", "%/none", #"{"image":"image","dedup":{"keep":0.001},"concepts":{"keep":0.5}}"#], "0")
    // Rows that are not of unit length are all normalised, with a notice.
    let flags = "--dedup-epsilon 0.05 --keep 0.4 --clusters 12"
    let result = try folder.prune("long", flags, to: "normalised")
    #expect(result.errors.contains("long.npy") || result.errors.contains("normalised"), "\(result.errors)")
    try folder.expectOracle(
      "prune_arrays.py",
      ["%", "%/normalised", #"{"image":"long","dedup":{"epsilon":0.05},"concepts":{"keep":0.4}}"#])
  }

  @Test("given centroids are used as they are")
  func centroids() throws {
    let folder = try TemporaryFolder()
    try folder.expectOracle("make_arrays.py", ["prune", folder.path])
    try folder.prune("image", Self.cases[2].flags, to: "out")
    #expect(folder.data("out/concepts/centroids.npy") == folder.data("centroids.npy"))
    #expect(folder.data("out/dedup/centroids.npy") == folder.data("dedup_centroids.npy"))
  }

  @Test("the same bytes for any number of threads; an earlier result is replaced as a whole")
  func threads() throws {
    let folder = try TemporaryFolder()
    try folder.expectOracle("make_arrays.py", ["prune", folder.path])
    for jobs in ["1", "2", "5"] {
      try folder.prune("image", Self.cases[0].flags + " -j \(jobs)", to: "jobs\(jobs)")
    }
    #expect(folder.files("jobs1").count >= 14)
    #expect(folder.files("jobs1") == folder.files("jobs2"))
    #expect(folder.files("jobs1") == folder.files("jobs5"))
    try folder.prune("image", Self.cases[8].flags, to: "jobs1/")
    #expect(folder.files("jobs1")["concepts"] == nil)
    #expect(folder.data("jobs1/concepts/size.npy") == nil && folder.data("jobs1/dedup/centroids.npy") != nil)
  }
}

extension TemporaryFolder {
  /// `tamis prune` on an array of this folder: `NAME` is NAME.npy, `DIR:NAME` as the command takes it.
  @discardableResult
  func prune(
    _ image: String, _ flags: String, to output: String, sourceLocation: SourceLocation = #_sourceLocation
  ) throws -> CommandResult {
    let words = flags.split(separator: " ").map { $0.replacingOccurrences(of: "%", with: path) }
    let result = try run(
      Repository.tamis,
      ["prune", "--image-embeddings", image.contains(":") ? "\(path)/\(image)" : "\(path)/\(image).npy"]
        + ["-o", "\(path)/\(output)"] + words)
    #expect(result.status == 0, "\(flags): \(result.errors)", sourceLocation: sourceLocation)
    return result
  }
}
