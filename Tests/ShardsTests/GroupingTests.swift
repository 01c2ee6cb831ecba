import Foundation
import Shards
import TestSupport
import Testing

/// Grouping against webdataset's own functions, see `oracle/make_groups.py`.
@Suite struct GroupingTests {
  private struct Group: Decodable {
    var key: String
    var fields: [String: String]

    init(from decoder: any Decoder) throws {
      var values = try decoder.unkeyedContainer()
      key = try values.decode(String.self)
      fields = try values.decode([String: String].self)
    }
  }

  @Test(
    "Members fall into the samples that webdataset makes of them: same keys, fields and bytes, same order")
  func webdataset() throws {
    let groups = try JSONDecoder().decode([Group].self, from: Data(golden(bytesOf: "names.json")))
    let result = try readShard(try golden(bytesOf: "names.tar.gz"))
    #expect(result.fault == nil)
    #expect(result.samples.map { String(decoding: $0.storedKey, as: UTF8.self) } == groups.map(\.key))
    var compared = 0
    for (index, (sample, group)) in zip(result.samples, groups).enumerated() {
      // Hostile names reject their sample; what was read of it may be less.
      if sample.fault?.code == .badName { continue }
      #expect(sample.fields.count == group.fields.count, "\(group.key)")
      for field in sample.fields {
        // A field that had to be made safe has a name of its own; its bytes must be there all the same.
        let expected = field.isRenamed ? nil : group.fields[field.name]
        let text = result.text(index, field.name)
        if field.isRenamed {
          #expect(group.fields.values.contains { $0 == text }, "\(field.member)")
        } else {
          #expect(text == expected, "\(field.member)")
        }
        compared += 1
      }
    }
    #expect(compared > 100)
    #expect(Set(result.samples.map(\.key)).count <= groups.count)
  }
}

@Suite struct FieldNameTests {
  private func safe(_ field: String) -> String {
    let bytes = Array(field.utf8)
    return SampleKey.safeField(bytes[...]) { sha256($0) }
  }

  @Test(
    "Fields of plain characters are lower-cased and else stay as they are",
    arguments: [
      ("jpg", "jpg"), ("JPG", "jpg"), ("seg.png", "seg.png"), (".jpg", ".jpg"), ("5.jpg", "5.jpg"),
      ("x_y-z.0", "x_y-z.0"), (String(repeating: "x", count: 98), String(repeating: "x", count: 98)),
    ])
  func plain(field: String, expected: String) { #expect(safe(field) == expected) }

  @Test(
    "Other fields are made safe, and stay different",
    arguments: [
      ("jpg copy", "jpg_copy-"), ("", "_-"), ("jp\u{e9}g", "jp__g-"), ("b c", "b_c-"),
      ("(1).jpg", "_1_.jpg-"), ("__key__", "__key__-"),
      (String(repeating: "x", count: 99), String(repeating: "x", count: 24) + "-"),
    ])
  func odd(field: String, start: String) {
    #expect(safe(field) == start + sha256(field.utf8).prefix(12))
    #expect(safe(field) != safe(field + " "))
  }

  @Test("A sample with an odd field keeps all its bytes; the field says that it was renamed")
  func kept() throws {
    let result = try readShard(tar("b.jpg", "b.jpg copy", "b.", "b.txt"))
    #expect(result.codes == [nil])
    #expect(result.samples[0].fields.map(\.isRenamed) == [false, true, true, false])
    #expect(result.samples[0].fields[1].member == "b.jpg copy")
    #expect(result.text(0, result.samples[0].fields[2].name) == "b.")
  }

  @Test("A long key and a long field do not fit a published name")
  func tooLong() throws {
    var builder = TarBuilder()
    builder.pax([("path", String(repeating: "k", count: 85) + ".jpg copy")])
    builder.add("placeholder.jpg")
    #expect(try readShard(builder.ended()).codes == [.badName])
  }
}
