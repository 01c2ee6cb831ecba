import Pipeline
import Shards
import TestSupport
import Testing

@Suite struct JSONFieldsTests {
  /// The values of `json.…` names, in their order.
  private func values(_ text: some Collection<UInt8>, _ names: String...) -> [Double] {
    // Sorted names; slices that do not begin at 0.
    let fields = JSONFields(names)!
    let bytes = [UInt8](repeating: 0x20, count: 3) + text
    let found = fields.values(bytes[3...])
    return names.map { found[fields.names.firstIndex(of: $0)!] }
  }

  private func value(_ text: String, _ name: String = "json.a") -> Double {
    values(Array(text.utf8), name)[0]
  }

  @Test func namesAreTheColumnsThatBeginWithJSON() {
    #expect(JSONFields(["width", "words"]) == nil)
    #expect(JSONFields(["json.b", "width", "json.a.c"])?.names == ["json.a.c", "json.b"])
    #expect(JSONFields(["json.b"])?.type.bytes == 8)
  }

  @Test(
    "numbers and truths have a value",
    arguments: [
      ("{\"a\": 1}", 1), ("{\"a\":-0.5e+2}", -50), (" {\n\"a\"\t:\r0} ", 0),
      ("{\"a\":1E2,\"b\":[1,{\"a\":3}]}", 100),
      ("{\"b\":{\"a\":3},\"a\":2}", 2), ("{\"a\":true}", 1), ("{\"a\":false}", 0), ("{\"a\":1,\"a\":2}", 2),
      ("{\"\\u0061\":4}", 4), ("{\"b\":\"\\\"}{\\\\\",\"a\":5}", 5), ("{\"b\":NaN,\"a\":6}", 6),
      ("{\"a\":Infinity}", .infinity), ("{\"a\":-Infinity}", -.infinity), ("{\"a\":1e999}", .infinity),
      ("{\"a\":123456789012345678901234567890}", 1.2345678901234568e29),
      ("\u{FEFF}{\"a\":7}", 7),
      ("{\"c\":[[],{},[{}]],\"a\":8}", 8), ("{\"a\":{},\"a\":9}", 9), ("{\"é\":\"日本\",\"a\":0.1}", 0.1),
    ])
  func numbers(text: String, value: Double) { #expect(self.value(text) == value, "\(text)") }

  @Test(
    "everything else is NaN: other kinds, what is missing, and what is no JSON object from end to end",
    arguments: [
      "{}", "{\"a\":null}", "{\"a\":\"1\"}", "{\"a\":[1]}", "{\"a\":{\"a\":1}}", "{\"a\":NaN}", "{\"b\":1}",
      "{\"A\":1}",
      "{\"a\":1,\"a\":null}", "{\"a\":1,\"a\":{\"b\":2}}", "{\"aa\":1}", "{\"\\u0161\":1}", "{\"a\\n\":1}",
      "", " ", "1", "[{\"a\":1}]", "null", "{\"a\":1", "{\"a\":1}}", "{\"a\":1},", "{\"a\":1} x",
      "{\"a\":1,}", "{,\"a\":1}",
      "{\"a\" 1}", "{a:1}", "{'a':1}", "{\"a\":01}", "{\"a\":1.}", "{\"a\":.5}", "{\"a\":+1}", "{\"a\":1e}",
      "{\"a\":-}",
      "{\"a\":0x10}", "{\"a\":tru}", "{\"a\":truely}", "{\"a\":1,\"b\":\"\\x\"}",
      "{\"a\":1,\"b\":\"\\u12g4\"}",
      "{\"a\":1,\"b\":\"\n\"}", "{\"a\":1,\"b\":\"", "{\"a\":1,\"b\":[1,]}", "{\"a\":1,\"b\":[1}]}",
      "{\"a\":1]",
      "{\"a\":1,\"b\":\"\\", "{\"a\":1,\"b\":\"\\u00", "{\"a\":1 \"b\":2}", "{\"a\":1_000}",
      "{\"a\":infinity}",
    ])
  func nothing(text: String) { #expect(value(text).isNaN, "\(text)") }

  @Test(
    "strings are the bytes between the quotes, the last of equal keys; everything else is none",
    arguments: [
      ("{\"a\":\"x\"}", "x"), ("{\"a\":\"\"}", ""), ("{\"a\":\"x\",\"a\":\"y\"}", "y"),
      ("{\"a\":\"\\n\"}", "\\n"),
      ("{\"b\":{\"a\":\"z\"},\"a\":\"é\"}", "é"), ("{\"a\":\"x\",\"a\":1}", nil), ("{\"a\":[\"x\"]}", nil),
      ("{\"a\":1}", nil), ("{\"b\":\"x\"}", nil), ("{\"a\":\"x\"", nil), ("{\"a\":{\"a\":\"x\"}}", nil),
    ] as [(String, String?)])
  func strings(text: String, value: String?) {
    let bytes = [0x20, 0x20] + Array(text.utf8)
    let found = JSONFields(["json.a"])!.strings(bytes[2...])[0]
    #expect(found.map { String(decoding: $0, as: UTF8.self) } == value, "\(text)")
  }

  @Test func pathsGoThroughObjects() {
    let text = Array(#"{"m":{"s":1,"t":{"u":2},"x":[{"s":9}]},"s":3,"t":{"u":4}}"#.utf8)
    #expect(values(text, "json.m.s", "json.m.t.u", "json.s", "json.t.u") == [1, 2, 3, 4])
    let none = values(text, "json.m", "json.m.x.s", "json.m.t", "json.s.s")
    #expect(none.count { $0.isNaN } == 4)
    // An equal key takes back what the first gave.
    let twice = values(Array(#"{"m":{"s":1,"t":2},"m":{"t":3}}"#.utf8), "json.m.s", "json.m.t")
    #expect(twice[0].isNaN && twice[1] == 3)
  }

  @Test("deep nesting, long numbers and megabytes of rubbish end, with or without a value")
  func hostile() {
    func nested(_ depth: Int) -> String {
      "{\"b\":" + String(repeating: "[", count: depth) + String(repeating: "]", count: depth) + ",\"a\":1}"
    }
    #expect(value(nested(63)) == 1 && value(nested(64)).isNaN)
    #expect(value("{\"a\":1,\"b\":" + String(repeating: "[", count: 1_000_000)).isNaN)
    #expect(value(String(repeating: "{\"a\":", count: 200_000)).isNaN)
    #expect(value("{\"a\":" + String(repeating: "9", count: 1_000_000) + "}").isNaN)
    #expect(value("{\"a\":2,\"b\":" + String(repeating: "9", count: 1_000_000) + "}") == 2)
    #expect(value("{\"a\":1e" + String(repeating: "9", count: 900) + "}") == .infinity)
    #expect(value("{" + String(repeating: "\"a\":1,", count: 200_000) + "\"a\":5}") == 5)
    #expect(values([UInt8](repeating: 0, count: 1_000_000), "json.a")[0].isNaN)
    // Bytes of strings are not looked at, those outside are.
    #expect(values(Array("{\"b\":\"".utf8) + [0xFF, 0xC0] + Array("\",\"a\":3}".utf8), "json.a") == [3])
    #expect(values(Array("{\"a\":3,".utf8) + [0xFF] + Array("\"b\":1}".utf8), "json.a")[0].isNaN)
    // UTF-16.
    #expect(values("{\"a\":1}".utf16.flatMap { [UInt8($0), 0] }, "json.a")[0].isNaN)
  }

  @Test("changed and cut texts never stop it")
  func mutations() {
    var random = SplitMix(seed: 11)
    let seed = Array(#"{"a":1.5e3,"m":{"s":[true,null,{"u":"\u0061\"x"}],"t":-0},"k":"é"}"#.utf8)
    let fields = JSONFields(["json.a", "json.m.t", "json.m.s.u"])!
    let alphabet = Array("{}[]\",:\\u0eE.-+ntf\u{0} \u{1F}9é".utf8)
    for _ in 0..<50_000 {
      var text = seed
      for _ in 0..<Int.random(in: 0...4, using: &random) {
        let place = Int.random(in: 0..<text.count, using: &random)
        switch Int.random(in: 0..<4, using: &random) {
        case 0: text[place] = alphabet.randomElement(using: &random)!
        case 1: text.insert(alphabet.randomElement(using: &random)!, at: place)
        case 2 where text.count > 1: text.remove(at: place)
        default: text.removeLast(Int.random(in: 0..<text.count, using: &random))
        }
        if text.isEmpty { break }
      }
      #expect(fields.values(text[...]).count == 3)
    }
  }
}
