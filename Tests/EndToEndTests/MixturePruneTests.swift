import Foundation
import Testing

/// 20 000 × 64 rows of a mixture with given centroids: every verdict beside NumPy's, and the same for any order of the
/// rows, split and number of threads.
@Suite struct MixturePruneTests {
  private static let given = "--centroids %/centroids.npy --dedup-centroids %/dedup_centroids.npy"
  private static let scored = "--dedup-epsilon 0.07 --score-keep 0.9 --keep 0.4 " + given

  @Test("20 000 rows: verdicts are NumPy's, whatever the rules")
  func recomputed() throws {
    let folder = try TemporaryFolder()
    try folder.expectOracle("make_arrays.py", ["mixture", folder.path])
    let captions = "--text-embeddings %/text.npy --joint-embeddings %/joint.npy"
    let cases: [(flags: String, settings: String)] = [
      (
        "\(Self.scored) \(captions) --keys %/keys.txt",
        #""names":"keys.txt","dedup":{"epsilon":0.07},"columns":{"text":"text","joint":"joint"},"#
          + #""score":{"keep":0.9},"concepts":{"keep":0.4}"#
      ),
      (
        "--dedup-keep 0.85 --dedup-rule random --reference %/reference.npy --reference-rule near "
          + "--reference-keep 0.8 --keep-count 5000 --rule random --balance 0.3 --seed 3 \(Self.given)",
        #""seed":3,"dedup":{"keep":0.85,"rule":"random"},"reference":{"rule":"near","keep":0.8},"#
          + #""concepts":{"count":5000,"rule":"random","balance":0.3}"#
      ),
      (
        "--reference %/reference.npy --reference-rule gap --gap %/gap.npy --keep 0.5 --rule easy "
          + "--temperature 0.02 --centroids %/centroids.npy --keys %/keys.txt",
        #""names":"keys.txt","reference":{"rule":"gap"},"concepts":{"keep":0.5,"rule":"easy","temperature":0.02}"#
      ),
      (
        "--dedup-keep 0.7 --keep 0.3 --quotas uniform \(Self.given)",
        #""dedup":{"keep":0.7},"concepts":{"keep":0.3,"quotas":"uniform"}"#
      ),
      (
        "--keep 0.3 --quotas size --rule random --centroids %/centroids.npy",
        #""concepts":{"keep":0.3,"quotas":"size","rule":"random"}"#
      ),
      (
        "--keep-count 3000 --official --centroids %/centroids_spare.npy",
        #""concepts":{"count":3000,"official":true}"#
      ),
      (
        "--reference %/reference.npy --reference-rule far --reference-keep 0.3",
        #""reference":{"rule":"far","keep":0.3}"#
      ),
    ]
    for (index, test) in cases.enumerated() {
      try folder.prune("image", test.flags, to: "out\(index)")
      try folder.expectOracle(
        "prune_arrays.py", ["%", "%/out\(index)", #"{"image":"image",\#(test.settings)}"#])
    }
  }

  @Test("20 000 rows: order, split and threads change nothing, with k-means and without")
  func orderFree() throws {
    let folder = try TemporaryFolder()
    try folder.expectOracle("make_arrays.py", ["mixture", folder.path])
    let fitted = "--dedup-epsilon 0.07 --score-keep 0.9 --keep 0.4 --clusters 20 --iterations 5"
    for (index, flags) in [Self.scored, fitted].enumerated() {
      func prune(_ image: String, _ source: (String) -> String, _ keys: String, _ jobs: Int, _ out: String)
        throws
      {
        let captions = "--text-embeddings \(source("text")) --joint-embeddings \(source("joint"))"
        try folder.prune(image, "\(flags) \(captions) --keys %/\(keys).txt -j \(jobs)", to: out)
      }
      let outputs = ["one", "two", "split", "moved"].map { "\($0)\(index)" }
      try prune("image", { "%/\($0).npy" }, "keys", 1, outputs[0])
      try prune("image", { "%/\($0).npy" }, "keys", 2, outputs[1])
      try prune("pool:image", { "%/pool:\($0)" }, "keys", 2, outputs[2])
      try prune("image_moved", { "%/\($0)_moved.npy" }, "keys_moved", 2, outputs[3])
      let files = outputs.map { folder.decisions($0) }
      #expect(files[0].count >= 14 && files[0] == files[1] && files[0] == files[2])
      let models = files.map { $0.filter { $0.key.contains("/") } }
      #expect(models[0] == models[3])
      try folder.expectOracle("moved_verdicts.py", ["%/order.npy", "%/\(outputs[0])", "%/\(outputs[3])"])
    }
  }
}
