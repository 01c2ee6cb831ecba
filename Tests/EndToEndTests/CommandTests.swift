import Foundation
import Testing

@Suite struct CommandTests {
  private var shard: String { Repository.root + "/samples/shards/00000.tar" }

  @Test("check exits 65 and names shard, offset, member and code")
  func check() throws {
    let result = try tamis("check", Repository.root + "/samples/shards")
    #expect(result.status == 65)
    #expect(result.output.contains("00002: 125 samples, ok"))
    #expect(result.errors.contains(":000000012.jpg: not_an_image: "))
    let lines = try tamis("check", "--json", shard).output.split(separator: "\n")
    let objects = try lines.map { try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any] }
    #expect(objects.last??["samples"] as? Int == 125)
    #expect(objects.first??["code"] as? String == "not_an_image")
  }

  @Test(
    "cat prints plain tar bytes from plain, gzip and zstd; a cut shard exits 65", arguments: ["gzip", "zstd"])
  func cat(tool: String) throws {
    let folder = try TemporaryFolder()
    let plain = try Data(contentsOf: URL(fileURLWithPath: shard))
    let path = try folder.write("x.tar", plain)
    #expect(try run("/usr/bin/env", [tool, "-q", "-k", path]).status == 0)
    let packed = path + (tool == "gzip" ? ".gz" : ".zst")
    let copied = try run("/bin/sh", ["-c", "'\(Repository.tamis)' cat '\(packed)' | cmp - '\(path)'"])
    #expect(copied.status == 0, "\(copied.errors)\(copied.output)")
    let bytes = try Data(contentsOf: URL(fileURLWithPath: packed))
    let cut = try folder.write("cut", bytes.prefix(bytes.count - 100))
    let result = try run("/bin/sh", ["-c", "'\(Repository.tamis)' cat '\(cut)' > '\(folder.path)/part'"])
    #expect(result.status == 65)
    #expect(result.errors.contains("truncated_shard"))
    let part = try #require(folder.data("part"))
    #expect(plain.starts(with: part))
  }

  @Test("the recipe that `recipe init` prints passes `recipe check`")
  func recipeInit() throws {
    let folder = try TemporaryFolder()
    let path = try folder.write("recipe.yaml", try tamis("recipe", "init").output)
    let result = try tamis("recipe", "check", path)
    #expect(result.status == 0, "\(result.errors)")
  }

  @Test("doctor names the libraries and the BLAS kernel")
  func doctor() throws {
    let output = try tamis("doctor").output
    for name in ["libjpeg", "libpng", "libwebp", "libzstd", "OpenBLAS kernel"] {
      #expect(output.contains(name))
    }
  }

  @Test("--log-format json writes one object a line")
  func jsonLog() throws {
    let folder = try TemporaryFolder()
    let result = try tamis("run", try folder.addSamples(), "--log-format", "json")
    let lines = result.errors.split(separator: "\n")
    let objects = try lines.map { try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any] }
    #expect(objects.count > 8)
    #expect(objects.allSatisfy { $0?["ts"] != nil && $0?["level"] != nil && $0?["msg"] != nil })
    #expect(objects.contains { $0?["code"] as? String == "truncated_image" })
  }

  @Test("environment overrides file, flags override both")
  func overrides() throws {
    let folder = try TemporaryFolder()
    let recipe = try folder.addSamples()
    let result = try tamis("run", recipe, "-q", environment: ["TAMIS_PUBLISH_SAMPLES_PER_SHARD": "200"])
    #expect(result.status == 0, "\(result.errors)")
    #expect(folder.files("out").keys.filter { $0.hasSuffix(".tar") }.count == 3)
    let bad = try tamis("run", recipe, "-q", environment: ["TAMIS_LIMITS_MEMORY": "lots"])
    #expect(bad.status == 2 && bad.errors.contains("limits.memory"))
  }
}
