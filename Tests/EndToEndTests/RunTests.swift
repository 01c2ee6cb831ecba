import Foundation
import Testing

@Suite struct RunTests {
  @Test(
    "run publishes every accepted sample: webdataset finds the same keys and bytes, Pillow the same thumbnails"
  )
  func samples() throws {
    let folder = try TemporaryFolder()
    let recipe = try folder.addSamples()
    let result = try tamis("run", recipe)
    #expect(result.status == 0, "\(result.errors)")
    #expect(result.output.contains("Read 500 samples from 4 shards: 497 accepted."))
    for code in ["no_image", "not_an_image", "truncated_image"] {
      #expect(result.output.contains(code))
      #expect(result.errors.contains(": \(code): "))
    }
    let paths = (input: folder.path + "/in", out: folder.path + "/out", workspace: folder.path + "/.tamis")
    let read = try run(
      Repository.python, [Repository.oracle("webdataset_reads.py"), paths.input, paths.out, paths.workspace])
    #expect(read.output == "497\n", "\(read.errors)")
    let pixels = try run(
      Repository.python, [Repository.oracle("pillow_thumbnails.py"), paths.input, paths.workspace, "32"])
    #expect(pixels.output == "497\n", "\(pixels.errors)")
  }

  @Test("a second run does nothing and says so; --strict exits 1 on rejects")
  func secondRun() throws {
    let folder = try TemporaryFolder()
    let recipe = try folder.addSamples()
    #expect(try tamis("run", recipe, "-q", "--strict").status == 1)
    let before = folder.files("out")
    let again = try tamis("run", recipe)
    #expect(again.status == 0)
    #expect(again.output.hasPrefix("Nothing to do"))
    #expect(folder.files("out") == before)
  }

  @Test("an added shard is ingested alone")
  func addedShard() throws {
    let folder = try TemporaryFolder()
    let recipe = try folder.addSamples()
    let last = try #require(folder.data("in/00003.tar"))
    try FileManager.default.removeItem(atPath: folder.path + "/in/00003.tar")
    #expect(try tamis("run", recipe, "-q").status == 0)
    try folder.write("in/00003.tar", last)
    let result = try tamis("run", recipe)
    #expect(result.output.contains("(3 shards known from before.)"))
    let whole = try TemporaryFolder()
    #expect(try tamis("run", try whole.addSamples(), "-q").status == 0)
    #expect(folder.files("out") == whole.files("out"))
    #expect(folder.files(".tamis/columns") == whole.files(".tamis/columns"))
  }

  @Test("a workspace publishes its own output afresh; another workspace's is refused without --replace")
  func replace() throws {
    let folder = try TemporaryFolder()
    let recipe = try folder.addSamples()
    #expect(try tamis("run", recipe, "-q").status == 0)
    let before = folder.files("out")
    let other = try folder.addSamples(publish: ", order: key")
    let refused = try tamis("run", other, "-q", "-w", folder.path + "/ws")
    #expect(refused.status == 2 && refused.errors.contains("--replace"))
    #expect(folder.files("out") == before)
    #expect(try tamis("run", other, "-q").status == 0)
    let after = folder.files("out")
    #expect(after != before)
    #expect(try tamis("run", other, "-q", "-w", folder.path + "/ws", "--replace").status == 0)
    #expect(folder.files("out") == after)
  }

  @Test(
    "a damaged output or column is made again",
    arguments: ["out/00001.tar", "out/sizes.json", ".tamis/columns/00002/samples.npy"])
  func repair(file: String) throws {
    let folder = try TemporaryFolder()
    let recipe = try folder.addSamples()
    #expect(try tamis("run", recipe, "-q").status == 0)
    let (out, columns) = (folder.files("out"), folder.files(".tamis/columns"))
    try FileManager.default.removeItem(atPath: folder.path + "/" + file)
    #expect(try tamis("run", recipe, "-q").status == 0)
    #expect(folder.files("out") == out)
    #expect(folder.files(".tamis/columns") == columns)
  }

  @Test("one sample is published as it is, with a notice that there is no PCA")
  func oneSample() throws {
    let folder = try TemporaryFolder()
    _ = try folder.addSamples()
    let script =
      "cd '\(folder.path)' && mkdir one && tar xf in/00000.tar 000000001.png 000000001.txt 000000001.jpg 000000001.webp 2>/dev/null; tar cf one/x.tar 000000001.*"
    _ = try run("/bin/sh", ["-c", script])
    let recipe = try folder.write(
      "one.yaml",
      "input: { path: one }\nprune: { concepts: { keep: 0.5 } }\npublish: { path: out1, add: [mask] }")
    let result = try tamis("run", recipe)
    #expect(result.status == 0, "\(result.errors)")
    #expect(result.errors.contains("fewer than 2 samples"))
    #expect(folder.data("out1/__len__") == Data("1".utf8))
  }

  @Test("the bytes depend on neither the thread count nor the order of the shards")
  func orderFree() throws {
    let one = try TemporaryFolder()
    let two = try TemporaryFolder()
    let other = try TemporaryFolder()
    #expect(try tamis("run", try one.addSamples(publish: ", order: key"), "-j", "1", "-q").status == 0)
    #expect(try tamis("run", try two.addSamples(publish: ", order: key"), "-j", "2", "-q").status == 0)
    let names = ["c", "a", "d", "b"]
    #expect(try tamis("run", try other.addSamples(names: names, publish: ", order: key"), "-q").status == 0)
    #expect(one.files("out").count >= 8)
    #expect(one.files("out") == two.files("out"))
    #expect(one.files("out") == other.files("out"))
    #expect(one.files(".tamis/columns") == two.files(".tamis/columns"))
    for (index, name) in names.enumerated() {
      #expect(one.files(".tamis/columns/0000\(index)") == other.files(".tamis/columns/\(name)"))
    }
  }

  @Test("a run killed at any moment and run again ends in the same bytes")
  func killed() throws {
    let whole = try TemporaryFolder()
    #expect(try tamis("run", try whole.addSamples(), "-q").status == 0)
    let folder = try TemporaryFolder()
    let recipe = try folder.addSamples()
    for step in 0..<10 {
      let killed = try run(Repository.tamis, ["run", recipe, "-q"], killAfter: 0.01 + 0.025 * Double(step))
      if killed.status == 0 { break }
      // What is there is whole: OUT appears at once, columns shard by shard.
      let out = folder.files("out")
      #expect(out.isEmpty || out == whole.files("out"))
    }
    #expect(try tamis("run", recipe, "-q").status == 0)
    #expect(folder.files("out") == whole.files("out"))
    #expect(folder.files(".tamis/columns") == whole.files(".tamis/columns"))
    #expect(folder.files(".tamis/quarantine") == whole.files(".tamis/quarantine"))
  }

  @Test("shuffled and compressed output holds the same samples", arguments: ["none", "zstd"])
  func shuffled(compression: String) throws {
    let folder = try TemporaryFolder()
    let recipe = try folder.addSamples(publish: ", compress: \(compression), order: { shuffle: 7 }")
    #expect(try tamis("run", recipe, "-q").status == 0)
    let name = compression == "zstd" ? "00000.tar.zst" : "00000.tar"
    let listed = try tamis("check", folder.path + "/out")
    #expect(listed.status == 0, "\(listed.errors)")
    #expect(listed.output.split(separator: "\n").count == 5)
    let plain = try tamis("cat", folder.path + "/out/" + name)
    #expect(plain.status == 0)
  }
}
