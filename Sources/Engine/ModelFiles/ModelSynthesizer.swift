import Dispatch
import GGUF
import TensorFormats

/// Writes model files of true shape with random weights: for measuring speed and memory, and for tests, where real
/// weights are too large or not at hand.
///
/// Every matrix has about unit gain, so activations stay finite. Files are determined by shape, layers, mix and seed.
public struct ModelSynthesizer: Sendable {
  /// The shape.
  public let shape: SynthesisShape
  /// The number of layers in the file.
  public let layers: Int
  /// Which types tensors get.
  public let mix: QuantizationMix
  /// What the weights follow from.
  public let seed: UInt64
  let writer: GGUFWriter

  /// Prepares a file.
  ///
  /// - Parameters:
  ///   - layers: how many layers; nil means all.
  ///   - mix: the types; those of `QuantizationMix`.
  ///   - seed: any number.
  public init(
    _ shape: SynthesisShape, layers: Int? = nil, mix: QuantizationMix = .q4_K_M, seed: UInt64 = 1
  ) throws(SynthesisError) {
    let layers = layers ?? shape.layers
    guard (1...10000).contains(layers) else { throw .layers(layers) }
    self.shape = shape
    self.layers = layers
    self.mix = mix
    self.seed = seed
    let metadata = SynthesisMetadata(shape, layers: layers, seed: seed, mix: mix).metadata
    let outlines = SynthesisTensors(shape, layers: layers).all
    let choice = MixChoice(metadata: metadata, tensors: outlines, mix: mix, hasImportance: true)
    do throws(GGUFError) {
      let tensors = try outlines.map { outline throws(GGUFError) in
        let type =
          choice.keptType(outline)
          ?? QuantizationPlan.fitting(choice.type(outline), columns: outline.columns)
        return try GGUFWriter.Tensor(name: outline.name, type: type, shape: outline.shape)
      }
      writer = try GGUFWriter(metadata: metadata, tensors: tensors)
    } catch {
      throw .gguf(error)
    }
  }

  /// The tensors the file will have, in order.
  public var tensors: [GGUFWriter.Tensor] { writer.tensors }

  /// The size the file will have.
  public var fileByteCount: Int { writer.fileByteCount }

  /// Writes the file. It appears when it is complete.
  ///
  /// - Parameters:
  ///   - path: where.
  ///   - threads: how many threads make blocks; the file does not depend on it.
  ///   - progress: called with the number of bytes done and of all.
  public func write(
    to path: String, threads: Int, progress: (Int, Int) -> Void = { _, _ in }
  ) throws(SynthesisError) {
    let output: GGUFOutput
    do throws(GGUFError) { output = try writer.begin(path) } catch { throw .gguf(error) }
    var done = 0
    do throws(SynthesisError) {
      for tensor in writer.tensors {
        try write(tensor, to: output, threads: max(1, threads)) { bytes in
          done += bytes
          progress(done, writer.fileByteCount)
        }
      }
      do throws(GGUFError) { try output.finish() } catch { throw .gguf(error) }
    } catch {
      output.discard()
      throw error
    }
  }

  private func write(
    _ tensor: GGUFWriter.Tensor, to output: GGUFOutput, threads: Int, _ tell: (Int) -> Void
  ) throws(SynthesisError) {
    if tensor.type == .i32 {
      try append(expertTable(tensor), tensor, output)
      return tell(tensor.byteCount)
    }
    if tensor.shape.count < 2 {
      try append(vector(tensor), tensor, output)
      return tell(tensor.byteCount)
    }
    let synthesis: BlockSynthesis
    do throws(TensorFormatError) {
      synthesis = try BlockSynthesis(
        type: tensor.type, deviation: deviation(tensor), seed: seed(of: tensor.name))
    } catch {
      throw .format(error)
    }
    let size = tensor.type.bytesPerBlock
    let blocks = tensor.byteCount / size
    // Pieces of a multiple of eight blocks each, one per thread and round.
    let piece = max(8, (4 << 20) / size / 8 * 8)
    let buffer = UnsafeMutableRawBufferPointer.allocate(
      byteCount: min(blocks, piece * threads) * size, alignment: 64)
    defer { buffer.deallocate() }
    var first = 0
    while first < blocks {
      let count = min(blocks - first, piece * threads)
      let part = Part(
        buffer: buffer, synthesis: synthesis, first: first, count: count, piece: piece)
      DispatchQueue.concurrentPerform(iterations: (count + piece - 1) / piece) { part.fill($0) }
      do throws(GGUFError) {
        try output.append(
          UnsafeRawBufferPointer(rebasing: buffer[..<(count * size)]), to: tensor.name)
      } catch {
        throw .gguf(error)
      }
      first += count
      tell(count * size)
    }
  }

