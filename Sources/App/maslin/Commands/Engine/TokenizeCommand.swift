import ArgumentParser
import Foundation
import GGUF
import Inference
import JSON
import Tokenization
import Workstation

/// `maslin tokenize`
struct TokenizeCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "tokenize",
    abstract: "Turns text into token ids, and back.",
    discussion: """
      MODEL is a GGUF file, the name of a registered model, or a tokenizer.json. Without TEXT, standard input is read. \
      Nothing is added in front unless --bos is given; special tokens written in the text are plain text unless \
      --special is given.

      Examples:
        maslin tokenize model.gguf "Hello, world!"
        maslin tokenize tokenizer.json --pieces < contract.sol
        maslin tokenize model.gguf --decode "19923 14 2058 3"
      """)

  @Argument(
    help: "A GGUF file, a registered model, or a tokenizer.json.", completion: .file())
  var model: String

  @Argument(help: "The text (with --decode: the ids); standard input when left out.")
  var text: String?

  @Flag(help: "Turn ids into text.")
  var decode = false

  @Flag(help: "Special tokens written in the text become those tokens.")
  var special = false

  @Flag(help: "Begin with the token that begins texts.")
  var bos = false

  @Flag(help: "Print every token on a line of its own, with its id and text.")
  var pieces = false

  @Flag(help: "Print the number of tokens only.")
  var count = false

  @Flag(help: "Print JSON.")
  var json = false

  @OptionGroup var data: DataOptions

  private static let maximumSize = 1 << 30

  mutating func run() throws {
    let tokenizer = try openTokenizer()
    var output = StandardOutput()
    if decode {
      let ids = try TokenList.read(text ?? "-", from: "the argument")
      if let wrong = ids.first(where: { Int($0) >= tokenizer.vocabulary.count }) {
        throw CommandFailure(
          .badInput,
          "token \(wrong) is not in the vocabulary (0 to \(tokenizer.vocabulary.count - 1))")
      }
      if json {
        try output.write(JSONText.line(["text": .string(tokenizer.decodeText(ids))]))
      } else {
        try output.write(tokenizer.decode(ids))
      }
      return try output.finish()
    }
    let bytes = try text.map { Array($0.utf8) } ?? StandardInput.readAll(limit: Self.maximumSize)
    var ids = tokenizer.encode(bytes: bytes, specialTokens: special ? .parsed : .asText)
    if bos {
      guard let beginning = tokenizer.vocabulary.special.beginning else {
        throw CommandFailure(.badInput, "\(model): no token begins texts in this vocabulary")
      }
      ids.insert(beginning, at: 0)
    }
    if count {
      try output.write(json ? JSONText.line(["count": .integer(ids.count)]) : "\(ids.count)\n")
    } else if json {
      try output.write(
        JSONText.line([
          "tokens": .array(
            ids.map { id in
              .members([
                "id": .integer(Int(id)), "text": .string(tokenizer.decodeText([id])),
                "bytes": .string(Self.hexadecimal(tokenizer.decode([id]))),
              ])
            })
        ]))
    } else if pieces {
      for id in ids {
        try output.write("\(id)\t\(JSONText.string(tokenizer.decodeText([id])))\n")
      }
    } else {
      try output.write(ids.map(String.init).joined(separator: " ") + "\n")
    }
    try output.finish()
  }

  private func openTokenizer() throws -> Tokenizer {
    let path = try ModelLocation(data: data.directory()).path(of: model)
    guard path.hasSuffix(".json") else {
      return Tokenizer(try Vocabulary(try GGUFFile.open(path).metadata))
    }
    let bytes = try InputFile.read(path, limit: Self.maximumSize)
    do {
      return Tokenizer(try Vocabulary(tokenizerJSON: bytes))
    } catch {
      throw CommandFailure(.badInput, "\(path): \(error)")
    }
  }

  private static func hexadecimal(_ bytes: [UInt8]) -> String {
    bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
  }
}
