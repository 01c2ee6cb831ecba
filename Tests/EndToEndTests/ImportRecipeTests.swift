import Foundation
import Testing

@Suite("Embeddings from files in a recipe") struct ImportRecipeTests {
  /// The samples, ingested into `ws`, with rows for them in `rows/`.
  private func ingested() throws -> TemporaryFolder {
    let folder = try TemporaryFolder()
    _ = try folder.addSamples()
    #expect(try tamis("ingest", try recipe(folder, image: nil), "-w", folder.path + "/ws", "-q").status == 0)
    try folder.expectOracle("import_rows.py", ["rows", "%/ws", "%/rows"], "497")
    return folder
  }

  @discardableResult
  private func recipe(
    _ folder: TemporaryFolder, image: String?, text: String? = nil, prune: String = "", more: String = ""
  ) throws -> String {
    let features = [("image", image), ("text", text)].compactMap { name, value in
      value.map { "  \(name): { \($0) }\n" }
    }.joined()
    return try folder.write(
      "recipe.yaml",
      "input: { path: in/ }\n" + (features.isEmpty ? "" : "features:\n" + features) + prune + more
        + "publish: { path: out/, samples_per_shard: 100 }\n")
  }

  private func fit(_ folder: TemporaryFolder, _ recipe: String) throws -> CommandResult {
    try tamis("fit", recipe, "-w", folder.path + "/ws")
  }

  private static let pruning =
    "prune: { dedup: { epsilon: 0.05, clusters: 3 }, concepts: { clusters: 12, neighbours: 5, keep: 0.5 } }\n"

  @Test("By row order, in every form: each sample has the row of its place")
  func rowOrder() throws {
    let folder = try ingested()
    for form in [
      "image.npy", "big.npy", "fortran.npy", "single-big-fortran.npy", "double.npy", "stored.npz:l14_img",
      "columns.npz", "zip64.npz:l14_img", "pool:l14_img", "clip",
    ] {
      let result = try fit(folder, try recipe(folder, image: "file: 'rows/\(form)'"))
      #expect(result.status == 0, "\(form): \(result.errors)")
      #expect(result.output == "Embeddings imported: 4 columns.\n")
      try folder.expectOracle(
        "import_rows.py", ["check", "%/ws", "image", "%/rows/image.npy", "%/rows/keys.txt"], "497")
    }
    #expect(folder.files("ws/.import").isEmpty)
    #expect(try tamis("verify", folder.path + "/ws").status == 0)
  }