  /// The blocks of one round.
  private struct Part: @unchecked Sendable {
    // Sendable: every piece is written by one thread.
    let buffer: UnsafeMutableRawBufferPointer
    let synthesis: BlockSynthesis
    let first: Int
    let count: Int
    let piece: Int

    func fill(_ index: Int) {
      let size = synthesis.type.bytesPerBlock
      let range = index * piece * size..<min(count, (index + 1) * piece) * size
      synthesis.fill(
        UnsafeMutableRawBufferPointer(rebasing: buffer[range]), firstBlock: first + index * piece)
    }
  }

  private func append(
    _ bytes: [UInt8], _ tensor: GGUFWriter.Tensor, _ output: GGUFOutput
  ) throws(SynthesisError) {
    let result = bytes.withUnsafeBytes { bytes in
      Result { () throws(GGUFError) in try output.append(bytes, to: tensor.name) }
    }
    do throws(GGUFError) { try result.get() } catch { throw .gguf(error) }
  }

  /// Unit gain: the variance of a sum over a row of weights is one.
  private func deviation(_ tensor: GGUFWriter.Tensor) -> Float {
    if tensor.name.contains("_ape.") { return 0.5 }
    return 1 / Float(tensor.shape[0]).squareRoot()
  }

  /// FNV-1a of the name, mixed with the seed.
  private func seed(of name: String) -> UInt64 {
    var hash: UInt64 = 0xcbf2_9ce4_8422_2325
    for byte in name.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
    return BlockSynthesis.random(hash ^ seed, 1)
  }

  /// A vector of numbers that suit its purpose.
  private func vector(_ tensor: GGUFWriter.Tensor) -> [UInt8] {
    let name = tensor.name
    let seed = seed(of: name)
    var bytes: [UInt8] = []
    bytes.reserveCapacity(tensor.byteCount)
    for index in 0..<tensor.byteCount / 4 {
      // From -1 up to 1, in 2^24 steps.
      let number = Float(Int32(BlockSynthesis.random(seed, index) >> 40)) * 0x1p-23 - 1
      let value: Float
      if name.hasSuffix("norm.weight") {
        value = 1 + 0.1 * number
      } else if name.hasSuffix("_scale.weight") {
        value = 1 + 0.2 * number
      } else if name.hasSuffix("ssm_a") {
        // Decay rates are negative.
        value = -(0.1 + 0.9 * number.magnitude)
      } else if name.hasSuffix("ssm_dt.bias") {
        value = number - 1
      } else if name.hasSuffix("exp_probs_b.bias") || name.contains("_inp_shexp") {
        value = 0.05 * number
      } else {
        value = 0.5 * number
      }
      withUnsafeBytes(of: value.bitPattern.littleEndian) { bytes.append(contentsOf: $0) }
    }
    return bytes
  }

  /// For every token, experts that differ from one another.
  private func expertTable(_ tensor: GGUFWriter.Tensor) -> [UInt8] {
    let seed = seed(of: tensor.name)
    let chosen = tensor.shape[0]
    let experts = max(shape.experts, 1)
    var bytes: [UInt8] = []
    bytes.reserveCapacity(tensor.byteCount)
    for token in 0..<tensor.shape[1] {
      let random = BlockSynthesis.random(seed, token)
      let first = Int(random & 0xffff) % experts
      let stride = 1 + Int(random >> 16 & 0xffff) % max(1, (experts - 1) / max(chosen - 1, 1))
      for index in 0..<chosen {
        let expert = Int32((first + index * stride) % experts)
        withUnsafeBytes(of: expert.littleEndian) { bytes.append(contentsOf: $0) }
      }
    }
    return bytes
  }
}
