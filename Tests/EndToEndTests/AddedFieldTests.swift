import Foundation
import Testing

/// Fields computed for published samples. `examples/pmae/check.py` works them out again with NumPy.
@Suite struct AddedFieldTests {
  private let everything = "emit: [mask, ratio, coefficients, visible, target]"

  private func recipe(
    _ mask: String, basis: String = "", publish: String = "", add: String = "[mask]"
  ) -> String {
    """
    input: { path: in/ }
    features:
      pca: { size: 16\(basis), mask: { ratio: [0.1, 0.9], seed: 7\(mask.isEmpty ? "" : ", " + mask) } }
      patches: { grid: [4, 6], kind: blocks, ratio: 0.4 }
      image: { encoder: pixels }
    publish: { path: out/, samples_per_shard: 120, add: \(add)\(publish) }

    """
  }

  private func publish(_ text: String, _ arguments: String...) throws -> TemporaryFolder {
    let folder = try TemporaryFolder()
    _ = try folder.addSamples()
    let path = try folder.write("recipe.yaml", text)
    let result = try run(Repository.tamis, ["run", path, "-q"] + arguments)
    #expect(result.status == 0, "\(result.errors)")
    return folder
  }

  private func check(_ folder: TemporaryFolder, _ arguments: String...) throws -> String {
    let script = Repository.root + "/examples/pmae/check.py"
    let result = try run(
      Repository.python, [script, folder.path + "/out", folder.path + "/.tamis"] + arguments)
    #expect(result.status == 0, "\(result.errors)")
    return result.output
  }

