import CKernels
import Foundation
import JSON
import TensorFormats

/// How fast products of quantised weights with rounded activations run, next to how fast this machine reads memory and
/// multiplies bytes, measured in the same run.
///
///     EngineBenchmarks kernels [--type NAME ...] [--threads N ...] [--columns N ...] [--length N] [--megabytes N]
///                              [--runs N] [--json]
enum KernelBenchmark {
  private struct Misuse: Error, CustomStringConvertible {
    var reason: String
    var description: String {
      "\(reason); usage: kernels [--type NAME ...] [--threads N ...] [--columns N ...]"
        + " [--length N] [--megabytes N] [--runs N] [--json]"
    }
  }

  private struct Options {
    var types: [TensorType] = []
    var threads: [Int] = []
    var columns: [Int] = []
    var length = 4096
    var megabytes = 96
    var runs = 5
    var isJSON = false

    init(_ arguments: [String]) throws {
      var rest = arguments[...]
      while let name = rest.popFirst() {
        if name == "--json" {
          isJSON = true
          continue
        }
        guard let value = rest.popFirst() else { throw Misuse(reason: "\(name) lacks its value") }
        if name == "--type" {
          guard let type = TensorType(name: value) else {
            throw Misuse(reason: "there is no type \(value)")
          }
          types.append(type)
          continue
        }
        guard let number = Int(value), (1...1_000_000).contains(number) else {
          throw Misuse(reason: "\(name) takes a number from 1 to 1000000, not \(value)")
        }
        switch name {
        case "--threads": threads.append(number)
        case "--columns": columns.append(number)
        case "--length": length = number
        case "--megabytes": megabytes = number
        case "--runs": runs = number
        default: throw Misuse(reason: "unknown argument \(name)")
        }
      }
      if types.isEmpty {
        types = [
          .iq2_XXS, .q2_K, .q4_K, .q5_K, .q6_K, .q3_K, .iq2_XS, .iq2_S, .iq3_XXS, .iq3_S,
          .iq4_XS, .q8_0, .q4_0, .mxfp4,
        ]
      }
      if threads.isEmpty { threads = [1, 2] }
      if columns.isEmpty { columns = [1, 4, 32, 256] }
      guard length % 256 == 0 else { throw Misuse(reason: "--length takes a multiple of 256") }
    }
  }

  /// What the machine can do with a number of threads.
  private struct Limits {
    var threads: Int
    /// Bytes read from memory a second.
    var bandwidth: Double
    /// Multiply-adds of bytes a second in registers; 0 where that is not known.
    var products: Double
  }

  private struct Measurement {
    var type: TensorType
    var columns: Int
    var limits: Limits
    /// Bytes of weights and multiply-adds a second.
    var bandwidth: Double
    var products: Double
  }

  /// Measures and prints.
  static func run(_ arguments: [String]) throws {
    let options = try Options(arguments)
    let memory = Memory(bytes: options.megabytes << 20)
    var allLimits: [Limits] = []
    var results: [Measurement] = []
    for threads in options.threads {
      let limits = measureLimits(memory, threads: threads, runs: options.runs)
      allLimits.append(limits)
      if !options.isJSON {
        print(
          "\(threads) threads: memory \(giga(limits.bandwidth)) GB/s,",
          "byte products \(giga(limits.products)) G/s")
      }
      for type in options.types {
        for columns in options.columns {
          guard
            let result = measure(
              type, columns: columns, in: memory, limits: limits, options: options)
          else { continue }
          results.append(result)
          if !options.isJSON { print(line(result)) }
        }
      }
    }
    if options.isJSON { printJSON(allLimits, results) }
  }

  private static func measureLimits(_ memory: Memory, threads: Int, runs: Int) -> Limits {
    let share = memory.count / threads / 64 * 64
    let reading = best(of: runs) {
      inParallel(threads) { thread in
        let words = (memory.start + thread * share).assumingMemoryBound(to: UInt64.self)
        memory.keep(maslin_sum_words(words, share / 8))
      }
    }
    let rounds: UInt64 = 2_000_000
    let multiplying = best(of: runs) {
      inParallel(threads) { _ in memory.keep(maslin_peak_products(rounds)) }
    }
    let products = Double(maslin_peak_products(rounds)) * Double(threads)
    return Limits(
      threads: threads, bandwidth: Double(share * threads) / reading,
      products: products / multiplying)
  }

