import Foundation
import GGUF
import JSON
import Testing
import Tokenization

/// The files of the fixtures folder. Where they come from is said in its README.
enum TokenizerFixtures {
  static let folder = Bundle.module.bundleURL.appending(path: "Fixtures")

  static func bytes(_ path: String) throws -> [UInt8] {
    Array(try Data(contentsOf: folder.appending(path: path)))
  }

  static func json(_ path: String) throws -> JSONValue { try JSONParser.parse(bytes(path)) }

  static func text(_ path: String) throws -> String {
    String(decoding: try bytes(path), as: UTF8.self)
  }

  /// The tokenizer of a GGUF file of the fixtures.
  static func tokenizer(gguf name: String) throws -> Tokenizer {
    let arrays = try VocabularyArrays(gguf: folder.appending(path: name).path)
    return Tokenizer(try arrays.vocabulary())
  }

  /// The tokenizer of a tokenizer.json of the fixtures.
  static func tokenizer(library name: String) throws -> Tokenizer {
    Tokenizer(try Vocabulary(tokenizerJSON: bytes("library/\(name)/tokenizer.json")))
  }

  static func ids(_ value: JSONValue?) throws -> [Int32] {
    try #require(value?.arrayValue).map { Int32(try #require($0.integerValue)) }
  }
}

/// The arrays of a GGUF file that describe its vocabulary.
struct VocabularyArrays {
  var tokens: [[UInt8]]
  var types: [Int]?
  var merges: [[UInt8]]
  var preTokenizer: String
  var special: Vocabulary.SpecialTokens

  init(gguf path: String) throws {
    let metadata = try GGUFFile.open(path).metadata
    func id(_ name: String) -> Int32? {
      metadata.integer("tokenizer.ggml.\(name)_token_id").flatMap { Int32(exactly: $0) }
    }
    tokens = try #require(metadata.byteStrings("tokenizer.ggml.tokens"))
    types = metadata.integers("tokenizer.ggml.token_type")
    merges = try #require(metadata.byteStrings("tokenizer.ggml.merges"))
    preTokenizer = try #require(metadata.string("tokenizer.ggml.pre"))
    special = Vocabulary.SpecialTokens(
      beginning: id("bos"), end: id("eos"), padding: id("padding"), endOfTurn: id("eot"),
      addsBeginning: metadata.bool("tokenizer.ggml.add_bos_token") ?? false)
  }

  func vocabulary() throws(VocabularyError) -> Vocabulary {
    try Vocabulary(
      tokens: tokens, types: types, merges: merges, preTokenizer: preTokenizer, special: special)
  }
}
