import Foundation
import Testing

/// `tamis pipe` beside the programs it is put between; `oracle/pipes.py` plays them.
@Suite struct PipeTests {
  private static let shard = Repository.root + "/samples/shards/00000.tar"

  private func python(_ name: String, _ arguments: String..., shard: String = PipeTests.shard) throws
    -> String
  {
    let result = try run(
      Repository.python, [Repository.oracle("pipes.py"), name, Repository.tamis, shard] + arguments)
    #expect(result.status == 0 && result.output.hasPrefix("ok"), "\(result.output)\(result.errors)")
    return result.output
  }

  @Test("With half of the input there, its samples are out; plain and as flushed zstd")
  func half() throws {
    _ = try python("half")
    _ = try python("half", "-j", "1")
    _ = try python("half", "--format", "tar.zst")
  }

  @Test("By a plan too, and with fields that are computed for many samples together")
  func halfByPlan() throws {
    let folder = try TemporaryFolder()
    _ = try folder.addSamples()
    let recipe = try folder.write(
      "recipe.yaml",
      """
      input: { path: in/ }
      features: { pca: { size: 16, mask: { seed: 7 } }, image: { encoder: pixels } }
      prune: { concepts: { keep: 0.6 } }
      publish: { path: out/ }
      """)
    #expect(try tamis("run", recipe, "-q").status == 0)
    let plan = folder.path + "/.tamis"
    _ = try python("half", "--plan", plan, "--add", "mask,embedding")
    _ = try python("half", "--plan", plan, "--add", "mask,coefficients,target")
    _ = try python("half", "--plan", plan, "--add", "mask,coefficients", "--format", "tar.zst")
  }

  @Test("zstd's bytes do not depend on threads, and hold what the plain tar has")
  func compressed() throws {
    let folder = try TemporaryFolder()
    for (name, arguments) in [("1", "-j 1"), ("2", "-j 2")] {
      let command =
        "'\(Repository.tamis)' pipe --format tar.zst \(arguments) < '\(Self.shard)' > '\(folder.path)/\(name)'"
      #expect(try run("/bin/sh", ["-c", command]).status == 0)
    }
    #expect(folder.data("1") == folder.data("2"))
    let same =
      "cd '\(folder.path)' && zstd -dc < 1 > tar && '\(Repository.tamis)' pipe < '\(Self.shard)' | cmp - tar"
    #expect(try run("/bin/sh", ["-c", same]).status == 0)
  }

  @Test("When the reader goes, so does the pipe: 141 and no word")
  func readerGone() throws { _ = try python("gone") }

  @Test("When reading fails, the whole samples go out; 74, and the report says it")
  func readFails() throws {
    let folder = try TemporaryFolder()
    let output = try python("failed", folder.path + "/report.json")
    #expect(output.contains(#""fault" : "stdin: read: Connection reset by peer""#), "\(output)")
    _ = try python("broken", folder.path + "/broken.json")
  }

  @Test("An input that cannot be read at all, and one that is empty")
  func noInput() throws {
    let folder = try TemporaryFolder()
    for (input, status, message) in [
      (folder.path, 74, "tamis: stdin: read: Is a directory"),
      ("/dev/null", 65, "tamis: stdin:0:-: truncated_shard: "),
    ] {
      let command =
        "'\(Repository.tamis)' pipe --report '\(folder.path)/r.json' < '\(input)' > '\(folder.path)/out.tar'"
      let result = try run("/bin/sh", ["-c", command])
      #expect(result.status == status && result.errors.hasPrefix(message), "\(result)")
      // A tar without members.
      #expect(folder.data("out.tar") == Data(count: 10_240))
      let report = String(decoding: folder.data("r.json") ?? Data(), as: UTF8.self)
      #expect(report.contains(#""samples" : 0"#) && report.contains(#""fault" : "stdin"#), "\(report)")
    }
  }

  @Test("The report of an input that was cut counts what came before")
  func cutReport() throws {
    let folder = try TemporaryFolder()
    let command =
      "head -c 700000 '\(Self.shard)' | '\(Repository.tamis)' pipe --report '\(folder.path)/r.json'"
    let result = try run("/bin/sh", ["-c", command + " > '\(folder.path)/out.tar'"])
    #expect(result.status == 65)
    let report = try #require(
      try JSONSerialization.jsonObject(with: folder.data("r.json") ?? Data()) as? [String: Any])
    let kept = try #require(report["kept"] as? Int)
    #expect((report["fault"] as? String)?.hasPrefix("stdin:700000:") == true)
    #expect(try tamis("check", folder.path + "/out.tar").output == "out: \(kept) samples, ok\n")
  }

  @Test("A terminal on either side is refused")
  func terminals() throws { _ = try python("terminal") }

  @Test("Slow neighbours whose descriptors do not block lose nothing")
  func slow() throws { _ = try python("slow") }

  @Test("webdataset reads a pipe: URL, and may stop in the middle")
  func webdataset() throws { _ = try python("webdataset") }

  @Test(
    "The forms of docs/pipe.md: a copy from and to elsewhere, and one process for each path on standard input"
  )
  func documentedForms() throws {
    let folder = try TemporaryFolder()
    let environment = [
      "PATH": URL(fileURLWithPath: Repository.tamis).deletingLastPathComponent().path + ":/usr/bin:/bin",
      "SHARDS": Repository.root + "/samples/shards", "OUT": folder.path,
    ]
    let copy = "set -o pipefail; cat $SHARDS/00000.tar | tamis pipe | cat > $OUT/copy.tar"
    #expect(try run("/bin/bash", ["-c", copy], environment: environment).status == 0)
    let paths = """
      printf '%s\\n' $SHARDS/00000.tar $SHARDS/00003.tar | while read -r path; do
        out="$OUT/$(basename "$path")"
        tamis pipe --report "$out.json" < "$path" > "$out.tmp" && mv "$out.tmp" "$out" && echo "$out"
      done
      """
    let lines = try run("/bin/bash", ["-c", paths], environment: environment)
    #expect(lines.output.split(separator: "\n").count == 2, "\(lines)")
    #expect(folder.data("00000.tar") == folder.data("copy.tar"))
  }
}
