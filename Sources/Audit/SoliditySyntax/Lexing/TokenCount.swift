extension Parser {
  /// The number of tokens in a file, comments and the end of the file not counted; for measuring the lexer alone.
  /// Inline assembly is cut into tokens by the rules of Solidity.
  package static func tokenCount(of source: SourceFile) -> Int {
    source.bytes.withUnsafeBufferPointer { bytes in
      ByteClass.table.withUnsafeBufferPointer { classes in
        WordTable.solidity.slots.withUnsafeBufferPointer { solidity in
          WordTable.yul.slots.withUnsafeBufferPointer { yul in
            WordTable.instructions.slots.withUnsafeBufferPointer { instructions -> Int in
              guard let classTable = classes.baseAddress, let solidityTable = solidity.baseAddress,
                let yulTable = yul.baseAddress, let instructionTable = instructions.baseAddress
              else { return 0 }
              var lexer = Lexer(
                bytes: bytes, empty: classTable, classes: classTable,
                solidityWords: solidityTable, yulWords: yulTable,
                instructionWords: instructionTable, version: CompilerVersion.newest.code)
              var count = 0
              while lexer.next().kind != .endOfFile { count += 1 }
              return count
            }
          }
        }
      }
    }
  }
}
