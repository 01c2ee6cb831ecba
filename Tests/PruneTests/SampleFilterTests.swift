import Prune
import Testing

@Test(
  "Filter expressions have the values they have in Python",
  arguments: [
    ("min(a, b) >= 200 and c > 2", [300, 250, 3], true),
    ("min(a, b) >= 200 and c > 2", [300, 150, 3], false),
    ("1 + 2 * 3 == 7", [], true), ("(1 + 2) * 3 == 9", [], true), ("10 - 4 - 3 == 3", [], true),
    ("2 * 7 % 4 == 2", [], true), ("-a + 1 == -4", [5], true), ("- -a == 5", [5], true),
    ("7 / 2 == 3.5", [], true),
    ("not a > 1", [2], false), ("not not a > 1", [2], true), ("!(a > 1) || a == 2", [2], true),
    ("a > 1 or b > 1 and b < 0", [2, 0], true), ("(a > 1 or b > 1) and b < 0", [2, 0], false),
    ("max(a, b, c) - min(a, b, c) <= 4", [3, 7, 5], true), ("abs(a - b) < 0.5", [3, 3.25], true),
    ("sqrt(a) == 3 && floor(b) == 2", [9, 2.9], true), ("a >= 1_000_000", [1e6], true),
    ("a == 1.5e3", [1500], true),
    ("true", [], true), ("false or a != 3", [4], true), ("a <= .5", [0.5], true), ("a*a==a", [1], true),
  ] as [(String, [Double], Bool)])
func filterValues(text: String, values: [Double], expected: Bool) throws {
  let filter = try SampleFilter(text)
  #expect(filter.columns == Array(["a", "b", "c"].prefix(values.count)))
  #expect(filter.keeps(values) == expected)
}

@Test("What is missing passes no comparison")
func filterMissing() throws {
  for text in ["a < 1", "a > 1", "a == a", "a != 1", "min(a, 1) == 1", "max(1, a) == 1", "a + 1 > 0"] {
    #expect(try !SampleFilter(text).keeps([.nan]), "\(text)")
  }
  #expect(try SampleFilter("not a < 1").keeps([.nan]))
}

@Test(
  "A mistake is told with its place",
  arguments: [
    ("width >", 8, "expected a number, a column or (, found the end"), ("", 1, "found the end"),
    ("width > 200 and", 16, "found the end"), ("width = 200", 7, "equal is =="),
    ("min(width, height >= 200", 12, "expected a number, this is a condition"),
    ("width", 1, "expected a condition"),
    ("1 < a < 3", 7, "join two comparisons by and"), ("min() > 1", 1, "min of nothing"),
    ("abs(1, 2) > 1", 1, "abs takes one number, not 2"), ("exp(1) > 1", 1, "unknown function exp"),
    ("a > 1 b", 7, "expected the end, and or or, found b"), ("a > 1)", 6, "found )"),
    ("3a > 1", 1, "not a number"),
    ("(a > 1) + 1 > 1", 1, "expected a number"), ("a and b", 1, "expected a condition"),
    ("a > 'x'", 5, "unexpected '''"),
    ("1.2.3 > a", 1, "not a number: 1.2.3"), ("é > 1", 1, "unexpected 'é'"),
    ("not 1", 5, "expected a condition"),
  ])
func filterMistakes(text: String, position: Int, message: String) {
  let error = #expect(throws: FilterError.self) { try SampleFilter(text) }
  #expect(error?.position == position && error?.message.contains(message) == true, "\(text): \(error!)")
}

@Test("Deep and long expressions are refused, not followed")
func filterLimits() throws {
  let nested = { (n: Int) in String(repeating: "(", count: n) + "a > 1" + String(repeating: ")", count: n) }
  #expect(try SampleFilter(nested(60)).keeps([2]))
  #expect(throws: FilterError.self) { try SampleFilter(nested(1000)) }
  #expect(throws: FilterError.self) { try SampleFilter("a > 1" + String(repeating: " ", count: 5000)) }
  let minuses = String(repeating: "-", count: 4000) + "a < 1"
  #expect(try SampleFilter(minuses).keeps([0]))
  #expect(try SampleFilter(String(repeating: "not ", count: 999) + "a < 1").keeps([2]))
}
