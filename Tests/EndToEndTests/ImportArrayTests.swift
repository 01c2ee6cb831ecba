import Foundation
import Testing

@Suite("Arrays in other forms than .npy") struct ImportArrayTests {
  private static let halves = [
    "big.npy", "fortran.npy", "big-fortran.npy", "stored.npz:l14_img", "deflated.npz:l14_img",
    "deflated.npz:l14_img.npy", "columns.npz", "zip64.npz:l14_img", "pool:l14_img", "clip", "clip/",
    "clip/img_emb",
  ]

  private func arrays() throws -> TemporaryFolder {
    let folder = try TemporaryFolder()
    try folder.expectOracle("make_arrays.py", ["prune", folder.path])
    try folder.expectOracle("import_rows.py", ["arrays", folder.path])
    return folder
  }

  private func prune(_ folder: TemporaryFolder, _ arguments: String, to output: String) throws
    -> CommandResult
  {
    let words = arguments.split(separator: " ").map {
      $0.replacingOccurrences(of: "%", with: folder.path)
    }
    return try run(
      Repository.tamis, ["prune", "-q", "-o", "\(folder.path)/\(output)", "--image-embeddings"] + words)
  }

  @Test("Byte order, order of axes, archives, pools and folders: the same bytes as from .npy")
  func forms() throws {
    let folder = try arrays()
    let flags =
      " --dedup-epsilon 0.05 --dedup-clusters 3 --keep 0.4 --clusters 12 --keys %/keys.txt"
    #expect(try prune(folder, "%/image.npy" + flags, to: "expected").status == 0)
    let expected = folder.decisions("expected")
    #expect(expected.count >= 14)
    for form in Self.halves {
      let result = try prune(folder, "%/" + form + flags, to: "found")
      #expect(result.status == 0 && result.errors.isEmpty, "\(form): \(result.errors)")
      #expect(folder.decisions("found") == expected, "\(form)")
    }
    // The same values as Float32 and Float64.
    #expect(try prune(folder, "%/single.npy" + flags, to: "expected").status == 0)
    for form in ["single-big.npy", "single-big-fortran.npy", "double.npy"] {
      #expect(try prune(folder, "%/" + form + flags, to: "found").status == 0)
      #expect(folder.decisions("found") == folder.decisions("expected"), "\(form)")
    }
  }

  @Test("Captions, joint rows and references come in the same forms")
  func otherArrays() throws {
    let folder = try arrays()
    func flags(_ text: String, _ joint: String, _ reference: String) -> String {
      " --score-keep 0.8 --text-embeddings %/\(text) --joint-embeddings %/\(joint) "
        + "--reference-rule near --reference-keep 0.7 --reference %/\(reference)"
    }
    let plain = flags("text.npy", "joint.npy", "reference.npy")
    #expect(try prune(folder, "%/image.npy" + plain, to: "expected").status == 0)
    try folder.write("sets/reference.npy/img_emb/img_emb_0.npy", try #require(folder.data("reference.npy")))
    for text in ["deflated.npz:l14_txt", "pool:l14_txt", "clip", "clip/text_emb"] {
      let result = try prune(
        folder, "%/pool:l14_img" + flags(text, "joint.npy", "sets/reference.npy"), to: "found")
      #expect(result.status == 0, "\(text): \(result.errors)")
      #expect(folder.decisions("found") == folder.decisions("expected"), "\(text)")
    }
  }

  @Test("What is not there, not alike or not read is named")
  func errors() throws {
    let folder = try arrays()
    try folder.write("pool2/x.parquet", "PAR1")
    try folder.write("empty/readme", "nothing")
    try folder.write("mixed/img_emb_0.npy", try #require(folder.data("image.npy")))
    try folder.write("mixed/img_emb_1.npy", try #require(folder.data("text.npy")))
    try folder.write("gap/img_emb/img_emb_1.npy", try #require(folder.data("image.npy")))
    try folder.write("twice/img_emb_0.npy", try #require(folder.data("image.npy")))
    try folder.write("twice/img_emb_00.npy", try #require(folder.data("image.npy")))
    for (argument, status, text) in [
      ("deflated.npz", 65, "%/deflated.npz: which array? it holds l14_img, l14_txt; add :NAME"),
      ("deflated.npz:b32", 65, "%/deflated.npz: no array 'b32': it holds l14_img, l14_txt"),
      ("pool:b32", 65, "%/pool/B.npz: no array 'b32': it holds l14_img, l14_txt"),
      (
        "pool", 2,
        "%/pool: a directory of .npz archives: which array? add :NAME (B.npz holds l14_img, l14_txt)"
      ),
      ("empty:x", 2, "%/empty: there is no .npz archive in it"),
      (
        "empty", 2,
        "%/empty: a directory without .npz archives and without img_emb/img_emb_0.npy"
      ),
      (
        "pool2", 2, "%/pool2: Parquet is not read; give the .npy or .npz files with the embeddings themselves"
      ),
      (
        "pool2/x.parquet", 2,
        "%/pool2/x.parquet: Parquet is not read; give the .npy or .npz files with the embeddings themselves"
      ),
      ("image.npy:x", 65, "%/image.npy: no .npz archive, so there is no array 'x' in it"),
      ("nowhere:x", 2, "%/nowhere:x: no such file"),
      ("mixed", 65, "%/mixed/img_emb_1.npy: rows of 32 values, the others have 48"),
      ("gap", 65, "%/gap/img_emb: part 0 is missing, there is img_emb_1.npy"),
      ("twice", 65, "%/twice: there are two parts of number 0"),
    ] as [(String, Int32, String)] {
      let result = try prune(folder, "%/\(argument) --keep 0.4", to: "new")
      #expect(result.status == status, "\(argument): \(result.errors)")
      #expect(result.errors == "tamis: " + text.replacingOccurrences(of: "%", with: folder.path) + "\n")
    }
    #expect(folder.files("new").isEmpty)
  }

  @Test("Zip bombs are refused for what they claim, or at the first byte too many")
  func bombs() throws {
    let folder = try TemporaryFolder()
    try folder.expectOracle("import_rows.py", ["bombs", folder.path])
    for (name, flags, text) in [
      ("bomb.npz", "--memory 100MiB -j 2", "pruning needs 127.6 MiB, the limit is 100.0 MiB; raise --memory"),
      ("bomb.npz", "--memory 2GiB", "%/bomb.npz: row 0 is zero"),
      (
        "small.npz", "",
        "%/small.npz:rows: 'rows.npy' holds more than the size in the zip directory"
      ),
      (
        "header.npz", "",
        "%/header.npz:rows: too long: the shape (4, 1000) needs 16000 bytes, the file has 20000000"
      ),
    ] {
      let result = try prune(folder, "%/\(name) --keep 0.4 " + flags, to: "new")
      #expect(result.status == (text.hasPrefix("pruning") ? 2 : 65))
      #expect(result.errors == "tamis: " + text.replacingOccurrences(of: "%", with: folder.path) + "\n")
    }
  }
}