  @Test("By key, from rows in another order with others among them")
  func keys() throws {
    let folder = try ingested()
    for form in ["shuffled.npy", "shuffled-fortran.npy", "shuffled.npz:img", "shuffled-columns.npz"] {
      let result = try fit(
        folder, try recipe(folder, image: "file: 'rows/\(form)', keys: rows/shuffled.txt"))
      #expect(result.status == 0, "\(form): \(result.errors)")
      #expect(
        result.errors.contains("rows/\(form): 30 of 527 rows belong to no sample and are not used"),
        "\(result.errors)")
      try folder.expectOracle(
        "import_rows.py", ["check", "%/ws", "image", "%/rows/image.npy", "%/rows/keys.txt"], "497")
    }
    // Captions as well, zero rows among them.
    let path = try recipe(
      folder, image: "file: rows/shuffled.npy, keys: rows/shuffled.txt",
      text: "file: 'rows/shuffled.npz:txt', keys: rows/shuffled.txt")
    #expect(try fit(folder, path).output == "Embeddings imported: 8 columns.\n")
    try folder.expectOracle(
      "import_rows.py", ["check", "%/ws", "text", "%/rows/text.npy", "%/rows/keys.txt"], "497")
    let before = try folder.identities("ws/columns")
    #expect(try fit(folder, path).output == "Embeddings: imported before.\n")
    #expect(try folder.identities("ws/columns") == before)
  }

  @Test("A run by key publishes the same bytes as one by row order, and as NumPy's verdicts say")
  func runs() throws {
    let folder = try ingested()
    let ordered = try recipe(folder, image: "file: rows/image.npy", prune: Self.pruning)
    let first = try tamis("run", ordered, "-w", folder.path + "/ws", "-j", "1", "-q")
    #expect(first.status == 0, "\(first.errors)")
    let published = folder.files("out")
    try folder.expectOracle(
      "prune_workspace.py",
      ["%/ws", #"{"dedup":{"epsilon":0.05},"concepts":{"keep":0.5,"neighbours":5}}"#])

    let keyed = try recipe(
      folder, image: "file: 'rows/shuffled.npz:img', keys: rows/shuffled.txt", prune: Self.pruning)
    let second = try tamis(
      "run", keyed, "-w", folder.path + "/other", "-j", "2", "-q", "--replace")
    #expect(second.status == 0, "\(second.errors)")
    #expect(published.count == folder.files("out").count && published["00000.tar"] != nil)
    for (name, data) in published where name.hasSuffix(".tar") { #expect(folder.data("out/" + name) == data) }
    for shard in ["00000", "00001", "00002", "00003"] {
      for file in ["columns/\(shard)/image.npy", "verdicts/\(shard).npy"] {
        #expect(folder.data("ws/" + file) == folder.data("other/" + file) && folder.data("ws/" + file) != nil)
      }
    }
  }

  @Test("Images and captions from files have a score: the dot product of the two rows")
  func scores() throws {
    let folder = try ingested()
    let path = try recipe(
      folder, image: "file: rows/shuffled.npy, keys: rows/shuffled.txt",
      text: "file: rows/caption.npy, keys: rows/keys.txt", prune: "prune: { score: { keep: 0.6 } }\n")
    let result = try tamis("run", path, "-w", folder.path + "/ws", "-q")
    #expect(result.status == 0, "\(result.errors)")
    try folder.expectOracle("import_rows.py", ["scores", "%/ws", "%/rows", "0.6"], "497")
    #expect(try tamis("verify", folder.path + "/ws").status == 0)
    let wrong = try recipe(
      folder, image: "file: rows/image.npy", text: "file: rows/text.npy",
      prune: "prune: { score: { keep: 0.6 } }\n")
    #expect(
      try tamis("fit", wrong, "-w", folder.path + "/ws").errors
        == "tamis: features: image rows of 40 values and caption rows of 24 have no score of image and caption\n"
    )
  }

  @Test("A new shard's rows are added alone; a killed fit goes on")
  func addedShard() throws {
    let folder = try ingested()
    let path = try recipe(folder, image: "file: rows/shuffled.npy, keys: rows/shuffled.txt")
    let last = try #require(folder.data("in/00003.tar"))
    try FileManager.default.removeItem(atPath: folder.path + "/in/00003.tar")
    #expect(try tamis("ingest", path, "-w", folder.path + "/ws", "-q").status == 0)
    #expect(try fit(folder, path).output == "Embeddings imported: 3 columns.\n")
    let before = try folder.identities("ws/columns")
    try folder.write("in/00003.tar", last)
    #expect(try tamis("ingest", path, "-w", folder.path + "/ws", "-q").status == 0)
    // What a kill can leave.
    try folder.write("ws/columns/00003/.image.npy.tmp", "half")
    try folder.write("ws/.import/rows.npy", "half")
    #expect(try fit(folder, path).output == "Embeddings imported: 1 column.\n")
    let after = try folder.identities("ws/columns")
    #expect(before.allSatisfy { after[$0.key] == $0.value })
    #expect(folder.files("ws/.import").isEmpty)
    try folder.expectOracle(
      "import_rows.py", ["check", "%/ws", "image", "%/rows/image.npy", "%/rows/keys.txt"], "497")
  }

  @Test("Rows that are not of unit length are all normalised, with a notice")
  func normalised() throws {
    let folder = try ingested()
    let result = try fit(folder, try recipe(folder, image: "file: rows/long.npy"))
    #expect(result.status == 0)
    #expect(
      result.errors.contains("rows/long.npy: rows normalised, row 0 is the first not of unit length"),
      "\(result.errors)")
    try folder.expectOracle(
      "import_rows.py", ["check", "%/ws", "image", "%/rows/long.npy", "%/rows/keys.txt", "unit"], "497")
  }

  @Test("Rows and keys that do not fit are refused before a column is written")
  func errors() throws {
    let folder = try ingested()
    let before = folder.files("ws/columns")
    let key = String(
      decoding: try #require(folder.data("rows/keys.txt")).split(separator: UInt8(ascii: "\n"))[5],
      as: UTF8.self)
    for (image, status, text) in [
      (
        "file: rows/fewer.npy", 65,
        "%/rows/fewer.npy: 496 rows, but 497 samples were accepted; to match them by name give features.image.keys"
      ),
      (
        "file: rows/fewer.npy, keys: rows/keys.txt", 65,
        "%/rows/keys.txt: more keys than the 496 rows of the file of embeddings"
      ),
      (
        "file: rows/image.npy, keys: rows/fewer.txt", 65,
        "%/rows/fewer.txt: 496 keys, the file of embeddings has 497 rows"
      ),
      (
        "file: rows/image.npy, keys: rows/lacking.txt", 65,
        "%/rows/lacking.txt: 3 of 497 samples have no row; the first is \(key) in shard 00000"
      ),
      ("file: rows/image.npy, keys: rows/twice.txt", 65, "%/rows/twice.txt: lines 5 and 10 are the same key"),
      ("file: rows/image.npy, keys: rows/gap.txt", 65, "%/rows/gap.txt: line 10 is empty, a key is wanted"),
      ("file: rows/image.npy, keys: rows/none.txt", 2, "%/rows/none.txt: no such file"),
      ("file: rows/none.npy", 2, "%/rows/none.npy: no such file"),
      ("file: rows/nan.npy", 65, "%/rows/nan.npy: row 17 holds NaN or an infinity"),
      ("file: rows/zero.npy", 65, "%/rows/zero.npy: row 9 is zero"),
      ("file: rows/zero.npy, keys: rows/keys.txt", 65, "%/rows/zero.npy: row 9 is zero"),
      ("file: rows/hole", 65, "%/rows/hole/img_emb: part 1 is missing, there is img_emb_2.npy"),
      (
        "file: rows/image.npy, encoder: pixels", 2,
        "%/recipe.yaml: features.image.encoder: give either encoder or file"
      ),
    ] as [(String, Int32, String)] {
      let result = try fit(folder, try recipe(folder, image: image))
      #expect(result.status == status, "\(image): \(result.errors)")
      let line = "tamis: " + text.replacingOccurrences(of: "%", with: folder.path) + "\n"
      #expect(result.errors.hasSuffix(line), "\(image): \(result.errors)")
      #expect(folder.files("ws/columns") == before)
    }
    #expect(folder.files("ws/.import").isEmpty)
    // run says so before it reads a shard.
    let path = try recipe(folder, image: "file: rows/none.npy")
    #expect(try tamis("run", path, "-w", folder.path + "/new", "-q").status == 2)
    #expect(folder.files("new").isEmpty)
  }

  @Test("A daemon and a pipe have no rows for new samples and say so")
  func streams() throws {
    let folder = try ingested()
    let path = try recipe(folder, image: "file: \(folder.path)/rows/image.npy", prune: Self.pruning)
    #expect(try tamis("run", path, "-w", folder.path + "/ws", "-q").status == 0)
    let pipe = try tamis("pipe", "--plan", folder.path + "/ws")
    #expect(pipe.status == 2 && pipe.output.isEmpty)
    #expect(
      pipe.errors
        == "tamis: --plan: its embeddings come from a file, which has no rows for new samples; fit it with an encoder\n"
    )
    for (image, text) in [("file: rows/image.npy", nil), (nil, "file: rows/text.npy")] as [(String?, String?)]
    {
      let serve = try tamis(
        "serve", try recipe(folder, image: image, text: text), "-w", folder.path + "/daemon")
      #expect(serve.status == 2)
      #expect(
        serve.errors
          == "tamis: features: embeddings from a file have no rows for shards to come; a stream needs an encoder\n"
      )
    }
  }
}
