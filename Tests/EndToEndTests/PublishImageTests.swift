import Foundation
import Testing

/// `oracle/publish_images.py` makes the pictures and, with Pillow, what is to become of them.
@Suite("Published pictures") struct PublishImageTests {
  /// A folder with crafted shards that are ingested.
  private func ingested(_ decode: String = "", pictures: String = "make") throws -> TemporaryFolder {
    let folder = try TemporaryFolder()
    try folder.expectOracle("publish_images.py", [pictures, "%/in"])
    try publish("path: none/", decode, in: folder, command: "ingest")
    return folder
  }

  private func publish(
    _ publish: String, _ decode: String = "", in folder: TemporaryFolder, command: String = "publish",
    jobs: Int = 2
  ) throws {
    let recipe = try folder.write(
      "recipe.yaml", "input: { path: in/ }\npublish: { \(publish) }\n\(decode)")
    let result = try tamis(command, recipe, "-w", folder.path + "/ws", "-j", "\(jobs)", "-q")
    #expect(result.status == 0, "\(publish): \(result.errors)")
  }

  /// Publishes with these settings and compares; `expected` is the number of samples and of those whose bytes stay.
  private func check(_ settings: [String], _ expected: String, in folder: TemporaryFolder) throws {
    let keys = settings.map { $0.replacingOccurrences(of: "=", with: ": ") }.joined(separator: ", ")
    try publish("path: out/, samples_per_shard: 25, \(keys)", in: folder)
    try folder.expectOracle("publish_images.py", ["check", "%/in", "%/out"] + settings, expected)
  }

  @Test("Every mode gives Pillow's pixels, bit for bit; bytes that are what is asked for stay")
  func modes() throws {
    let folder = try ingested()
    for (mode, kept) in [
      ("border", "60 1"), ("keep_ratio", "60 1"), ("keep_ratio_largest", "60 3"), ("center_crop", "60 1"),
      ("no", "60 0"),
    ] {
      let settings = ["image=resize", "resize_mode=\(mode)", "image_size=64"]
      try check(settings + ["encode_format=png"], kept, in: folder)
    }
    for (mode, kept) in [
      ("border", "60 7"), ("keep_ratio", "60 9"), ("keep_ratio_largest", "60 7"), ("center_crop", "60 9"),
    ] {
      let settings = ["image=resize", "resize_mode=\(mode)", "image_size=97", "resize_only_if_bigger=true"]
      try check(settings + ["encode_format=png", "resize_filter=lanczos"], kept, in: folder)
    }
  }

  @Test("A JPEG holds what Pillow's own encoder makes of the same pixels")
  func jpeg() throws {
    let folder = try ingested()
    try check(["image=resize"], "60 0", in: folder)
    for (settings, kept) in [
      (["resize_mode=no", "encode_quality=40"], "60 0"),
      (["resize_mode=keep_ratio", "image_size=33", "resize_filter=box"], "60 1"),
      (["resize_mode=keep_ratio_largest", "image_size=128", "resize_only_if_bigger=true"], "60 9"),
      (["resize_mode=center_crop", "image_size=50", "resize_filter=bilinear", "encode_quality=100"], "60 0"),
    ] {
      try check(["image=resize"] + settings, kept, in: folder)
    }
  }

  @Test("Raw pixels are arrays, upright, of their own size unless one is asked for")
  func raw() throws {
    let folder = try ingested()
    try check(["image=raw"], "60 0", in: folder)
    try check(["image=raw", "image_size=80", "resize_mode=center_crop"], "60 0", in: folder)
  }

  @Test("Pictures are turned only where they are looked at upright")
  func unturned() throws {
    let decode = "decode: { apply_orientation: false }\n"
    let folder = try ingested(decode)
    let settings = ["image=resize", "image_size=96", "resize_mode=keep_ratio", "encode_format=png"]
    let keys = settings.map { $0.replacingOccurrences(of: "=", with: ": ") }.joined(separator: ", ")
    try publish("path: out/, \(keys)", decode, in: folder)
    try folder.expectOracle(
      "publish_images.py", ["check", "%/in", "%/out", "apply_orientation=false"] + settings, "60 2")
  }

  @Test("The same bytes for any number of workers and in any order of work; verify knows them")
  func bits() throws {
    let folder = try ingested()
    for order in ["input", "{ shuffle: 3 }"] {
      let keys =
        "samples_per_shard: 7, order: \(order), image: resize, image_size: 120, resize_mode: center_crop"
      for jobs in [1, 4] {
        try publish("path: out\(jobs)/, \(keys)", in: folder, jobs: jobs)
        #expect(try tamis("verify", folder.path + "/out\(jobs)").status == 0)
      }
      let (one, four) = (folder.files("out1"), folder.files("out4"))
      #expect(one.keys.sorted() == four.keys.sorted() && one.count > 8)
      #expect(one == four)
      for jobs in [1, 4] { try FileManager.default.removeItem(atPath: folder.path + "/out\(jobs)") }
    }
  }

  @Test("MDS holds resized pictures and raw pixels, each with its shape")
  func mds() throws {
    let folder = try ingested()
    for form in ["resize", "raw"] {
      let keys = "image: \(form), image_size: 70, resize_mode: keep_ratio, samples_per_shard: 25"
      try publish("path: \(form)/, format: mds, \(keys)", in: folder)
      try publish("path: tars/, \(keys)", in: folder)
      try folder.expectOracle(
        "publish_images_mds.py", ["%/tars", "%/\(form)"], "60 \(form == "raw" ? "image" : "jpg")")
      try FileManager.default.removeItem(atPath: folder.path + "/tars")
    }
  }

