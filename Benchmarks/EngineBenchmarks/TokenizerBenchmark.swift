import Foundation
import JSON
import Tokenization

/// How many megabytes of text a second one core turns into tokens and back.
///
///     EngineBenchmarks tokenizer --vocabulary TOKENIZER.JSON --text FILE [--text FILE ...] [--runs N] [--json]
enum TokenizerBenchmark {
  /// What was measured on one text.
  private struct Measurement {
    var text: String
    var byteCount: Int
    var tokenCount: Int
    /// Seconds, the best of the runs.
    var encoding: Double
    var decoding: Double

    var encodingRate: Double { Double(byteCount) / encoding / 1e6 }
    var decodingRate: Double { Double(byteCount) / decoding / 1e6 }
  }

  private struct Options {
    var vocabulary = ""
    var texts: [String] = []
    var runs = 5
    var isJSON = false

    init(_ arguments: [String]) throws {
      var rest = arguments[...]
      while let name = rest.popFirst() {
        switch name {
        case "--json": isJSON = true
        case "--vocabulary": vocabulary = rest.popFirst() ?? ""
        case "--text": if let path = rest.popFirst() { texts.append(path) }
        case "--runs": runs = max(1, rest.popFirst().flatMap { Int($0) } ?? runs)
        default: throw Misuse(reason: "unknown argument \(name)")
        }
      }
      if vocabulary.isEmpty { throw Misuse(reason: "--vocabulary is missing") }
    }
  }

  private struct Misuse: Error, CustomStringConvertible {
    var reason: String
    var description: String {
      "\(reason); usage: tokenizer --vocabulary TOKENIZER.JSON --text FILE [--runs N] [--json]"
    }
  }

  /// Measures and prints.
  static func run(_ arguments: [String]) throws {
    let options = try Options(arguments)
    let file = Array(try Data(contentsOf: URL(fileURLWithPath: options.vocabulary)))
    var vocabulary: Vocabulary?
    let loading = try seconds { vocabulary = try Vocabulary(tokenizerJSON: file) }
    guard let vocabulary else { return }
    let tokenizer = Tokenizer(vocabulary)
    var texts = try options.texts.map { path in
      (path, Array(try Data(contentsOf: URL(fileURLWithPath: path))))
    }
    texts.append(("one letter, 1 MB", [UInt8](repeating: 0x61, count: 1_000_000)))
    let results = texts.map { measure($0.0, $0.1, tokenizer, runs: options.runs) }
    if options.isJSON {
      printJSON(results, loading: loading, tokenCount: vocabulary.count)
    } else {
      print("\(vocabulary.count) tokens, loaded in \(rounded(loading)) s")
      for result in results {
        print(
          "\(result.text): \(result.byteCount) bytes, \(result.tokenCount) tokens,",
          "encode \(rounded(result.encodingRate)) MB/s,",
          "decode \(rounded(result.decodingRate)) MB/s")
      }
    }
  }

  private static func measure(
    _ name: String, _ bytes: [UInt8], _ tokenizer: Tokenizer, runs: Int
  ) -> Measurement {
    var tokens: [Int32] = []
    var encoding = Double.infinity
    var decoding = Double.infinity
    for _ in 0..<runs {
      encoding = min(encoding, seconds { tokens = tokenizer.encode(bytes: bytes) })
      var text: [UInt8] = []
      decoding = min(decoding, seconds { text = tokenizer.decode(tokens) })
      precondition(text.count >= bytes.count, "a text came back shorter")
    }
    return Measurement(
      text: name, byteCount: bytes.count, tokenCount: tokens.count, encoding: encoding,
      decoding: decoding)
  }

  private static func printJSON(_ results: [Measurement], loading: Double, tokenCount: Int) {
    var writer = JSONWriter()
    writer.object {
      $0.member("tokens", tokenCount)
      $0.member("loading_seconds", .number(loading))
      $0.member("texts") {
        $0.array(of: results) { writer, result in
          writer.object {
            $0.member("text", result.text)
            $0.member("bytes", result.byteCount)
            $0.member("tokens", result.tokenCount)
            $0.member("encode_megabytes_per_second", .number(result.encodingRate))
            $0.member("decode_megabytes_per_second", .number(result.decodingRate))
          }
        }
      }
    }
    print(writer.text)
  }

  private static func seconds(_ work: () throws -> Void) rethrows -> Double {
    let duration = try ContinuousClock().measure(work)
    return Double(duration.components.seconds) + Double(duration.components.attoseconds) / 1e18
  }

  private static func rounded(_ value: Double) -> Double { (value * 100).rounded() / 100 }
}
