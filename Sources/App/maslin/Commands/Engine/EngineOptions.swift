import ArgumentParser
import Foundation
import Inference
import Kernels
import ModelFiles
import ModelServing
import Workstation

/// Where Maslin keeps its data.
struct DataOptions: ParsableArguments {
  @Option(
    name: .customLong("data"),
    help: ArgumentHelp(
      "Maslin's data directory (also: MASLIN_DATA).", valueName: "directory"),
    completion: .directory)
  var dataPath: String?

  /// The directory.
  func directory() throws -> DataDirectory { try DataDirectory(option: dataPath) }
}

/// Whether vectors put into the cache of DeepSeek V4 are rounded as the published model does.
enum CacheRounding: String, ExpressibleByArgument, CaseIterable {
  case auto, on, off
}

/// How a model is run.
struct EngineOptions: ParsableArguments {
  @OptionGroup var data: DataOptions

  @Option(
    name: [.customShort("t"), .long],
    help: "Compute threads (default: the physical performance cores).")
  var threads: Int?

  @Option(
    name: [.customShort("c"), .long],
    help: "Longest conversation in tokens (default: what the model was made for, at most 32768).")
  var context: Int?

  @Option(help: "Tokens taken in at a time; has no influence on results.")
  var chunk: Int = 256

  @Flag(help: "Keep activations in f32 where the fast kernels round them to 8 bits. Slow.")
  var exact = false

  @Flag(
    help: "Run even if the weights do not fit into memory: chosen experts are read as needed.")
  var stream = false

  @Option(
    help: ArgumentHelp(
      "Round cached vectors as DeepSeek's own code does: auto (on for the published shapes), on, off.",
      valueName: "auto|on|off"))
  var cacheRounding: CacheRounding = .auto

  @Option(
    help: ArgumentHelp("Use scalar, avx2, avx512, neon or neon-i8mm code.", visibility: .hidden))
  var instructionSet: String?

  func validate() throws {
    if let threads, !(1...1024).contains(threads) {
      throw ValidationError("--threads is \(threads); it must be 1 to 1024")
    }
    if let context, context < 1 {
      throw ValidationError("--context is \(context); it must be at least 1")
    }
    guard (1...8192).contains(chunk) else {
      throw ValidationError("--chunk is \(chunk); it must be 1 to 8192")
    }
    if let instructionSet, InstructionSet(name: instructionSet) == nil {
      throw ValidationError("--instruction-set \(instructionSet) is unknown")
    }
  }

  /// The options in the engine's terms.
  var local: LocalModelOptions {
    LocalModelOptions(
      threads: threads, instructionSet: instructionSet.flatMap(InstructionSet.init(name:)),
      activations: exact ? .float : .rounded, contextLength: context, chunk: chunk,
      roundsCache: cacheRounding == .auto ? nil : cacheRounding == .on, mayStream: stream)
  }

  /// The path of a model: that of a file, or the name of a registered one.
  func path(of model: String) throws -> String {
    try ModelLocation(data: data.directory()).path(of: model)
  }

  /// Opens a model and says on standard error what is worth knowing.
  func open(_ model: String) throws -> LocalModel {
    let opened = try LocalModel.open(try path(of: model), options: local)
    for note in opened.notes { StandardError.write("maslin: \(note)\n") }
    return opened
  }
}

/// How tokens are chosen.
struct SamplingOptions: ParsableArguments {
  @Option(help: "0 always takes the most likely token.")
  var temperature: Float?

  @Option(help: "Choose among the so many most likely tokens; 0 for all.")
  var topK: Int = 0

  @Option(help: "Choose among the most likely tokens that reach this probability together.")
  var topP: Float = 1

  @Option(help: "Leave out tokens less likely than this share of the most likely one.")
  var minP: Float = 0

  @Option(help: "Make repeated tokens less likely; 1 does nothing.")
  var repetitionPenalty: Float = 1

  @Option(help: "Subtracted from the logits of tokens that occurred.")
  var presencePenalty: Float = 0

  @Option(help: "Subtracted from the logits of tokens for every time they occurred.")
  var frequencyPenalty: Float = 0

  @Option(help: "How many of the last tokens the penalties look at; 0 for all.")
  var penaltyWindow: Int = 64

  @Option(help: "The same seed gives the same answer (default: a new one each time).")
  var seed: UInt64?

  @Option(
    name: [.customShort("n"), .customLong("max-tokens")],
    help: "End the answer after so many tokens.")
  var maximumTokens: Int?

  func validate() throws {
    if let maximumTokens, maximumTokens < 0 {
      throw ValidationError("--max-tokens is \(maximumTokens); it must be 0 or more")
    }
    do {
      try settings(seed: 0).validate()
    } catch {
      throw ValidationError("\(error)")
    }
  }

  /// The settings, with a seed for when none was given.
  func settings(seed fallback: UInt64) -> SamplingSettings {
    SamplingSettings(
      temperature: temperature ?? 1, topK: topK, topP: topP, minP: minP,
      repetitionPenalty: repetitionPenalty, presencePenalty: presencePenalty,
      frequencyPenalty: frequencyPenalty, penaltyWindow: penaltyWindow, seed: seed ?? fallback)
  }

  /// The settings as a request names them; what was not given is left to the model.
  var requested: GenerationRequest.Sampling {
    var sampling = GenerationRequest.Sampling()
    sampling.temperature = temperature.map(Double.init)
    sampling.topK = topK == 0 ? nil : topK
    sampling.topP = topP == 1 ? nil : Double(topP)
    sampling.minP = minP == 0 ? nil : Double(minP)
    sampling.repetitionPenalty = repetitionPenalty == 1 ? nil : Double(repetitionPenalty)
    sampling.presencePenalty = presencePenalty == 0 ? nil : Double(presencePenalty)
    sampling.frequencyPenalty = frequencyPenalty == 0 ? nil : Double(frequencyPenalty)
    sampling.penaltyWindow = penaltyWindow == 64 ? nil : penaltyWindow
    sampling.seed = seed
    return sampling
  }
}
