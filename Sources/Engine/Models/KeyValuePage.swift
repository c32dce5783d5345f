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

  /// Whether the page has the shape of that layout's pages.
  func fits(_ layout: StateLayout) -> Bool {
    keys.count == layout.attentionLayers
      && keys.allSatisfy { $0.rows == tokensPerPage && $0.columns == layout.keyColumns }
  }

  /// Writes the first `rows` rows: for each attention layer the keys, then the values.
  func write(rows: Int, to writer: inout StateWriter, on operations: Operations) {
    for layer in keys.indices {
      writer.append(operations.read(keys[layer], rows: 0..<rows))
      writer.append(operations.read(values[layer], rows: 0..<rows))
    }
  }

  /// Reads the first `rows` rows; the others are zero.
  convenience init(
    reading rows: Int, from reader: inout StateReader, _ layout: StateLayout,
    on operations: Operations
  ) throws(ModelError) {
    guard reader.remaining >= rows * layout.bytesPerToken else {
      throw .serializedState("it ends within a page")
    }
    self.init(layout, on: operations)
    for layer in 0..<layout.attentionLayers {
      let count = rows * layout.keyColumns
      operations.write(try reader.floats("keys", count: count), to: keys[layer], row: 0)
      operations.write(try reader.floats("values", count: count), to: values[layer], row: 0)
    }
  }
}