  private static func measure(
    _ type: TensorType, columns: Int, in memory: Memory, limits: Limits, options: Options
  ) -> Measurement? {
    var kernels = maslin_matmul_kernels()
    let set = maslin_best_instruction_set()
    guard maslin_matmul_kernels_for(type.rawValue, set, &kernels) == 1,
      let quantize = kernels.quantize, let multiply = kernels.matmul,
      let rowBytes = type.byteCount(values: options.length)
    else { return nil }
    // Few columns wait for memory, many for arithmetic: those need no large matrix.
    let most = memory.count / rowBytes / 64 * 64
    let rows = columns >= 16 ? min(most, 2048) : most
    guard rows >= 64 else { return nil }
    memory.fillBlocks(type, count: rows * options.length / type.valuesPerBlock)
    let length = options.length
    let activations = Activations(length: length, columns: columns)
    activations.round(with: quantize)
    let out = Memory(bytes: rows * columns * 4)
    let scratch = Memory(bytes: Int(MASLIN_SCRATCH_BYTES) * limits.threads)
    let share = (rows / limits.threads + 63) / 64 * 64
    let seconds = best(of: options.runs) {
      inParallel(limits.threads) { thread in
        let first = min(rows, thread * share)
        var structure = activations.structure
        multiply(
          memory.start + first * rowBytes, rowBytes, min(rows, first + share) - first, length,
          &structure, columns, out.start.assumingMemoryBound(to: Float.self) + first, rows,
          scratch.start + thread * Int(MASLIN_SCRATCH_BYTES))
      }
    }
    return Measurement(
      type: type, columns: columns, limits: limits,
      bandwidth: Double(rows * rowBytes) / seconds,
      products: Double(rows) * Double(length) * Double(columns) / seconds)
  }

  private static func line(_ result: Measurement) -> String {
    let products = result.limits.products
    let share = products > 0 ? "\(percent(result.products / products)) of products" : ""
    let name = result.type.name.padding(toLength: 8, withPad: " ", startingAt: 0)
    return "\(name) columns \(result.columns): \(giga(result.bandwidth)) GB/s"
      + " (\(percent(result.bandwidth / result.limits.bandwidth)) of memory),"
      + " \(giga(result.products)) GMAC/s \(share)"
  }

  private static func printJSON(_ limits: [Limits], _ results: [Measurement]) {
    var writer = JSONWriter()
    writer.object {
      $0.member("limits") {
        $0.array(of: limits) { writer, limits in
          writer.object {
            $0.member("threads", limits.threads)
            $0.member("bytes_per_second", .number(limits.bandwidth))
            $0.member("byte_products_per_second", .number(limits.products))
          }
        }
      }
      $0.member("kernels") {
        $0.array(of: results) { writer, result in
          writer.object {
            $0.member("type", result.type.name)
            $0.member("threads", result.limits.threads)
            $0.member("columns", result.columns)
            $0.member("bytes_per_second", .number(result.bandwidth))
            $0.member("products_per_second", .number(result.products))
          }
        }
      }
    }
    print(writer.text)
  }

  private static func best(of runs: Int, _ work: () -> Void) -> Double {
    (0..<runs).reduce(.infinity) { least, _ in
      let duration = ContinuousClock().measure(work).components
      return min(least, Double(duration.seconds) + Double(duration.attoseconds) / 1e18)
    }
  }

  private static func inParallel(_ threads: Int, _ work: @Sendable (Int) -> Void) {
    if threads == 1 {
      work(0)
    } else {
      DispatchQueue.concurrentPerform(iterations: threads, execute: work)
    }
  }

  private static func giga(_ value: Double) -> String { String(format: "%.1f", value / 1e9) }
  private static func percent(_ value: Double) -> String { String(format: "%.0f %%", 100 * value) }
}
