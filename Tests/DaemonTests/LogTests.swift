import Daemon
import Foundation
import Testing

@Suite struct LogTests {
  @Test func linesHaveTheAgreedFieldsInOrder() throws {
    let line = LogLine.json(
      level: "warning", message: "a \"quoted\"\nmessage",
      fields: [
        "code": "truncated_image", "offset": "1024", "key": "k/1", "shard": "00000", "component": "ingest",
        "member": "",
        "dur_ms": "7", "path": "/x",
      ],
      time: Date(timeIntervalSince1970: 1_700_000_000.5))
    #expect(
      line
        == #"{"ts":"2023-11-14T22:13:20.500Z","level":"warning","msg":"a \"quoted\"\nmessage","component":"ingest","#
        + #""shard":"00000","key":"k/1","offset":1024,"code":"truncated_image","dur_ms":7,"path":"/x"}"#)
  }

  /// Read back by Python's json.
  @Test func everythingStaysOneShortLine() throws {
    let nasty = [
      String(repeating: "é", count: 5000), "\u{0}\u{1B}[2J\r\n\u{2028}\u{85}", "\u{FFFD}\\\"/",
      String(repeating: "👩‍👩‍👧", count: 900),
    ]
    let lines = nasty.map {
      LogLine.json(level: "notice", message: $0, fields: ["key": $0, "offset": "1e5"])
    }
    #expect(lines.allSatisfy { !$0.utf8.contains(10) && $0.utf8.count < 8 * LogLine.longest })
    let program = """
      import json, sys
      for line in sys.stdin.buffer.read().split(b"\\n")[:-1]:
          d = json.loads(line); assert d["msg"] == d["key"] and d["offset"] == "1e5"
          print(len(d["msg"].encode()), d["msg"][-1] == "…")
      """
    let told = try output(of: Tools.python, ["-c", program], input: lines.map { $0 + "\n" }.joined())
    let sizes = told.split(separator: "\n").map(String.init)
    #expect(sizes.count == 4)
    #expect(sizes[0] == "1023 True" || sizes[0] == "1024 True")
    #expect(sizes[3].hasSuffix("True"))
    for text in nasty.map(LogLine.text) {
      #expect(text.utf8.count <= 4 * LogLine.longest)
      #expect(!text.unicodeScalars.contains { $0.properties.generalCategory == .control })
    }
    #expect(LogLine.text("a\nb\u{7F}") == "a\\x0ab\\x7f")
    #expect(LogLine.text("plain é") == "plain é")
  }

  @Test func prioritiesAreThoseOfSyslog() {
    let levels = ["critical", "error", "warning", "notice", "info", "debug", "trace"]
    #expect(levels.map(LogLine.priority) == [2, 3, 4, 5, 6, 7, 7])
  }

  @Test func repeatsAreCountedNotShown() {
    var limit = RepeatLimit()
    var shown: [Int: RepeatLimit.Decision] = [:]
    for number in 1...3500 {
      #expect(limit.turn(now: 10).isEmpty)
      let decision = limit.decide("corrupt_image", now: 10)
      if decision != .skip { shown[number] = decision }
    }
    #expect(shown.count == 23)
    #expect(shown[19] == .show && shown[20] == .showLast && shown[3000] == .showCounted(3000))
    #expect(limit.decide("no_image", now: 11) == .show)
    // The next hour starts over and says what was kept back.
    let kept = limit.turn(now: 3600)
    #expect(kept.count == 1 && kept[0].kind == "corrupt_image" && kept[0].count == 3477)
    #expect(limit.turn(now: 3601).isEmpty)
    #expect(limit.decide("corrupt_image", now: 3601) == .show)
  }

  @Test func aRunShowsTheFirstTwentyOnly() {
    var limit = RepeatLimit(every: nil, window: nil)
    let decisions = (1...5000).map { limit.decide("x", now: Double($0 * 100)) }
    #expect(decisions.filter { $0 == .show }.count == 19 && decisions[19] == .showLast)
    #expect(decisions[20...].allSatisfy { $0 == .skip })
    #expect(limit.turn(now: 1e9).isEmpty)
  }

  @Test func manyKindsDoNotPileUp() {
    var limit = RepeatLimit()
    for number in 0..<100_000 { _ = limit.decide("kind \(number)", now: 1) }
    // Numbers make no kinds of their own.
    #expect(
      RepeatLimit.kind(ofText: "00017: taken; 5 done") == RepeatLimit.kind(ofText: "00018: taken; 66 done"))
    #expect(RepeatLimit.kind(ofText: String(repeating: "x", count: 1000)).count == 64)
    #expect(MemoryLayout<RepeatLimit>.size < 200)
  }
}
