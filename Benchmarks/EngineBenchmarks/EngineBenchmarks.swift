import Foundation

/// Measurements of the engine's parts: `EngineBenchmarks PART [options]`.
@main
struct EngineBenchmarks {
  static func main() {
    let arguments = Array(CommandLine.arguments.dropFirst())
    let rest = Array(arguments.dropFirst())
    do {
      switch arguments.first {
      case "kernels": try KernelBenchmark.run(rest)
      case "tokenizer": try TokenizerBenchmark.run(rest)
      case "model": try ModelBenchmark.run(rest)
      default:
        report(
          """
          usage: EngineBenchmarks PART [options]
            kernels    products of quantised weights, against memory and arithmetic limits
            tokenizer  text to tokens and back
            model      whole models, against memory bandwidth and, with --peer, llama.cpp
          """)
        exit(2)
      }
    } catch {
      report("\(error)")
      exit(2)
    }
  }

  private static func report(_ message: String) {
    FileHandle.standardError.write(Data("\(message)\n".utf8))
  }
}
