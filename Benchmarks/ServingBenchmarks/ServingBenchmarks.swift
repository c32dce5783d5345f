import Foundation
import GGUF
import Inference
import Tokenization

/// Measurements of the server's parts: `ServingBenchmarks PART [options]`.
@main
struct ServingBenchmarks {
  static func main() {
    // A server that ends while it is asked must not end the measurement without a word.
    signal(SIGPIPE, SIG_IGN)
    let arguments = Array(CommandLine.arguments.dropFirst())
    let rest = Array(arguments.dropFirst())
    do {
      switch arguments.first {
      case "server": try ServerBenchmark.run(rest)
      case "constraints":
        let files = rest.filter { $0 != "--json" }
        guard files.count <= 1 else { throw BenchmarkFailure("one model file at most") }
        try ConstraintBenchmark.run(
          json: rest.contains("--json"), vocabulary: try files.first.map(vocabulary))
      default:
        report(
          """
          usage: ServingBenchmarks PART [options]
            server       `maslin serve`: overhead against decoding in process, cached prompts, several clients
            constraints  token masks of grammars, with the vocabulary of a model file or a made up one of 129,280
                         tokens, against one pass over the vocabulary
          """)
        exit(2)
      }
    } catch {
      report("\(error)")
      exit(2)
    }
  }

  private static func vocabulary(_ path: String) throws -> [[UInt8]] {
    let vocabulary = try Vocabulary(GGUFFile.open(path).metadata)
    return (0..<Int32(vocabulary.count)).map { Array(vocabulary.bytes(of: $0)) }
  }

  private static func report(_ message: String) {
    FileHandle.standardError.write(Data("\(message)\n".utf8))
  }
}

/// A command line that cannot be understood, or a measurement that cannot be made.
struct BenchmarkFailure: Error, CustomStringConvertible {
  let description: String
  init(_ description: String) { self.description = description }
}
