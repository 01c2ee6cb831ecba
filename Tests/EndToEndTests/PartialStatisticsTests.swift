import Foundation
import Testing

@Suite struct PartialStatisticsTests {
  /// Partial statistics of every piece of a split; returns their directories.
  private func partials(_ folder: TemporaryFolder, split: Int) throws -> [String] {
    let parts = "\(folder.path)/s\(split)"
    let names = try FileManager.default.contentsOfDirectory(atPath: parts).filter { $0.hasSuffix(".npy") }
    return try names.sorted().map { name in
      let directory = "\(parts)/\(name.dropLast(4))"
      let result = try tamis("pca", "--pixels", "\(parts)/\(name)", "--partial", "-o", directory, "-q")
      #expect(result.status == 0, "\(result.errors)")
      return directory
    }
  }

  private func merge(_ parts: [String], _ arguments: String...) throws -> CommandResult {
    try run(Repository.tamis, ["pca", "--merge"] + parts + arguments)
  }

  @Test(
    "Merged partial statistics of any split of 20 000 images are one pass, bit for bit, and NumPy's int64 sums"
  )
  func mergeIsOnePass() throws {
    let folder = try TemporaryFolder()
    try folder.expectOracle("partials.py", ["make", folder.path])
    let whole = folder.path + "/whole"
    #expect(try tamis("pca", "--pixels", "\(whole).npy", "-o", whole, "-q").status == 0)
    #expect(try tamis("pca", "--pixels", "\(whole).npy", "--partial", "-o", "\(whole)-p", "-q").status == 0)
    try folder.expectOracle("partials.py", ["check", "%/whole-p", "%/whole.npy"], "ok 20000")
    let sums = folder.files("whole-p").filter { $0.key != "manifest.json" }
    #expect(sums.count == 3)
    for split in 0..<7 {
      let parts = try partials(folder, split: split)
      let (output, sum) = ("\(folder.path)/m\(split)", "\(folder.path)/m\(split)-p")
      let result = try merge(parts.reversed(), "-o", output)
      #expect(result.output == "192 components of 20000 samples in \(output)\n", "\(result.errors)")
      try folder.expectOracle("partials.py", ["agree", "%/whole", "%/m\(split)"], "ok")
      // In two steps, through a merged part.
      #expect(try merge(Array(parts.dropFirst()), "--partial", "-o", sum, "-q").status == 0)
      let all = try merge([sum, parts[0]], "--partial", "-o", sum)
      #expect(all.output == "partial statistics of 20000 samples in \(sum)\n", "\(all.errors)")
      #expect(folder.files("m\(split)-p").filter { $0.key != "manifest.json" } == sums)
      if split == 0 {
        for (index, size) in [1, 1023, 1024, 1025].enumerated() {
          try folder.expectOracle(
            "partials.py", ["check", "%/s0/p\(index)", "%/s0/p\(index).npy"], "ok \(size)")
        }
      }
    }
    let channel = ["--standardize", "channel", "--components", "7", "-q"]
    let parts = try partials(folder, split: 3)
    #expect(
      try run(Repository.tamis, ["pca", "--merge"] + parts + ["-o", whole + "-c"] + channel).status == 0)
    #expect(
      try run(Repository.tamis, ["pca", "--pixels", whole + ".npy", "-o", whole + "-d"] + channel).status == 0
    )
    try folder.expectOracle("partials.py", ["agree", "%/whole-c", "%/whole-d"], "ok")
  }

  @Test("What cannot be merged is refused by name")
  func refusals() throws {
    let folder = try TemporaryFolder()
    try folder.expectOracle("partials.py", ["make", folder.path])
    for name in ["s0/p1", "s0/p2", "other", "rows"] {
      let path = "\(folder.path)/\(name)"
      #expect(try tamis("pca", "--pixels", path + ".npy", "--partial", "-o", path, "-q").status == 0)
    }
    let (one, two) = (folder.path + "/s0/p1", folder.path + "/s0/p2")
    func expect(_ parts: [String], _ status: Int32, _ text: String, line: Int = #line) throws {
      let result = try merge(parts, "-o", folder.path + "/out")
      #expect(result.status == status && result.errors.contains(text), "\(line): \(result)")
      #expect(folder.files("out").isEmpty)
    }
    try expect([one, one], 65, "would count twice")
    try expect([one, folder.path + "/other"], 65, "is of images of 3 x 4 x 8")
    try expect([one, folder.path + "/rows"], 65, "is of rows of 192 features")
    try expect([one, folder.path + "/nowhere"], 2, "no partial statistics there")
    #expect(try merge([one, two], "--partial", "-o", folder.path + "/both", "-q").status == 0)
    try expect([two, folder.path + "/both"], 65, "would count twice")

    try folder.expectOracle("partials.py", ["broken", one, folder.path])
    let faults: [(String, Int32, String)] = [
      ("no-manifest", 2, "manifest.json is missing"), ("no-sums", 65, "sums.npy: missing"),
      ("text", 65, "not that of partial statistics"), ("offset", 65, "made by another version"),
      ("samples", 65, "do not fit together"), ("cut", 65, "not the file of its manifest"),
      ("flipped", 65, "not the file of its manifest"), ("short", 65, "do not fit together"),
      ("dtype", 65, "do not fit together"), ("negative", 65, "no 8-bit rows have"),
      ("huge", 65, "no 8-bit rows have"), ("sums", 65, "no 8-bit rows have"),
      ("count", 65, "do not fit together"),
    ]
    for (name, status, text) in faults { try expect([two, "\(folder.path)/\(name)"], status, text) }

    let floats = try tamis(
      "pca", "--pixels", folder.path + "/floats.npy", "--partial", "-o", folder.path + "/f")
    #expect(floats.status == 2 && floats.errors.contains("--partial takes '|u1' only"), "\(floats)")
    for arguments in [
      ["--partial"], ["--pixels", "x.npy", "--merge", one],
      ["--merge", one, "--partial", "--components", "3"],
    ] {
      #expect(try run(Repository.tamis, ["pca", "-o", folder.path + "/out"] + arguments).status == 2)
    }
  }
}
