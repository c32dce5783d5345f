import Kernels

/// What a sequence leaves behind in the layers of a decoder: keys and values of attention layers, and the memory of
/// recurrent ones.
struct StateLayout: Hashable {
  /// The number of layers with attention.
  var attentionLayers: Int
  /// The width of a row of keys: key heads times the width of a head. Values are as wide.
  var keyColumns: Int
  /// The recurrent layers; nil where all layers attend.
  var recurrence: RecurrenceLayout?

  /// The bytes one token takes in pages.
  var bytesPerToken: Int { attentionLayers * 2 * keyColumns * MemoryLayout<Float>.size }
}

/// Keys and values of `tokensPerPage` consecutive tokens in every attention layer.
final class KeyValuePage<Operations: TensorOperations>: StatePage {
  /// For each attention layer, a row a token.
  let keys: [Operations.Buffer]
  /// For each attention layer, a row a token.
  let values: [Operations.Buffer]
  let byteCount: Int

  /// Makes a page of zeros.
  init(_ layout: StateLayout, on operations: Operations) {
    keys = (0..<layout.attentionLayers).map { _ in
      operations.makeBuffer(rows: tokensPerPage, columns: layout.keyColumns)
    }
    values = (0..<layout.attentionLayers).map { _ in
      operations.makeBuffer(rows: tokensPerPage, columns: layout.keyColumns)
    }
    byteCount = tokensPerPage * layout.bytesPerToken
  }

  /// Takes over the first `rows` rows of another page.
  func copyRows(_ rows: Int, of other: KeyValuePage, on operations: Operations) {
    guard rows > 0 else { return }
    for layer in keys.indices {
      operations.copy(other.keys[layer], rows: 0..<rows, to: keys[layer], row: 0)
      operations.copy(other.values[layer], rows: 0..<rows, to: values[layer], row: 0)
    }
  }
}
