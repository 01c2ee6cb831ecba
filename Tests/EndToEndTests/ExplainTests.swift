import Foundation
import Testing

@Suite struct ExplainTests {
  @Test("explain says why each sample was kept, dropped or rejected")
  func reasons() throws {
    let folder = try TemporaryFolder()
    #expect(try tamis("run", folder.addPruning(), "-q").status == 0)
    let workspace = folder.path + "/.tamis"
    // One key of each reason with its numbers, read with NumPy.
    let found = try run(Repository.python, [Repository.oracle("verdict_lines.py"), workspace, "examples"])
    #expect(found.status == 0, "\(found.errors)")
    let rows = found.output.split(separator: "\n").map { $0.split(separator: "\t").map(String.init) }
    #expect(rows.count == 3)
    for row in rows {
      let (reason, key, shard, index) = (row[0], row[1], row[2], row[3])
      let result = try tamis("explain", key, "-w", workspace)
      #expect(result.status == 0 && result.errors.isEmpty, "\(result.errors)")
      let lines = result.output.split(separator: "\n").map(String.init)
      let headline = [
        "0": "kept", "1": "dropped, a near-duplicate", "3": "dropped, its concept's quota is full",
      ]
      #expect(lines[0] == "\(key): \(headline[reason] ?? "?")  (shard \(shard), row \(index))")
      // Similarity and other key, or distance, threshold, size and quota of the concept.
      for number in row[4...] { #expect(result.output.contains(number), "\(number) in \(result.output)") }
      #expect(lines.count == (reason == "1" ? 2 : 4), "\(result.output)")
    }
  }

  @Test("a rejected and an unknown key, and a workspace without verdicts")
  func others() throws {
    let folder = try TemporaryFolder()
    let recipe = try folder.addPruning()
    let workspace = folder.path + "/.tamis"
    #expect(try tamis("ingest", recipe, "-q").status == 0)
    let early = try tamis("explain", "000000000", "-w", workspace)
    #expect(early.output == "000000000: accepted (shard 00000, row 0); no verdict yet, run `tamis prune`\n")
    let rejected = try tamis("explain", "000010001", "-w", workspace)
    #expect(rejected.status == 0)
    #expect(
      rejected.output == """
        000010001: rejected, truncated_image
          00001:4608:000010001.jpg: libjpeg: Premature end of JPEG file

        """)
    let unknown = try tamis("explain", "nobody", "-w", workspace)
    #expect(unknown.status == 2 && unknown.output.isEmpty)
    #expect(unknown.errors == "tamis: nobody: no such key in \(workspace)\n")
    let nowhere = try tamis("explain", "nobody", "-w", folder.path + "/nowhere")
    #expect(nowhere.status == 2 && !FileManager.default.fileExists(atPath: folder.path + "/nowhere"))
  }
}
