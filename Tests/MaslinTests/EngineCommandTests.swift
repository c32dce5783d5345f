import Foundation
import Testing

/// Tiny models, made once for all tests.
private let models: Workspace? = try? {
  let workspace = try Workspace()
  for (shape, mix) in [
    ("tiny-deepseek4", "deepseek-2bit"), ("tiny-qwen3", "Q8_0"), ("tiny-qwen35moe", "Q4_K_M"),
  ] {
    let result = try workspace.run(
      "model", "synthesize", "--shape", shape, "--mix", mix, "\(shape).gguf")
    guard result.status == 0 else { return nil }
  }
  return workspace
}()

@Suite("Commands of the engine")
struct EngineCommandTests {
  private func run(_ arguments: String...) throws -> RunResult {
    let workspace = try #require(models, "tiny models can be synthesised")
    return try Executable.run(
      arguments, in: workspace.path, environment: ["MASLIN_DATA": workspace.path + "/data"])
  }

  private func object(_ result: RunResult) throws -> [String: Any] {
    #expect(result.status == 0, "\(result.errors)")
    return try #require(
      try JSONSerialization.jsonObject(with: Data(result.output.utf8)) as? [String: Any])
  }

  private func bytes(_ name: String) throws -> Data {
    try Data(contentsOf: URL(fileURLWithPath: try #require(models).path + "/" + name))
  }

  private static let tokens = (0..<150).map { String(($0 * 37 + 5) % 200) }.joined(separator: ",")

  @Test(
    "Logits are the same bytes for any threads, chunks and instruction set",
    arguments: ["tiny-deepseek4.gguf", "tiny-qwen3.gguf", "tiny-qwen35moe.gguf"])
  func determinism(model: String) throws {
    var outputs: [Data] = []
    let variants: [[String]] = [
      [], ["--threads", "1", "--chunk", "7"], ["--threads", "3", "--chunk", "1"],
      ["--chunk", "128"], ["--instruction-set", "scalar", "--chunk", "64"],
    ]
    for (index, variant) in variants.enumerated() {
      let name = "logits-\(model)-\(index)"
      let workspace = try #require(models)
      let result = try Executable.run(
        ["logits", model, "--tokens", Self.tokens, "--out", name] + variant, in: workspace.path)
      #expect(result.status == 0, "\(result.errors)")
      outputs.append(try bytes(name))
    }
    #expect(outputs[0].count > 150 * 4 * 200)
    #expect(outputs[0].count % (150 * 4) == 0)
    for output in outputs.dropFirst() { #expect(output == outputs[0]) }
  }

  @Test("Chosen experts are written for every position, layer and place")
  func experts() throws {
    for chunk in ["1", "64"] {
      let result = try run(
        "logits", "tiny-deepseek4.gguf", "--tokens", "1,2,3,4,5", "--out", "l-\(chunk)",
        "--chosen-experts", "e-\(chunk)", "--chunk", chunk)
      #expect(result.status == 0, "\(result.errors)")
    }
    let experts = try bytes("e-64")
    #expect(experts == (try bytes("e-1")))
    let inspected = try object(try run("model", "inspect", "tiny-deepseek4.gguf", "--json"))
    let layers = try #require(inspected["layers"] as? Int)
    let used = try #require((inspected["experts"] as? [String: Any])?["used"] as? Int)
    let count = try #require((inspected["experts"] as? [String: Any])?["count"] as? Int)
    #expect(experts.count == 5 * layers * used * 4)
    let ids = experts.withUnsafeBytes { Array($0.bindMemory(to: Int32.self)) }
    #expect(ids.allSatisfy { (0..<Int32(count)).contains($0) })
    let dense = try run(
      "logits", "tiny-qwen3.gguf", "--tokens", "1", "--out", "l", "--chosen-experts", "e")
    #expect(dense.status == 3)
  }

  @Test("Tokens of any text turn back into it")
  func tokenize() throws {
    let text = "contract C { uint256 x; } // naïve “quotes” 🙂\n\n  你好"
    for model in ["tiny-deepseek4.gguf", "tiny-qwen3.gguf"] {
      let encoded = try run("tokenize", model, text)
      #expect(encoded.status == 0, "\(encoded.errors)")
      let ids = encoded.output.trimmingCharacters(in: .whitespacesAndNewlines)
      let decoded = try run("tokenize", model, "--decode", ids)
      #expect(decoded.output == text)
      let counted = try run("tokenize", model, "--count", text)
      #expect(counted.output == "\(ids.split(separator: " ").count)\n")
    }
    #expect(try run("tokenize", "tiny-qwen3.gguf", "--decode", "99999999").status == 3)
    #expect(try run("tokenize", "tiny-qwen3.gguf", "--decode", "1 x").status == 3)
  }

  @Test("The same seed completes the same text, guessing or not; greedy needs no seed")
  func complete() throws {
    func text(_ arguments: String...) throws -> String {
      let workspace = try #require(models)
      let result = try Executable.run(
        ["complete", "tiny-qwen3.gguf", "function f() public", "-n", "24"] + arguments,
        in: workspace.path)
      #expect(result.status == 0, "\(result.errors)")
      return result.output
    }
    #expect(try text("--seed", "7") == (try text("--seed", "7")))
    #expect(try text("--seed", "7") == (try text("--seed", "7", "--speculate", "6")))
    #expect(try text("--temperature", "0") == (try text("--temperature", "0", "--threads", "1")))
    #expect(try text("--seed", "7") != (try text("--seed", "8")))
  }

  @Test("A question is answered in the model's chat format; a stream of thoughts stays apart")
  func ask() throws {
    let result = try run(
      "run", "tiny-qwen3.gguf", "hello", "-n", "8", "--seed", "1", "--thinking", "off")
    #expect(result.status == 0, "\(result.errors)")
    #expect(result.errors.contains("answer 8 tokens"))
    let most = try run(
      "run", "tiny-qwen3.gguf", "hello", "-n", "8", "--seed", "1", "--thinking", "max")
    #expect(most.status == 0, "\(most.errors)")
    #expect(most.errors.contains("counts as thinking"), "\(most.errors)")
  }

  @Test("Inspect tells sizes that add up")
  func inspect() throws {
    let inspected = try object(
      try run("model", "inspect", "tiny-deepseek4.gguf", "--json", "--tensors"))
    let tensors = try #require(inspected["tensorList"] as? [[String: Any]])
    let types = try #require(inspected["types"] as? [[String: Any]])
    let sum = tensors.compactMap { $0["bytes"] as? Int }.reduce(0, +)
    #expect(sum == types.compactMap { $0["bytes"] as? Int }.reduce(0, +))
    let memory = try #require(inspected["memory"] as? [String: Any])
    #expect(memory["weights"] as? Int == sum)
    #expect(memory["fits"] as? Bool == true)
  }

  @Test("A model split and merged again is the same model")
  func splitAndMerge() throws {
    let split = try run(
      "model", "split", "tiny-qwen3.gguf", "part", "--maximum-tensors", "9")
    #expect(split.status == 0, "\(split.errors)")
    let parts = split.output.split(separator: "\n").map(String.init)
    #expect(parts.count > 1)
    let last = try #require(parts.last)
    #expect(try run("model", "merge", last, "merged.gguf").status == 0)
    for (name, out) in [("tiny-qwen3.gguf", "a"), (last, "b"), ("merged.gguf", "c")] {
      #expect(try run("logits", name, "--tokens", "1,2,3", "--out", out).status == 0)
    }
    #expect(try bytes("a") == (try bytes("b")))
    #expect(try bytes("a") == (try bytes("c")))
  }

  @Test("Quantising makes a smaller model that runs")
  func quantize() throws {
    #expect(
      try run("model", "synthesize", "--shape", "tiny-qwen3", "--mix", "F16", "half.gguf").status
        == 0)
    let report = try object(
      try run("model", "quantize", "half.gguf", "quarter.gguf", "--type", "Q4_K_M", "--json"))
    let before = try #require(report["bytesBefore"] as? Int)
    let after = try #require(report["bytesAfter"] as? Int)
    #expect(after * 2 < before)
    #expect(try run("logits", "quarter.gguf", "--tokens", "1,2", "--out", "q").status == 0)
    #expect(try run("model", "quantize", "half.gguf", "x.gguf", "--type", "Q9").status == 2)
  }

  @Test("Registered models are found by name, and changed files are told")
  func registry() throws {
    let workspace = try #require(models)
    try FileManager.default.copyItem(
      atPath: workspace.path + "/tiny-qwen3.gguf", toPath: workspace.path + "/kept.gguf")
    let added = try run("model", "add", "kept.gguf", "--name", "little")
    #expect(added.status == 0, "\(added.errors)")
    #expect(added.output.split(separator: " ").first?.count == 64)
    #expect(try run("logits", "little", "--tokens", "1", "--out", "k").status == 0)
    #expect(try run("model", "list").output.contains("little"))
    let handle = try FileHandle(forWritingTo: URL(fileURLWithPath: workspace.path + "/kept.gguf"))
    try handle.seekToEnd()
    try handle.write(contentsOf: Data([0]))
    try handle.close()
    #expect(try run("model", "list").output.contains("changed"))
    #expect(try run("model", "remove", "little").status == 0)
    #expect(try run("logits", "little", "--tokens", "1", "--out", "k").status == 5)
    #expect(try run("model", "remove", "little").status == 2)
  }

  @Test("Fit knows the published shapes without a file")
  func fit() throws {
    let result = try run("fit", "deepseek-v4-flash", "--sizes", "--json")
    #expect([0, 5].contains(result.status))
    let report = try #require(
      try JSONSerialization.jsonObject(with: Data(result.output.utf8)) as? [String: Any])
    // The specification's sum of tensor payloads, section 10.3, to a tenth of a percent.
    let weights = try #require(report["weights"] as? Int)
    #expect(abs(Double(weights) / 86_714_775_900 - 1) < 0.001)
  }

  @Test("Bench and perplexity print figures that hang together")
  func figures() throws {
    let bench = try object(
      try run("bench", "tiny-qwen3.gguf", "-p", "16", "-g", "4", "--repeat", "1", "--json"))
    let results = try #require(bench["results"] as? [[String: Any]])
    #expect(results.compactMap { $0["test"] as? String } == ["prefill", "decode"])
    let text = String(repeating: "the contract calls another contract; ", count: 80)
    let workspace = try #require(models)
    try workspace.write("text.txt", Data(text.utf8))
    let score = try object(
      try run("perplexity", "tiny-qwen3.gguf", "text.txt", "--window", "64", "--json"))
    let perplexity = try #require(score["perplexity"] as? Double)
    let mean = try #require(score["meanNegativeLogLikelihood"] as? Double)
    #expect(abs(log(perplexity) - mean) < 1e-9)
    let chunked = try object(
      try run(
        "perplexity", "tiny-qwen3.gguf", "text.txt", "--window", "64", "--chunk", "5", "--json"))
    #expect(chunked["perplexity"] as? Double == perplexity)
  }

  @Test("What cannot be done is explained, with the exit code that belongs to it")
  func refusals() throws {
    let workspace = try #require(models)
    try workspace.write("noise.gguf", Data((0..<4096).map { UInt8(truncatingIfNeeded: $0 * 31) }))
    let whole = try bytes("tiny-qwen3.gguf")
    try workspace.write("cut.gguf", whole.prefix(whole.count / 2))
    let cases: [([String], Int32, String)] = [
      (["logits", "missing.gguf", "--tokens", "1", "--out", "x"], 5, "missing.gguf"),
      (["logits", "noise.gguf", "--tokens", "1", "--out", "x"], 3, "GGUF"),
      (["logits", "cut.gguf", "--tokens", "1", "--out", "x"], 3, "cut"),
      (["logits", "tiny-qwen3.gguf", "--tokens", "1,99999999", "--out", "x"], 3, "99999999"),
      (["logits", "tiny-qwen3.gguf", "--tokens", "one", "--out", "x"], 3, "one"),
      (["logits", "tiny-qwen3.gguf", "--tokens", "1", "--out", "no/such/x"], 5, "no/such/x"),
      (
        ["logits", "tiny-qwen3.gguf", "--tokens", "1", "--out", "x", "--threads", "0"], 2,
        "--threads"
      ),
      (["complete", "tiny-qwen3.gguf", "a", "--top-p", "2"], 2, "top-p"),
      (["run", "tiny-qwen3.gguf", "a", "--context", "99999999"], 2, "context"),
      (["model", "convert", ".", "x.gguf"], 5, "config.json"),
      (["model", "split", "tiny-qwen3.gguf", "s", "--maximum-size", "lots"], 2, "lots"),
    ]
    for (arguments, status, word) in cases {
      let result = try Executable.run(arguments, in: workspace.path)
      #expect(result.status == status, "\(arguments): \(result.status) \(result.errors)")
      #expect(result.errors.contains(word), "\(arguments): \(result.errors)")
    }
    #expect(!FileManager.default.fileExists(atPath: workspace.path + "/x"))
  }
}