  @Test(
    "masks, coefficients, visible images and targets are NumPy's, in any order and on any number of threads")
  func published() throws {
    let order = ", order: { shuffle: 5 }"
    let folder = try publish(recipe(everything, publish: order, add: "[mask, patches]"), "-j", "1")
    #expect(
      try check(folder).hasPrefix(
        "497 samples, coefficients.npy, mask.npy, mask_ratio.npy, patches.npy, target.npy, visible.npy\n"))
    #expect(try tamis("verify", folder.path + "/out").status == 0)
    let two = try publish(recipe(everything, publish: order, add: "[mask, patches]"), "-j", "2")
    #expect(folder.files("out") == two.files("out"))
    // `tamis masks` with the published keys and another epoch.
    let keys = try run(
      Repository.python, [Repository.root + "/examples/pmae/check.py", "--keys", folder.path + "/out"])
    try folder.write("keys.txt", keys.output)
    let later = try tamis(
      "masks", "--pca", folder.path + "/.tamis/models/pca", "--keys", folder.path + "/keys.txt",
      "--ratio-range", "0.1:0.9", "--seed", "7", "--epoch", "3", "-o", folder.path + "/e3.npy")
    #expect(later.status == 0)
    #expect(try check(folder, "--epoch", "3", folder.path + "/e3.npy").contains("those of epoch 3 too"))
  }

  @Test("batch scope, modes, half precision and pixel targets")
  func variants() throws {
    for mask in [
      "scope: batch, batch: 50", "mode: top, rule: reference, target: pixels", "dtype: float16, mode: bottom",
    ] {
      let folder = try publish(recipe(everything + ", " + mask))
      #expect(try check(folder).contains("masks equal NumPy's"), "\(mask)")
    }
  }

  @Test(
    "fields made with every kind of basis are NumPy's",
    arguments: ["separable", "dct", "patch, patch: 4", "truncated, components: 60"])
  func bases(basis: String) throws {
    for mask in ["", ", target: pixels, scope: batch, batch: 50"] {
      let folder = try publish(recipe(everything + mask, basis: ", basis: " + basis))
      let output = try check(folder)
      #expect(output.contains("masks equal NumPy's") && output.contains("visible + masked = z"), "\(output)")
    }
  }

  @Test("emit says what add: [mask] stands for; fields may be named one by one")
  func emit() throws {
    let folder = try publish(recipe("emit: coefficients"))
    #expect(try check(folder).hasPrefix("497 samples, coefficients.npy\n"))
    let other = try publish(recipe("", add: "[coefficients]"))
    for name in ["00000", "00004"] {
      #expect(folder.data("out/\(name).tar") == other.data("out/\(name).tar"))
    }
  }

  @Test("pipe adds the same fields as publish, on any number of threads")
  func pipe() throws {
    let folder = try publish(recipe(everything + ", scope: batch, batch: 30", add: "[mask, patches]"))
    // Without anything to prune, a plan keeps everything.
    let input = folder.path + "/in/00000.tar"
    for jobs in ["1", "2"] {
      let command =
        "'\(Repository.tamis)' pipe --plan '\(folder.path)/.tamis' -j \(jobs) "
        + "--add mask,ratio,coefficients,visible,target,patches < '\(input)' > '\(folder.path)/\(jobs).tar'"
      let result = try run("/bin/sh", ["-c", command])
      #expect(result.status == 0, "\(result.errors)")
    }
    let piped = try #require(folder.data("1.tar"))
    #expect(folder.data("2.tar") == piped)
    // The first published shard holds 120 of the first input shard's 124 samples: the same bytes up to its end.
    let published = try #require(folder.data("out/00000.tar"))
    let length = (published.lastIndex { $0 != 0 } ?? 0)
    #expect(length > 100_000 && piped.prefix(length) == published.prefix(length))
  }

  @Test("a field of the input with the name of an added one becomes input.<name>, and that is told")
  func renamed() throws {
    let folder = try TemporaryFolder()
    _ = try folder.addSamples()
    let recipe = try folder.write("recipe.yaml", recipe(""))
    #expect(try tamis("run", recipe, "-q").status == 0)
    let first = try #require(folder.data("out/00000.tar"))
    // What was published is published again.
    let again = try TemporaryFolder()
    try again.write("in/00000.tar", first)
    let path = try again.write("recipe.yaml", self.recipe(""))
    let result = try tamis("run", path)
    #expect(result.status == 0)
    #expect(
      result.errors.contains("120 samples came with a field mask.npy already: it is input.mask.npy now"),
      "\(result.errors)")
    let listing = try run("/bin/tar", ["tf", again.path + "/out/00000.tar"]).output
    #expect(listing.contains("000000000.input.mask.npy\n") && listing.contains("000000000.mask.npy\n"))
  }

  @Test(
    "a basis that memory cannot hold is refused with the number needed: the fit, and the fields made with it")
  func memory() throws {
    let folder = try TemporaryFolder()
    _ = try folder.addSamples()
    func write(_ limit: String) throws -> String {
      try folder.write(
        "recipe.yaml",
        """
        input: { path: in/ }
        features: { pca: { size: 96, basis: truncated, components: 300, mask: { emit: [mask, visible] } } }
        publish: { path: out/, add: [mask] }
        limits: { memory: \(limit) }

        """)
    }
    let needed =
      /limits.memory: the truncated PCA of 96 x 96 images needs ([\d.]+) MiB, the limit is 64.0 MiB/
    let refused = try tamis("run", try write("64MiB"), "-q")
    #expect(refused.status == 2)
    let number = try #require(refused.errors.firstMatch(of: needed)?.1, "\(refused.errors)")
    // The number is enough; nothing was read before the refusal.
    #expect(folder.data(".tamis/inputs.json") == nil)
    let fitted = try tamis("run", try write("\(number)MiB"), "-q")
    #expect(fitted.status == 0, "\(fitted.errors)")
    // A smaller limit later: the basis is there, 300 x 27 648 numbers of four bytes, and may take half of the limit.
    let stage = try tamis("fit", try write("64MiB"), "-w", folder.path + "/.tamis", "-q")
    #expect(stage.status == 2 && stage.errors.contains(needed), "\(stage.errors)")
    let published = try tamis(
      "publish", try write("64MiB"), "-w", folder.path + "/.tamis", "-o", folder.path + "/new")
    #expect(published.status == 2)
    let fields =
      /limits.memory: fields computed with a basis of 3[\d.]+ MiB need ([\d.]+) MiB, the limit is 64.0 MiB/
    let more = try #require(published.errors.firstMatch(of: fields)?.1, "\(published.errors)")
    let again = try tamis(
      "publish", try write("\(more)MiB"), "-w", folder.path + "/.tamis", "-o", folder.path + "/new", "-q")
    #expect(again.status == 0, "\(again.errors)")
    #expect(folder.data("new/00000.tar") == folder.data("out/00000.tar"))
  }

  @Test("wrong names are refused in words")
  func refusals() throws {
    let folder = try TemporaryFolder()
    _ = try folder.addSamples()
    let path = try folder.write("recipe.yaml", recipe("emit: [mask, thumbnails]", add: "[masks]"))
    let result = try tamis("run", path, "-q")
    #expect(result.status == 2)
    for text in [
      "features.pca.mask.emit: 'thumbnails' is not available", "publish.add: 'masks' is not available",
    ] { #expect(result.errors.contains(text), "\(result.errors)") }
    try folder.write(
      "recipe.yaml", "input: { path: in/ }\npublish: { path: out/, add: [patches] }\n")
    #expect(try tamis("run", path, "-q").errors.contains("'patches' needs features.patches"))
  }
}