  @Test("A pipe by a plan puts out the pictures in the form of its recipe, on any number of threads")
  func pipe() throws {
    let folder = try ingested()
    let settings = ["image=resize", "resize_mode=center_crop", "image_size=70"]
    let keys = settings.map { $0.replacingOccurrences(of: "=", with: ": ") }.joined(separator: ", ")
    try publish("path: out/, \(keys)", "prune: { filter: 'width > 0' }\n", in: folder, command: "run")
    try folder.write("one/00000.tar", #require(folder.data("in/00000.tar")))
    for jobs in ["1", "3"] {
      let command =
        "mkdir p\(jobs) && '\(Repository.tamis)' pipe --plan ws -j \(jobs) < one/00000.tar > p\(jobs)/00000.tar"
      let result = try run("/bin/sh", ["-c", "cd '\(folder.path)' && " + command])
      #expect(result.status == 0, "\(result.errors)")
    }
    try folder.expectOracle("publish_images.py", ["check", "%/one", "%/p1"] + settings, "30 0")
    #expect(folder.data("p1/00000.tar") == folder.data("p3/00000.tar"))
  }

  @Test("A daemon publishes the pictures in the form of its recipe")
  func daemon() throws {
    let folder = try TemporaryFolder()
    try folder.expectOracle("publish_images.py", ["make", "%/in"])
    let settings = ["image=resize", "resize_mode=keep_ratio_largest", "image_size=70"]
    let keys = settings.map { $0.replacingOccurrences(of: "=", with: ": ") }.joined(separator: ", ")
    let recipe = try folder.write(
      "recipe.yaml",
      "input: { path: in/ }\npublish: { path: out/, samples_per_shard: 25, \(keys) }\ndaemon: { quiet_seconds: 0 }\n"
    )
    let server = try RunningServer(recipe, in: folder)
    try waitUntil { folder.data("out/00001.tar") != nil || !server.process.isRunning }
    #expect(server.end(SIGTERM) == 0)
    try folder.expectOracle("publish_images.py", ["check", "%/in", "%/out"] + settings, "60 0")
    #expect(try tamis("verify", folder.path + "/out").status == 0)
  }

  @Test("Pipe and daemon reject a picture that would become too large, and go on")
  func tooLargeInStreams() throws {
    let folder = try ingested()
    let keys = "path: out/, samples_per_shard: 10, image: resize, resize_mode: keep_ratio, image_size: 220"
    try publish(keys, "prune: { filter: 'width > 0' }\n", in: folder, command: "run")
    try folder.expectOracle("publish_images.py", ["strip", "%/strip"])
    let command = "'\(Repository.tamis)' pipe --plan ws --report report.json < strip/00000.tar > piped.tar"
    let piped = try run("/bin/sh", ["-c", "cd '\(folder.path)' && " + command])
    #expect(piped.status == 0)
    #expect(
      piped.errors.contains("00000.png: pixel_limit: 300 x 1 resized to 66000 x 220 has a side above 65535"))

    let recipe = try folder.write(
      "serve.yaml",
      "input: { path: strip/ }\npublish: { \(keys) }\ndaemon: { quiet_seconds: 0 }\n"
        .replacingOccurrences(of: "out/", with: "streamed/"))
    let server = try RunningServer(recipe, in: folder)
    try waitUntil {
      folder.data(".tamis/columns/00000/manifest.json") != nil || !server.process.isRunning
    }
    #expect(server.end(SIGTERM) == 0)
    let rejects = String(decoding: folder.data(".tamis/columns/00000/rejects.jsonl") ?? Data(), as: UTF8.self)
    #expect(rejects.contains("pixel_limit") && rejects.contains("300 x 1 pixels would become 66000 x 220"))
  }

  @Test("What would become too large is named before anything is written, with what to do about it")
  func tooLarge() throws {
    let folder = try ingested(pictures: "strip")
    let recipe = try folder.write(
      "large.yaml",
      "input: { path: in/ }\npublish: { path: out/, image: resize, resize_mode: keep_ratio, image_size: 256 }\n"
    )
    let result = try tamis("publish", recipe, "-w", folder.path + "/ws", "-q")
    #expect(result.status == 65)
    #expect(
      result.errors.contains("1 of the pictures would become too large, as 00000 of 00000: 300 x 1 pixels"),
      "\(result.errors)")
    #expect(result.errors.contains("76800 x 256") && result.errors.contains("<= 255 * min(width, height)"))
    #expect(!FileManager.default.fileExists(atPath: folder.path + "/out"))
    // The advice helps; a dropped picture is not looked at.
    let filter = "prune: { filter: 'max(width, height) <= 255 * min(width, height)' }\n"
    try FileManager.default.removeItem(atPath: folder.path + "/in")
    try folder.expectOracle("publish_images.py", ["make", "%/in"])
    try folder.expectOracle("publish_images.py", ["strip", "%/more"])
    try FileManager.default.moveItem(
      atPath: folder.path + "/more/00000.tar", toPath: folder.path + "/in/strip.tar")
    let keys = "path: out/, image: resize, resize_mode: keep_ratio, image_size: 256, image_field: jpg"
    let names = "input: { path: in/, keys: prefix }\n"
    let run = try tamis(
      "run", folder.write("filtered.yaml", names + "publish: { \(keys) }\n" + filter), "-w",
      folder.path + "/ws2", "-q")
    #expect(run.status == 0, "\(run.errors)")
    #expect(folder.data("out/__len__") == Data("60".utf8))
  }
}
