import Auditing
import Foundation
import JSON
import Testing

/// The JSON writer and reader against Foundation's, and the JSON report against its published schema.
struct ReportJSONTests {
  // MARK: - Writer

  @Test func writesBothStyles() {
    let value = JSONValue.members(["a": 1, "b": [true, nil, "x"], "c": .object([]), "d": []])
    var compact = JSONWriter(style: .compact)
    compact.value(value)
    #expect(compact.text == #"{"a":1,"b":[true,null,"x"],"c":{},"d":[]}"#)
    var indented = JSONWriter()
    indented.value(value)
    #expect(
      indented.text == """
        {
          "a": 1,
          "b": [
            true,
            null,
            "x"
          ],
          "c": {},
          "d": []
        }
        """)
  }

  @Test(arguments: [
    ("\"\\/", #""\"\\/""#), ("\u{8}\t\n\u{C}\r", #""\b\t\n\f\r""#),
    ("\0\u{1F}", #""\u0000\u001f""#),
    ("\u{7F}\u{9B}\u{2028}\u{2029}", #""\u007f\u009b\u2028\u2029""#), ("é你😀", "\"é你😀\""),
  ])
  func escapes(_ text: String, _ expected: String) throws {
    var writer = JSONWriter()
    writer.value(text)
    #expect(writer.text == expected)
    let back = try JSONSerialization.jsonObject(
      with: Data(writer.takeBytes()), options: .fragmentsAllowed)
    #expect(back as? String == text)
  }

  @Test func repairsTextThatIsNoUnicode() throws {
    // Half a surrogate pair, in UTF-16 and as bytes.
    var writer = JSONWriter()
    writer.value(String(decoding: [0x61, 0xD800, 0x62] as [UInt16], as: UTF16.self))
    #expect(writer.text == "\"a\u{FFFD}b\"")
    writer = JSONWriter()
    writer.value(String(decoding: [0x61, 0xED, 0xA0, 0x80, 0x62] as [UInt8], as: UTF8.self))
    #expect(String(validating: Array(writer.text.utf8), as: UTF8.self) != nil)
    #expect(writer.text.hasPrefix("\"a\u{FFFD}"))
  }

  @Test func writesNumbers() {
    for (value, expected) in [
      (0.1, "0.1"), (1e300, "1e+300"), (.nan, "null"), (-.infinity, "null"),
    ] {
      var writer = JSONWriter()
      writer.value(value)
      #expect(writer.text == expected)
    }
    var writer = JSONWriter()
    writer.value(Int.min)
    #expect(writer.text == "-9223372036854775808")
  }

  @Test func canBeTakenInPieces() {
    var writer = JSONWriter(style: .compact)
    var pieces: [UInt8] = []
    writer.array { writer in
      for number in 0..<5 {
        writer.value(number)
        pieces += writer.takeBytes()
      }
    }
    pieces += writer.takeBytes()
    #expect(String(decoding: pieces, as: UTF8.self) == "[0,1,2,3,4]")
  }

  // MARK: - Reader

  private static func randomValue(_ numbers: inout SeededNumbers, depth: Int) -> JSONValue {
    switch Int.random(in: 0..<(depth > 4 ? 5 : 7), using: &numbers) {
    case 0: return .null
    case 1: return .bool(Bool.random(using: &numbers))
    case 2: return .integer(Int.random(in: .min ... .max, using: &numbers))
    case 3: return .number(Double.random(in: -1e9...1e9, using: &numbers) + 0.5)
    case 4:
      let scalars = (0..<Int.random(in: 0...8, using: &numbers)).compactMap { _ in
        Unicode.Scalar(UInt32.random(in: 0...0x1_FFFF, using: &numbers))
      }
      return .string(String(String.UnicodeScalarView(scalars)))
    case 5:
      return .array(
        (0..<Int.random(in: 0...4, using: &numbers)).map { _ in
          randomValue(&numbers, depth: depth + 1)
        })
    default:
      return .object(
        (0..<Int.random(in: 0...4, using: &numbers)).map { index in
          JSONMember(name: "k\(index)\u{1}", value: randomValue(&numbers, depth: depth + 1))
        })
    }
  }

  @Test func readsWhatItWrites() throws {
    let seed = UInt64.random(in: .min ... .max)
    var numbers = SeededNumbers(seed: seed)
    for _ in 0..<500 {
      let value = ReportJSONTests.randomValue(&numbers, depth: 0)
      for style in [JSONWriter.Style.compact, .indented] {
        var writer = JSONWriter(style: style)
        writer.value(value)
        let bytes = writer.takeBytes()
        #expect(try JSONParser.parse(bytes) == value, "seed \(seed)")
        #expect(throws: Never.self, "seed \(seed)") {
          try JSONSerialization.jsonObject(with: Data(bytes), options: .fragmentsAllowed)
        }
      }
    }
  }

  @Test(arguments: [
    #""\ud83d\ude00""#, #""\u00e9\/""#, "-0", "1e3", "0.5E-2", "[ ]", " {\"a\" : [1 , 2]} \n",
  ])
  func agreesWithFoundation(_ text: String) throws {
    let bytes = Array(text.utf8)
    let value = try JSONParser.parse(bytes)
    let other = try JSONSerialization.jsonObject(with: Data(bytes), options: .fragmentsAllowed)
    var writer = JSONWriter(style: .compact)
    writer.value(value)
    let again = try JSONSerialization.jsonObject(
      with: Data(writer.takeBytes()), options: .fragmentsAllowed)
    #expect((other as! NSObject).isEqual(again))
  }

  @Test(arguments: [
    "", " ", "{", "[1,]", "{\"a\"}", "{\"a\":}", "{a:1}", "[1 2]", "01", "-", "1.", "1e", ".5",
    "+1", "nul",
    "truee", "\"", "\"\\x\"", "\"\\u12\"", "\"\\ud800\"", "\"\\ud800\\u0041\"", "\"\\udc00\"",
    "\"\n\"", "'a'",
    "1e999", "[1]]", "NaN", "{\"a\":1,}",
  ])
  func refuses(_ text: String) {
    #expect(throws: JSONError.self) { try JSONParser.parse(Array(text.utf8)) }
  }

  @Test func refusesInvalidUTF8() {
    #expect(throws: JSONError.self) { try JSONParser.parse([0x22, 0xFF, 0x22]) }
  }

  @Test func boundsNesting() throws {
    let good = String(repeating: "[", count: 200) + String(repeating: "]", count: 200)
    #expect(throws: Never.self) { try JSONParser.parse(Array(good.utf8)) }
    let bad = String(repeating: "[", count: 202) + String(repeating: "]", count: 202)
    #expect(throws: JSONError.self) { try JSONParser.parse(Array(bad.utf8)) }
  }

  // MARK: - Report

  @Test func followsItsSchema() throws {
    let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent()
    let text = try Data(contentsOf: root.appending(path: "Documentation/schemas/audit.schema.json"))
    let schema = try JSONParser.parse(Array(text))
    let program = try ReportSample.program()
    var request = ReportSample.request(program)
    request.baseline = Baseline(ReportSample.findings(in: program).prefix(1))
    for report in [
      try ReportSample.report(), Audit.run(request), ReportSample.flagged("contract C { }"),
    ] {
      let document = try JSONParser.parse(JSONReport(report).bytes)
      #expect(JSONSchema(root: schema).violations(of: document) == [])
    }
  }

  /// The check above notices what it is meant to notice.
  @Test func schemaCheckNotices() throws {
    let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent()
    let text = try Data(contentsOf: root.appending(path: "Documentation/schemas/audit.schema.json"))
    let schema = JSONSchema(root: try JSONParser.parse(Array(text)))
    let original = JSONReport(try ReportSample.report()).text
    for (from, to) in [
      ("\"severity\": \"high\"", "\"severity\": \"High\""), ("\"column\": 3,", "\"column\": 0,"),
      ("\"isNew\": true", "\"isnew\": true"), ("\"kind\": \"callPath\"", "\"kind\": \"calls\""),
      ("maslin-audit-1", "maslin-audit-2"),
    ] {
      let damaged = original.replacing(from, with: to)
      #expect(damaged != original)
      let document = try JSONParser.parse(Array(damaged.utf8))
      #expect(!schema.violations(of: document).isEmpty, "\(to)")
    }
  }

  @Test func piecesMakeTheWhole() throws {
    let report = try ReportSample.report()
    var pieces: [UInt8] = []
    JSONReport(report).write { pieces += $0 }
    #expect(pieces == JSONReport(report).bytes)
    let parsed = try JSONSerialization.jsonObject(with: Data(pieces)) as? [String: Any]
    #expect((parsed?["findings"] as? [Any])?.count == report.findings.count)
  }
}

/// Checks values against the part of JSON Schema that the published schemas use.
struct JSONSchema {
  let root: JSONValue

  func violations(of value: JSONValue) -> [String] { violations(of: value, root, "$") }

  private func violations(of value: JSONValue, _ schema: JSONValue, _ path: String) -> [String] {
    var result: [String] = []
    for member in schema.objectValue ?? [] {
      let holds: Bool
      switch member.name {
      case "$ref":
        let name = String(member.value.stringValue!.split(separator: "/").last!)
        result += violations(of: value, root["$defs"]![name]!, path)
        holds = true
      case "type":
        let types = member.value.arrayValue ?? [member.value]
        holds = types.contains { type(of: value) == $0.stringValue }
      case "const": holds = value == member.value
      case "enum": holds = member.value.arrayValue!.contains(value)
      case "minimum": holds = value.integerValue.map { $0 >= member.value.integerValue! } ?? true
      case "maximum": holds = value.integerValue.map { $0 <= member.value.integerValue! } ?? true
      case "minItems":
        holds = value.arrayValue.map { $0.count >= member.value.integerValue! } ?? true
      case "pattern":
        let pattern = try! Regex(member.value.stringValue!)
        holds = value.stringValue.map { $0.contains(pattern) } ?? true
      case "required":
        let names = value.objectValue?.map(\.name)
        holds = member.value.arrayValue!.allSatisfy { names?.contains($0.stringValue!) ?? true }
      case "additionalProperties":
        let known = schema["properties"]?.objectValue?.map(\.name) ?? []
        holds = value.objectValue?.allSatisfy { known.contains($0.name) } ?? true
      case "properties":
        for property in value.objectValue ?? [] {
          if let inner = member.value[property.name] {
            result += violations(of: property.value, inner, "\(path).\(property.name)")
          }
        }
        holds = true
      case "items":
        for (index, element) in (value.arrayValue ?? []).enumerated() {
          result += violations(of: element, member.value, "\(path)[\(index)]")
        }
        holds = true
      case "anyOf":
        holds = member.value.arrayValue!.contains { violations(of: value, $0, path).isEmpty }
      case "oneOf":
        holds = member.value.arrayValue!.count { violations(of: value, $0, path).isEmpty } == 1
      case "$schema", "$defs", "title", "description": holds = true
      default: fatalError("the schema uses \(member.name), which this check does not know")
      }
      if !holds { result.append("\(path): \(member.name)") }
    }
    return result
  }

  private func type(of value: JSONValue) -> String {
    switch value {
    case .null: "null"
    case .bool: "boolean"
    case .integer: "integer"
    case .number: "number"
    case .string: "string"
    case .array: "array"
    case .object: "object"
    }
  }
}
